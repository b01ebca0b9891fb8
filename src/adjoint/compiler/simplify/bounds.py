"""The range of a value: between which numbers its entries lie, as far as the graph alone tells."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.facts import REALS, SMALL, Interval, Range, of_product, of_square
from ...core.node import Node, Operation
from ...core.registry import PRIMITIVES
from ...graphs.tracing.tracer import TracedNode

# Python has greater integers; infinity and NaN are not below it either.
_MOST = 1e308


def range_of(operand: Any) -> Range | None:
    """Return the range of an operand's entries; None of an argument that is left out.

    Parameters
    ----------
    operand : Symbol, TracedNode, constant or None
    """
    node = operand if isinstance(operand, TracedNode) else getattr(operand, "node", None)
    if not isinstance(node, TracedNode):
        return None if operand is None else _range_of_constant(operand)
    if node.range is None:
        _find_range(node)
    return node.range


def lower_bound(operand: Any) -> float:
    """Return a number that no entry is below; -∞ if none is known."""
    known = range_of(operand)
    return -math.inf if known is None else known.low


def operands_of(node: Operation) -> list[Any]:
    """Return a node's operands: the nodes that they came from, or the constants."""
    return [arg if parent is None else parent for arg, parent in node.edges()]


def _find_range(node: TracedNode) -> None:
    """Find the range of a value, and before of those that it follows from; without recursion."""
    pending = [node]
    while pending:
        last = pending[-1]
        followed = _followed(last)
        unknown = [x for x in followed if isinstance(x, TracedNode) and x.range is None]
        if unknown:
            pending += unknown
            continue
        pending.pop()
        low, high = _bounds_of(last, followed)
        last.range = Range(low, high, math.prod(last.output.shape), max(low, -high, 0.0))


def _followed(node: Node) -> list[Any]:
    """Return the operands whose ranges determine the range of a value."""
    if not isinstance(node, Operation) or node.output.dtype.kind != "f":
        return []
    facts = node.primitive.facts
    return operands_of(node) if callable(facts.bounds) or facts.moves is not None else []


def _bounds_of(node: Node, followed: list[Any]) -> Interval:
    dtype = node.output.dtype
    if dtype.kind != "f":
        # Integers go round, but to no other sign where they have none.
        return (0.0, 1.0) if dtype.kind == "b" else (0.0, math.inf) if dtype.kind == "u" else REALS
    if not isinstance(node, Operation):
        return REALS
    bounds = _bounds_of_factors(node)
    if bounds is None:
        bounds = node.primitive.facts.bounds_of([range_of(x) for x in followed], node.params)
    return _rounded(*bounds, dtype)


def _range_of_constant(constant: Any) -> Range:
    if isinstance(constant, (int, float)):
        if not abs(constant) < _MOST:
            return Range(*REALS)
        return Range(float(constant), float(constant), 1, float(abs(constant)))
    if not np.size(constant):
        return Range(*REALS, size=0)
    low, high = float(np.min(constant)), float(np.max(constant))
    if low != low:
        return Range(*REALS, size=np.size(constant))
    return Range(low, high, np.size(constant), float(np.min(np.abs(constant))))


def _bounds_of_factors(node: Operation) -> Interval | None:
    """Return the bounds of x·x, and of (c·x)·x with a constant c; None of any other operation."""
    if node.primitive is not PRIMITIVES["multiply"]:
        return None
    x, y = operands_of(node)
    for one, other in ((x, y), (y, x)):
        ratio = Range(1.0, 1.0) if one is other else _ratio(one, other)
        if ratio is not None:
            square = of_square(range_of(other) or Range(*REALS))
            return of_product(ratio, Range(*square))
    return None


def _ratio(one: Any, other: Any) -> Range | None:
    """Return the range of c where ``one`` is c times ``other``, or its negative."""
    if not isinstance(one, Operation):
        return None
    factors = operands_of(one)
    if one.primitive is PRIMITIVES["negative"] and factors[0] is other:
        return Range(-1.0, -1.0)
    if one.primitive is PRIMITIVES["multiply"]:
        for factor, rest in (factors, factors[::-1]):
            if rest is other and not isinstance(factor, Node):
                return _range_of_constant(factor)
    return None


def _rounded(low: float, high: float, dtype: np.dtype[Any]) -> Interval:
    """Return bounds that hold of rounded results too: what is small enough may have become 0.

    So may any difference of numbers of half precision.
    """
    small = SMALL if dtype.itemsize > 2 else math.inf
    return (0.0 if 0 < low <= small else low), (0.0 if 0 > high >= -small else high)
