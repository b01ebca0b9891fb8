"""A family is a set of primitives through which gradients get lost in one and the same way."""

from __future__ import annotations

from ..core import Node

# Their slope is 0 wherever there is one.
ROUNDING = frozenset(
    ["ceil", "floor", "floor_divide", "heaviside", "rint", "round", "sign", "trunc"]
)
# Their results are positions, counts and the like.
POSITIONS = frozenset(
    ["argmax", "argmin", "argpartition", "argsort", "count_nonzero", "matrix_rank", "searchsorted"]
)
COMPARISONS = frozenset(
    [
        "all",
        "any",
        "bitwise_and",
        "bitwise_or",
        "bitwise_xor",
        "equal",
        "greater",
        "greater_equal",
        "invert",
        "isclose",
        "isfinite",
        "isinf",
        "isnan",
        "less",
        "less_equal",
        "logical_and",
        "logical_not",
        "logical_or",
        "logical_xor",
        "not_equal",
        "signbit",
    ]
)
# They flatten out far from 0, where their slope is rounded to 0.
SATURATING = frozenset(
    [
        "arctan",
        "exp",
        "exp2",
        "expm1",
        "logaddexp",
        "logaddexp2",
        "logsumexp",
        "sigmoid",
        "softmax",
        "softmax_cross_entropy",
        "softplus",
        "tanh",
    ]
)
# They pass on some entries and drop the others.
SELECTING = frozenset(
    ["clip", "fmax", "fmin", "guarded", "max", "maximum", "min", "minimum", "relu", "where"]
)
PRODUCTS = frozenset(
    [
        "convolution",
        "divide",
        "matmul",
        "multiply",
        "named_product",
        "strong_convolution",
        "strong_einsum",
        "strong_matmul",
        "strong_multiply",
    ]
)
# They only move entries, or add them up.
MOVING = frozenset(
    [
        "astype",
        "broadcast_to",
        "concatenate",
        "index",
        "positive",
        "reshape",
        "scatter_add",
        "stack",
        "sum",
        "sum_to",
        "transpose",
    ]
)


def name_of(node: Node) -> str:
    """Return the name of the primitive that made a value."""
    return node.primitive.name if node.primitive is not None else "leaf"


def reason_of(node: Node) -> str:
    """Return why an operation without a derivative has none."""
    name = name_of(node)
    if name == "stop_gradient":
        return "stop_gradient"
    if name in POSITIONS:
        return "argmax"
    if name in COMPARISONS or node.output.dtype.kind == "b":
        return "comparison"
    if node.output.dtype.kind in "iu":
        return "integer_cast" if name == "astype" else "rounding"
    return "no_derivative"
