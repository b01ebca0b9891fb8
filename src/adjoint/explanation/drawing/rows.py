"""Rows hold what a layout places, from left to right: cards, and arrows that pass between them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

FRAME_BESIDE = 8.0  # room of a frame beside its cards
_GAP = 16.0  # between neighbours
_ROUNDS = 8


@dataclass(eq=False)
class Item:
    """A card, or where an arrow passes, in a row: it reaches from x - left to x + right."""

    left: float
    right: float
    height: float
    card: int | None = None
    arrow: int | None = None
    frames: frozenset[int] = frozenset()  # that it is in
    is_leaf: bool = False
    place: int = 0  # in its row
    x: float = 0.0
    above: list[Item] = field(default_factory=list)
    below: list[Item] = field(default_factory=list)


def gap(left: Item, right: Item) -> float:
    """Return the room between neighbours: more where lines of frames are between them."""
    lines = len(left.frames ^ right.frames)
    # A module's own leaves stand beside its frame where they can.
    if left.frames and left.frames == right.frames and left.is_leaf != right.is_leaf:
        lines = 1
    return _GAP + FRAME_BESIDE * lines


def ordered(rows: list[list[Item]]) -> list[list[Item]]:
    """Return rows sorted by the barycentres of their neighbours: the best order that is found."""
    for row in rows:
        _number(row)
    best, fewest = [list(row) for row in rows], _crossings(rows)
    for step in range(_ROUNDS):
        down = step % 2 == 0
        for row in rows if down else reversed(rows):
            _sort(row, down)
        # A round may also make crossings, so the best order of all rounds is kept, not the last.
        if (found := _crossings(rows)) < fewest:
            best, fewest = [list(row) for row in rows], found
    return best


def _sort(row: list[Item], down: bool) -> None:
    def barycentre(item: Item) -> float:
        near = (item.above if down else item.below) or [item]
        return sum(other.place for other in near) / len(near)

    row.sort(key=barycentre)
    _number(row)


def _crossings(rows: Sequence[Sequence[Item]]) -> int:
    count = 0
    for row in rows:
        # Read from left to right, two arrows cross where the later one ends further to the left.
        ends = [place for item in row for place in sorted(x.place for x in item.below)]
        count += sum(a > b for n, a in enumerate(ends) for b in ends[n + 1 :])
    return count


def _number(row: Sequence[Item]) -> None:
    for n, item in enumerate(row):
        item.place = n
