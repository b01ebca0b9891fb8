"""A bound is a number that no entry of a value is below, as far as the graph alone tells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core import Node, Operation

# How many operations back to look; further back bounds are hardly ever found.
_DEPTH = 12
# A smaller product may be 0 in float32.
_LEAST = 1e-30
# More than float32 rounds numbers by.
_ROUNDING = 1e-6


def lower_bound(operand: Any, depth: int = _DEPTH) -> float:
    """Return a number that no entry is below; -∞ if none is known.

    Parameters
    ----------
    operand : Symbol, Node or constant
    """
    node = operand if isinstance(operand, Node) else getattr(operand, "node", None)
    if node is None:
        return float(np.min(operand)) if np.size(operand) else -math.inf
    if not isinstance(node, Operation) or depth == 0:
        return -math.inf
    name = node.primitive.name
    if name in _NOT_NEGATIVE or _is_square(node):
        return 0.0
    rule = _RULES.get(name)
    if rule is None:
        return -math.inf
    return rule([lower_bound(x, depth - 1) for x in operands_of(node)])


def is_not_positive(operand: Any) -> bool:
    """Return whether no entry is above 0: of -x with x ≥ 0, or -x·x."""
    node = getattr(operand, "node", None)
    if not isinstance(node, Operation):
        return False
    first, *rest = operands_of(node)
    if node.primitive.name == "negative":
        return lower_bound(first) >= 0
    if node.primitive.name == "multiply" and isinstance(first, Operation):
        return first.primitive.name == "negative" and operands_of(first)[0] is rest[0]
    return False


def operands_of(node: Operation) -> list[Any]:
    """Return a node's operands: the nodes that they came from, or the constants."""
    return [arg if parent is None else parent for arg, parent in node.edges()]


def _is_square(node: Operation) -> bool:
    """Return whether a node is x·x or an even power of x."""
    if node.primitive.name == "multiply":
        return isinstance(node.parents[0], Node) and node.parents[0] is node.parents[1]
    if node.primitive.name == "power" and node.parents[1] is None:
        return bool(np.all(np.remainder(node.args[1], 2) == 0))
    return False


_NOT_NEGATIVE = frozenset(
    {
        "absolute",
        "exp",
        "logistic",
        "norm",
        "relu",
        "sigmoid",
        "softmax",
        "softplus",
        "sqrt",
        "square",
    }
)


def _product(bounds: Sequence[float]) -> float:
    x, y = bounds
    if x < 0 or y < 0:
        return -math.inf
    return x * y if x * y > _LEAST else 0.0


def _total(bounds: Sequence[float]) -> float:
    x, y = bounds
    # What is left of a difference may be 0 when rounded to float32.
    return 0.0 if 0 < x + y < _ROUNDING * abs(x) else x + y


def _same(bounds: Sequence[float]) -> float:
    return bounds[0]


def _zero_or_more(bounds: Sequence[float]) -> float:
    return 0.0 if bounds[0] >= 0 else -math.inf


_RULES: dict[str, Callable[[Sequence[float]], float]] = {
    "add": _total,
    "multiply": _product,
    "maximum": max,
    "minimum": min,
    "broadcast_to": _same,
    "index": _same,
    "max": _same,
    "mean": _same,
    "reshape": _same,
    "transpose": _same,
    "sum": _zero_or_more,
    "sum_to": _zero_or_more,
}
