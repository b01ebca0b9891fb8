"""Folding decides which modules of a graph are one box, which are open, and what is left out."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence

from ...compiler.simplify.loops import bodies_of, is_loop
from ...core.node import Node, Operation
from .call_site import ModuleCall
from .evaluated_graph import EvaluatedGraph
from .fold import Fold, Folding
from .repeats import fold_repeats

# Modules are folded if there would be more boxes than this.
MOST_BOXES = 30
# So many modules are shown at the beginning and at the end of a list that is too long.
_KEPT = 4


def fold(evaluated: EvaluatedGraph, *, depth: int | None, opened: Collection[str]) -> Folding:
    """Return how a graph is folded.

    Parameters
    ----------
    evaluated : EvaluatedGraph
    depth : int or None
        How many levels of modules are open: none, the outermost, those in it …; by default as many
        as leave no more than `MOST_BOXES`, but the outermost. If these are still too many, the
        middle of long lists of modules is folded, then of operations that repeat, then of the rest.
    opened : collection of str
        Paths of modules that are open in any case.

    Raises
    ------
    ValueError
        If a path is not that of a module that was called.
    """
    calls: dict[Node, tuple[ModuleCall, ...]] = {
        node: evaluated.call_site(node).calls for node in evaluated.graph.nodes
    }
    _check(opened, calls.values())
    found = depth if depth is not None else _automatic(calls, opened)
    folding = _folding(calls, found, opened)
    _fold_loops(folding, evaluated.graph.nodes)
    if depth is None and _count(folding, calls) > MOST_BOXES:
        _shorten(folding, calls)
        # What was opened by name is never folded again.
        if not opened:
            fold_repeats(folding, evaluated.graph.nodes, most=MOST_BOXES)
    return folding


def _fold_loops(folding: Folding, nodes: Sequence[Operation]) -> None:
    """Make one box of each loop, or choice, and the results that are taken from it."""
    for node in nodes:
        if not is_loop(node) or node in folding.closed:
            continue
        members = [node, *(other for other in nodes if node in other.parents)]
        does = dict.fromkeys(
            inner.primitive.name for graph in bodies_of(node) for inner in graph.nodes
        )
        made = Fold(node.primitive.name, ", ".join(does) or "nothing", list(members))
        made.turns = node.params.get("length")
        folding.closed.update(dict.fromkeys(members, made))


def _check(opened: Collection[str], calls: Collection[tuple[ModuleCall, ...]]) -> None:
    known = {call.path for chain in calls for call in chain if call.path}
    for path in opened:
        if path not in known:
            there = ", ".join(sorted(known)) or "none: no module was called"
            raise ValueError(f"draw: cannot open {path!r}; the modules in the graph are {there}")


def _automatic(calls: dict[Node, tuple[ModuleCall, ...]], opened: Collection[str]) -> int:
    """Return the largest depth that leaves not too many boxes, at least one."""
    deepest = max((len(chain) for chain in calls.values()), default=1)
    for depth in range(deepest, 1, -1):
        if _count(_folding(calls, depth, opened), calls) <= MOST_BOXES:
            return depth
    return 1


def _count(folding: Folding, calls: dict[Node, tuple[ModuleCall, ...]]) -> int:
    folded = {id(each) for each in folding.closed.values()}
    return len(calls) - len(folding.closed) + len(folded)


def _folding(
    calls: dict[Node, tuple[ModuleCall, ...]], depth: int, opened: Collection[str]
) -> Folding:
    """Return the folding in which modules down to a depth are open."""
    folds: dict[int, Fold] = {}
    closed: dict[Node, Fold] = {}
    frames: list[Fold] = []
    for node, chain in calls.items():
        for level, call in enumerate(chain):
            if call.number not in folds:
                folds[call.number] = Fold(call.path or call.kind, call.kind, depth=level)
            each = folds[call.number]
            each.nodes.append(node)
            if level >= depth and not _is_open(call.path, opened):
                closed[node] = each
                break
            if level and each not in frames:
                frames.append(each)
    return Folding(closed, frames)


def _is_open(path: str, opened: Collection[str]) -> bool:
    """Return whether a module is to be open, or one inside it."""
    if not path:
        return bool(opened)
    return any(other == path or other.startswith((f"{path}.", f"{path}[")) for other in opened)


def _shorten(folding: Folding, calls: dict[Node, tuple[ModuleCall, ...]]) -> None:
    """Fold the middles of long lists of modules, and what is computed between them."""
    for run in list(_runs(folding)):
        first, last = run[0].nodes[0].order, run[-1].nodes[-1].order
        level = run[0].depth
        inside = [
            node
            for node, chain in calls.items()
            if first <= node.order <= last and chain[:level] == calls[run[0].nodes[0]][:level]
        ]
        kinds = ", ".join(dict.fromkeys(each.kind for each in run))
        title = f"{run[0].title.removesuffix(']')} … {run[-1].title.rpartition('[')[2]}"
        merged = Fold(title, f"{len(run)} modules: {kinds}", inside, level)
        folding.closed.update(dict.fromkeys(inside, merged))


def _runs(folding: Folding) -> Iterator[Sequence[Fold]]:
    """Yield the middle of each long run of closed members of one list."""
    folds = list({id(each): each for each in folding.closed.values()}.values())
    run: list[Fold] = []
    for each in [*folds, None]:
        if each is not None and (not run or _list_of(run[-1]) == _list_of(each) is not None):
            run.append(each)
            continue
        if len(run) > 2 * _KEPT + 1:
            yield run[_KEPT:-_KEPT]
        run = [] if each is None else [each]


def _list_of(each: Fold) -> str | None:
    """Return the list that a module is a member of."""
    found = re.fullmatch(r"(.*)\[[^]]*\]", each.title)
    return found[1] if found else None
