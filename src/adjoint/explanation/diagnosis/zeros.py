"""Zeros: the operation at which a gradient became zero, and why it did there."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from ...core.node import Node
from ...ops.structural import sum_to
from .event_log import Sweep
from .families import facts_of, is_movement, is_product, name_of
from .flow import Flow
from .gradient import Verdict, norm, share
from .nonfinite import find_nonfinite, forward_origin

# A contribution to a node's cotangent: the operation whose rule gave it, and for which argument.
Contribution = tuple[Node, int]


def contributions(sweep: Sweep) -> dict[Node, list[Contribution]]:
    """Return for every node the operations that its cotangent was added up from."""
    found: dict[Node, list[Contribution]] = defaultdict(list)
    for node, parts in sweep.parts.items():
        for position, (part, parent) in enumerate(zip(parts, node.parents, strict=True)):
            if part is not None and parent is not None:
                found[parent].append((node, position))
    return found


def find_zero(flow: Flow, sweep: Sweep, leaf: Node) -> Verdict:
    """Return where the cotangent on its way to a leaf became zero."""
    given = contributions(sweep)
    stack, seen = [leaf], {leaf}
    blocked: list[Contribution] = []
    cancelled: list[Contribution] = []
    while stack:
        for node, position in given[stack.pop()]:
            if norm(sweep.parts[node][position]) > 0:
                cancelled.append((node, position))
            elif norm(sweep.cotangents[node]) > 0:
                blocked.append((node, position))
            elif node not in seen:
                seen.add(node)
                stack.append(node)
    if blocked:
        return explain_block(flow, sweep, *max(blocked, key=lambda pair: pair[0].order))
    if cancelled:
        return explain_cancellation(flow, sweep, max(cancelled, key=lambda pair: pair[0].order))
    return Verdict(
        "stationary", flow.lines.get(sweep.start), "the cotangent that was handed in is zero", {}
    )


def explain_block(flow: Flow, sweep: Sweep, node: Node, position: int) -> Verdict:
    """Tell why an operation let nothing of a cotangent through."""
    if not np.isfinite(sweep.cotangents[node]).all():
        return _by_convention(flow, sweep)
    details: dict[str, Any] = {"primitive": name_of(node)}
    cause, words = _block(flow, sweep, node, position)
    if isinstance(words, Verdict):
        return words
    if cause == "dead_relu":
        details["inactive"] = inactive(node)
    return Verdict(cause, flow.lines.get(node), words, details)


def _by_convention(flow: Flow, sweep: Sweep) -> Verdict:
    """Report an infinite slope whose product with 0 was taken as 0."""
    finding = find_nonfinite(flow, sweep)
    assert finding is not None
    words = f"{finding.explanation}; its product with 0 was then taken as 0, by convention"
    return finding._replace(explanation=words)


def _block(flow: Flow, sweep: Sweep, node: Node, position: int) -> tuple[str, str | Verdict]:
    name, facts = name_of(node), facts_of(node)
    if facts.flat:
        return "rounding", f"{name} is flat between its jumps: its slope is 0 everywhere"
    if is_relu(node):
        silent = np.asarray(node.output) <= 0
        return "dead_relu", f"{name} gave 0 in {share(silent)} entries, where its slope is 0 too"
    if facts.selects:
        return "masked", _selected(node, position)
    if name == "put_at":
        return "overwritten", "all entries that have a gradient were assigned over here"
    if facts.saturates and not np.isfinite(node.args[0]).all():
        origin = forward_origin(flow, node)
        return origin.cause, origin
    if facts.saturates:
        return _flat(sweep, node)
    if is_product(node):
        return _product(flow, sweep, node, position)
    if is_movement(node):
        return "overwritten", f"{name} does not pass on the entries that have a gradient"
    if node.primitive is not None and node.primitive.kind == "custom":
        return "custom_rule", f"the rule of {name} gave zero"
    return "stationary", (
        f"the slope of {name} is 0 at {_example(node.args[position])}: the function is flat there"
    )


def is_relu(node: Node) -> bool:
    """Return whether an operation is max(x, 0), in one of its spellings."""
    name = name_of(node)
    if name == "where":
        condition, x, other = map(np.asarray, node.args)
        return not other.any() and np.array_equal(condition, x > 0)
    if name not in ("maximum", "fmax"):
        return name == "relu"
    others = [arg for arg, p in node.edges() if p is None]
    return len(others) == 1 and not np.any(others[0])


def inactive(node: Node) -> float:
    """Return the percentage of units, along the last axis, that gave 0 in every row."""
    output = np.atleast_1d(node.output)
    units = output.reshape(-1, output.shape[-1]) <= 0
    return float(100 * units.all(axis=0).mean())


def _selected(node: Node, position: int) -> str:
    name = name_of(node)
    if name == "where":
        chosen = np.broadcast_to(np.asarray(node.args[0]) != 0, node.output.shape)
        taken = chosen if position == 1 else ~chosen
        return (
            f"where took this branch in {share(taken)} entries, none of which has a gradient "
            "that passes"
        )
    return f"{name} passes the other argument or a bound wherever there is a gradient"


def _flat(sweep: Sweep, node: Node) -> tuple[str, str]:
    output, name = np.asarray(node.output), name_of(node)
    if name == "softmax_cross_entropy":
        return "stationary", certain(node)
    if name == "softmax" and float(np.max(output, initial=0.0)) < 1 - 1e-9:
        return "cancellation", (
            "what follows does not tell the entries of softmax apart, and their sum is always 1"
        )
    return "saturation", (
        f"{name} is saturated: its argument goes from {_extremes(node.args[0])}, where its slope "
        "is 0 to rounding"
    )


def certain(node: Node) -> str:
    """Return in words that a cross-entropy has nothing left to learn from."""
    return (
        f"every row is given its label with certainty: the largest loss is "
        f"{float(np.max(node.output)):.2g}"
    )


def _product(flow: Flow, sweep: Sweep, node: Node, position: int) -> tuple[str, str | Verdict]:
    others = [
        (arg, parent)
        for n, (arg, parent) in enumerate(node.edges())
        if n != position and arg is not None
    ]
    name = name_of(node)
    if underflows(sweep, node):
        return "vanishing", f"the gradient is so small that {name} rounded it to 0"
    for other, parent in others:
        array = np.asarray(other)
        if parent is None and _is_mask(array):
            return "masked", f"{name} multiplies by a mask, which is 0 wherever a gradient arrives"
        if array.any():
            continue
        origin = zero_origin(flow, parent)
        if origin is not None:
            return origin.cause, origin
        return "zero_factor", f"{name} multiplies by an operand of shape {array.shape}, all zero"
    return "zero_factor", f"{name} multiplies by a factor that is 0 wherever a gradient arrives"


def underflows(sweep: Sweep, node: Node) -> bool:
    """Return whether a cotangent is so small that products of it are lost."""
    g = sweep.cotangents[node]
    # The product of two numbers below this root is less than the smallest normal float.
    return bool(norm(g) < np.sqrt(np.finfo(g.dtype).tiny))


def zero_origin(flow: Flow, node: Node | None) -> Verdict | None:
    """Return what made a value zero in all entries, if it was an operation that often does."""
    while node is not None and node.primitive is not None:
        if is_relu(node):
            where = flow.lines.get(node)
            words = f"{name_of(node)} gave 0 in all entries, which the gradient is multiplied by"
            return Verdict(
                "dead_relu", where, words, {"primitive": "relu", "inactive": inactive(node)}
            )
        if facts_of(node).flat:
            return None
        zeros = [parent for arg, parent in node.edges() if parent is not None and not np.any(arg)]
        node = zeros[0] if zeros else None
    return None


def _is_mask(array: Array) -> bool:
    return bool(array.dtype.kind == "b" or (array.size > 1 and np.isin(array, (0, 1)).all()))


def explain_cancellation(flow: Flow, sweep: Sweep, at: Contribution) -> Verdict:
    """Report contributions that are not zero but add up to zero."""
    node, position = at
    part, shape = sweep.parts[node][position], np.shape(node.args[position])
    words = (
        f"contributions of norm {norm(part):.3g} reach it from {name_of(node)}, and their sum is "
        "zero: what is computed here does not depend on it"
    )
    where = flow.lines.get(_origin(sweep, node, shape))
    return Verdict("cancellation", where, words, {"primitive": name_of(node)})


def _origin(sweep: Sweep, node: Node, shape: tuple[int, ...]) -> Node:
    """Return the operation from which on the entries of the cotangent cancel out."""
    given = contributions(sweep)
    while given[node] and _cancels(sweep.cotangents[node], shape):
        node = max((source for source, _ in given[node]), key=lambda source: source.order)
    return node


def _cancels(g: Array, shape: tuple[int, ...]) -> bool:
    if len(shape) > np.ndim(g) or np.shape(g) == shape:
        return False
    total, magnitude = sum_to(g, shape=shape), sum_to(np.abs(g), shape=shape)
    # Terms that cancel leave about 1e-16 of their magnitude each; a long sum leaves more.
    return norm(total) <= 1e-10 * norm(magnitude)


def _example(x: ArrayLike) -> str:
    array = np.asarray(x)
    return f"{float(array.ravel()[0]):.6g}" if array.size else "no entries"


def _extremes(x: ArrayLike) -> str:
    return f"{float(np.min(x)):.4g} to {float(np.max(x)):.4g}"
