"""The two walks over recorded nodes: pull cotangents back, push tangents forward.

Both are iterative, write only to dicts they own, and are the one place where broadcasting and
dtype promotion are undone and contributions added up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Any

import numpy as np

from .core import Node
from .ops.products import TooHastyError, has_nan, haste
from .ops.structural import astype, broadcast_to, sum_to

# How a walk sees what a node holds: `lift(payload, node)` makes a value of it again, so that the
# walk itself is recorded; None leaves plain arrays.
Lift = Callable[[Any, Node], Any]


def reachable(outputs: Iterable[Node], *, since: int = 0) -> list[Node]:
    """Return the nodes that ``outputs`` came from, oldest first, none created before ``since``.

    A node is created after all that it depends on, so the order of creation is topological.
    """
    seen = set(outputs)
    stack = list(seen)
    while stack:
        for parent in stack.pop().parents:
            if parent is not None and parent not in seen and parent.order >= since:
                seen.add(parent)
                stack.append(parent)
    return sorted(seen, key=attrgetter("order"))


def _leading_to(order: Sequence[Node], ends: Collection[Node]) -> set[Node]:
    """Return the nodes of ``order`` (oldest first) that depend on one of ``ends``, and those."""
    found = set(ends)
    for node in order:
        if any(parent in found for parent in node.parents if parent is not None):
            found.add(node)
    return found


def _lifted(node: Node, lift: Lift) -> tuple[Any, Sequence[Any]]:
    """Return a node's output and arguments as values."""
    args = [
        arg if parent is None else lift(arg, parent)
        for arg, parent in zip(node.args, node.parents, strict=True)
    ]
    return lift(node.output, node), args


def _like(part: Any, value: Any, spread: Callable[..., Any]) -> Any:
    """Give a cotangent (by `sum_to`) or tangent (by `broadcast_to`) its value's shape and dtype."""
    if part.shape != value.shape:
        part = spread(part, shape=value.shape)
    return part if part.dtype == value.dtype else astype(part, dtype=value.dtype)


def pull_back(
    seeds: dict[Node, Any],
    *,
    wanted: Collection[Node] | None = None,
    lift: Lift | None = None,
    inspect: Callable[[Node, Sequence[Any] | None], None] | None = None,
    meet: Callable[[Node, Any], None] | None = None,
) -> dict[Node, Any]:
    """Return the cotangents of the leaves, or of ``wanted``, given those of some outputs.

    Parameters
    ----------
    seeds : dict of Node to cotangent
        Each of its value's shape and dtype.
    wanted : collection of Node, optional
        By default all leaves. Each is taken as independent: nothing is swept through it.
    lift : callable, optional
        Makes the walk itself recorded, for derivatives of the result.
    inspect : callable, optional
        Shown every node before its rule runs, and what the rule gave.
    meet : callable, optional
        Shown every node with its whole cotangent, leaves included.
    """
    if lift is None and inspect is None and meet is None:
        try:
            with _in_haste():
                found = _sweep_back(seeds, wanted, None, None, None)
                # Plain and strong products differ only where the plain one is NaN, and NaN does
                # not get lost on its way to the leaves.
                is_right = not (haste.met and any(map(has_nan, found.values())))
        except TooHastyError:
            is_right = False
        if is_right:
            return found
    return _sweep_back(seeds, wanted, lift, inspect, meet)


@contextmanager
def _in_haste() -> Iterator[None]:
    """Take strong products as plain ones for now, in this thread."""
    before = haste.on, haste.met
    haste.on, haste.met = True, False
    try:
        yield
    finally:
        haste.on, haste.met = before


def _sweep_back(
    seeds: dict[Node, Any],
    wanted: Collection[Node] | None,
    lift: Lift | None,
    inspect: Callable[[Node, Sequence[Any] | None], None] | None,
    meet: Callable[[Node, Any], None] | None,
) -> dict[Node, Any]:
    since = 0 if wanted is None else min((node.order for node in wanted), default=0)
    order = reachable(seeds, since=since)
    useful = None if wanted is None else _leading_to(order, wanted)
    cotangents = dict(seeds)
    with np.errstate(all="ignore"):
        for node in reversed(order):
            primitive = node.primitive
            if meet is not None and node in cotangents:
                meet(node, cotangents[node])
            if primitive is None or primitive.vjp is None or (wanted and node in wanted):
                continue
            g = cotangents.pop(node, None)
            if g is None:
                continue
            targets = node.parents
            if useful is not None:
                targets = [parent if parent in useful else None for parent in targets]
            if inspect is not None:
                inspect(node, None)
            y, args = (node.output, node.args) if lift is None else _lifted(node, lift)
            parts = primitive.vjp(g, y, args, node.params, targets)
            if inspect is not None:
                inspect(node, parts)
            for target, part, arg in zip(targets, parts, node.args, strict=True):
                if target is None or part is None or (lift is not None and arg.dtype.kind != "f"):
                    continue  # a traced integer has a node too, but nothing flows to it
                if part.shape != arg.shape or part.dtype is not arg.dtype:
                    part = _like(part, arg, sum_to)
                known = cotangents.get(target)
                cotangents[target] = part if known is None else known + part
    return cotangents


def push_forward(
    seeds: dict[Node, Any], outputs: Sequence[Node], *, lift: Lift | None = None
) -> dict[Node, Any]:
    """Return the tangents of ``outputs`` given those of some inputs; absent where they are zero."""
    since = min((node.order for node in seeds), default=0)
    tangents = dict(seeds)
    with np.errstate(all="ignore"):
        for node in reachable(outputs, since=since):
            primitive = node.primitive
            if primitive is None or primitive.jvp is None or node in seeds:
                continue
            given = [tangents.get(p) if p is not None else None for p in node.parents]
            if all(t is None for t in given):
                continue
            y, args = (node.output, node.args) if lift is None else _lifted(node, lift)
            moved = primitive.jvp(given, y, args, node.params)
            tangents[node] = _like(moved, node.output, broadcast_to)
    return tangents
