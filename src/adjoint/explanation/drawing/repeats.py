"""Repeats are operations that come again and again, as those of a loop: three are enough to see."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import NamedTuple

from ...core.node import Node, Operation
from .fold import Fold, Folding

# Rounds of more boxes than this are not looked for.
_LONGEST_ROUND = 100


class _Unit(NamedTuple):
    """A box of the picture: what it does, which repeats, what that is called, its operations."""

    does: Hashable
    name: str
    nodes: Sequence[Node]


class Repeats(NamedTuple):
    """Where something repeats: ``times`` rounds of ``length``, from ``start`` on."""

    start: int
    length: int
    times: int

    @property
    def saved(self) -> int:
        """How many boxes fewer there are if all rounds but the first and the last are one."""
        return max((self.times - 2) * self.length - 1, 0)


def fold_repeats(folding: Folding, nodes: Sequence[Operation], *, most: int) -> None:
    """Fold operations that repeat, then those in the middle, until few enough boxes are left."""
    while len(units := _units(folding, nodes)) > most:
        found = repeats([unit.does for unit in units])
        if found.saved:
            first = found.start + found.length
            last = first + (found.times - 2) * found.length
            inside = units[first:last]
            names = _names(inside[: found.length])
            _merge(folding, inside, names, rounds=found.times - 2)
        else:
            kept = (most - 1) // 2  # so that the box in the middle is not one too many
            inside = units[kept:-kept]
            _merge(folding, inside, _names(inside))


def repeats(does: Sequence[Hashable]) -> Repeats:
    """Return the repeats that save most boxes if they are folded; none of saved 0.

    >>> repeats("xababababy")
    Repeats(start=1, length=2, times=4)
    """
    best = Repeats(0, 1, 1)
    for length in range(1, min(len(does) // 3, _LONGEST_ROUND) + 1):
        start = 0
        for at in range(length, len(does) + 1):
            if at < len(does) and does[at] == does[at - length]:
                continue
            found = Repeats(start, length, (at - start) // length)
            best = found if found.saved > best.saved else best
            start = at - length + 1
    return best


def _units(folding: Folding, nodes: Sequence[Operation]) -> list[_Unit]:
    """Return the boxes in the order in which they were computed."""
    found: dict[int, _Unit] = {}
    for node in nodes:
        box = folding.closed.get(node)
        name = node.primitive.name if box is None else box.kind
        if box is None:
            found[id(node)] = _Unit((name, node.output.shape), name, [node])
        else:
            # Boxes of folded rounds are all different.
            found.setdefault(
                id(box), _Unit(box.kind if box.is_module else id(box), name, box.nodes)
            )
    return list(found.values())


def _names(units: Sequence[_Unit]) -> str:
    return ", ".join(dict.fromkeys(unit.name for unit in units))


def _merge(folding: Folding, units: Sequence[_Unit], kind: str, rounds: int = 0) -> None:
    """Make one box of several."""
    nodes: list[Node] = [node for unit in units for node in unit.nodes]
    merged = Fold("", kind, nodes, is_module=False, rounds=rounds)
    folding.closed.update(dict.fromkeys(nodes, merged))
