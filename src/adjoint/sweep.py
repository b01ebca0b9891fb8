"""The two walks over recorded nodes: pull cotangents back, push tangents forward.

Both are iterative, write only to dicts they own, and are the one place where broadcasting and
dtype promotion are undone and contributions added up.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

import numpy as np

from .core import Node
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


def _seen(node: Node, lift: Lift | None) -> tuple[Any, Sequence[Any]]:
    """Return a node's output and arguments as the walk sees them."""
    if lift is None:
        return node.output, node.args
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
    seeds: dict[Node, Any], *, wanted: Collection[Node] | None = None, lift: Lift | None = None
) -> dict[Node, Any]:
    """Return the cotangents of the leaves, or of ``wanted``, given those of some outputs.

    Parameters
    ----------
    seeds : dict of Node to cotangent
        Each of its value's shape and dtype.
    wanted : collection of Node, optional
        By default all leaves.
    lift : callable, optional
        Makes the walk itself recorded, for derivatives of the result.
    """
    since = 0 if wanted is None else min((node.order for node in wanted), default=0)
    order = reachable(seeds, since=since)
    useful = None if wanted is None else _leading_to(order, wanted)
    cotangents = dict(seeds)
    with np.errstate(all="ignore"):
        for node in reversed(order):
            primitive = node.primitive
            if primitive is None or primitive.vjp is None or node not in cotangents:
                continue
            g = cotangents[node]
            if wanted is None or node not in wanted:
                del cotangents[node]
            targets = [
                parent is not None and (useful is None or parent in useful)
                for parent in node.parents
            ]
            y, args = _seen(node, lift)
            parts = primitive.vjp(g, y, args, node.params, targets)
            _deliver(parts, node, targets, cotangents)
    return cotangents


def _deliver(
    parts: Sequence[Any], node: Node, targets: Sequence[bool], cotangents: dict[Node, Any]
) -> None:
    """Add what a node's rule gives to the cotangents of its parents."""
    for parent, target, part, arg in zip(node.parents, targets, parts, node.args, strict=True):
        # A traced integer has a node too, but nothing flows to it.
        if not target or parent is None or part is None or arg.dtype.kind != "f":
            continue
        if part.shape != arg.shape or part.dtype is not arg.dtype:
            part = _like(part, arg, sum_to)
        if parent in cotangents:
            part = cotangents[parent] + part
        cotangents[parent] = part


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
            y, args = _seen(node, lift)
            moved = primitive.jvp(given, y, args, node.params)
            tangents[node] = _like(moved, node.output, broadcast_to)
    return tangents
