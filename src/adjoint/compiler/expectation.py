"""An expectation is that a value is neither infinite nor NaN; it may be wrong.

Products whose factors are expected to be finite are computed as plain ones first, and again where
that gives NaN; so a wrong expectation costs time, never a number. The arguments of a graph are
expected to be finite unless it asks whether they are, and sums and products of finite numbers too.
What grows without being large at first (exp, power), or has poles (divide, log), may give
infinities. Unknown primitives may, too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..core import Node, Operand, Params, Primitive, Spec
from ..graph import Graph
from .bounds import is_not_positive, lower_bound

# Of which a quotient by it is still in the range of float32, or nearly so.
_SMALL = 1e-30

# Sums and products; what is bounded or hardly larger than its argument; movements.
_KEEPING = """
add subtract multiply strong_multiply negative positive square matmul strong_matmul
named_product strong_einsum convolution strong_convolution sum sum_to cumsum absolute fabs sign
relu maximum minimum fmax fmin clip where floor ceil trunc rint round sin cos arctan tanh
sigmoid softplus softmax softmax_cross_entropy logaddexp heaviside copysign arcsinh deg2rad
rad2deg norm hypot sinc max min reshape transpose broadcast_to index scatter_add put_at astype
stop_gradient concatenate stack flip roll repeat tile tril triu diagonal diagflat pad_with_zeros
pad_with_entries zeros_like ones_like log_softmax logistic
"""
_KEEPS = frozenset(_KEEPING.split())

# Whoever asks these has met numbers that are not finite, or reckons with them.
_QUESTIONS = frozenset({"isfinite", "isinf", "isnan"})


def asked_about(graph: Graph) -> set[Node]:
    """Return the values on which the user's questions about finiteness depend, inputs included."""
    found: set[Node] = set()
    for node in reversed(graph.nodes):
        # What a derivative's own rule asks says nothing about the numbers to come.
        asks = node.meant.name in _QUESTIONS and node.origin is None
        if asks or node in found:
            found.update(parent for parent in node.parents if parent is not None)
    return found


def is_finite(operand: Operand) -> bool:
    """Return whether all entries of a constant are finite."""
    # NumPy has no type for integers of more than 64 bits.
    return type(operand) is int or bool(np.all(np.isfinite(operand)))


def is_expected_finite(
    primitive: Primitive, args: Sequence[Operand], params: Params, spec: Spec, known: Sequence[bool]
) -> bool:
    """Return whether a result is expected to be finite, given whether each argument is."""
    if spec.dtype.kind != "f":
        return True
    if not all(known):
        return False
    special = _SPECIAL.get(primitive.name)
    return primitive.name in _KEEPS if special is None else special(args, params)


def _has_entries(args: Sequence[Operand], params: Params) -> bool:
    return 0 not in args[0].shape


def _divisor_is_constant(args: Sequence[Operand], params: Params) -> bool:
    divisor = args[1]
    return not hasattr(divisor, "node") and bool(np.all(np.not_equal(divisor, 0)))


def _small_exponent(args: Sequence[Operand], params: Params) -> bool:
    """Return whether an exponent is constant and makes of a power a product of few factors."""
    exponent = args[1]
    if hasattr(exponent, "node"):
        return False
    return bool(np.all(np.isin(exponent, (0, 1, 2, 3))))


def _divisor_is_away_from_0(args: Sequence[Operand], params: Params) -> bool:
    return _divisor_is_constant(args, params) or lower_bound(args[1]) > _SMALL


_SPECIAL: dict[str, Callable[[Sequence[Operand], Params], bool]] = {
    "mean": _has_entries,
    "logsumexp": _has_entries,
    "divide": _divisor_is_away_from_0,
    "exp": lambda args, params: is_not_positive(args[0]),
    "log": lambda args, params: lower_bound(args[0]) > _SMALL,
    "log1p": lambda args, params: lower_bound(args[0]) >= 0,
    "power": _small_exponent,
    "reciprocal": lambda args, params: lower_bound(args[0]) > _SMALL,
    "sqrt": lambda args, params: lower_bound(args[0]) >= 0,
}
