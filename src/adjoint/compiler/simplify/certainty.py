"""Certainty is what holds of a value for all arguments, NaN, infinity and overflow among them.

It decides what a question about finiteness is answered with while compiling, and where a product in
which 0·∞ = 0 is the same as a plain one. What merely is to be expected is in `expectation`.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence

import numpy as np

from ...core.annotations import Constant, DType, Operand, Params
from ...core.facts import Range
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...core.value import Value
from ...graphs.cost import size_of
from .bounds import lower_bound


def magnitude_of(constant: Constant) -> float:
    """Return the greatest magnitude among a constant's entries; ∞ where one is NaN."""
    if constant is None or not np.size(constant):
        return 0.0
    # Without |x| of all entries, which would be a copy of a large array.
    greatest = max(float(np.max(constant)), -float(np.min(constant)))
    return greatest if greatest < math.inf else math.inf


def magnitude(
    primitive: Primitive,
    args: Sequence[Operand],
    params: Params,
    spec: Spec,
    known: Sequence[float],
) -> float:
    """Return a number that no entry of a result exceeds in magnitude, whatever the arguments.

    A finite number says too that none is NaN; ∞ says nothing.

    Parameters
    ----------
    known : sequence of float
        The same of each argument.
    """
    if spec.dtype.kind == "b":
        return 1.0
    if spec.dtype.kind != "f":
        return 2.0**64
    return _in_range(_bound(primitive, args, params, [_in_range(x, spec) for x in known]), spec)


def _in_range(bound: float, spec: Spec) -> float:
    """Return a bound, or ∞ where a result's type may not hold it: 1e300 is ∞ beside float32."""
    # Half of the greatest number leaves room for the rounding of sums.
    return bound if spec.dtype.kind != "f" or bound <= _half(spec.dtype) else math.inf


@functools.cache
def _half(dtype: DType) -> float:
    return float(np.finfo(dtype).max) / 2


def _bound(
    primitive: Primitive, args: Sequence[Operand], params: Params, known: Sequence[float]
) -> float:
    """Return the greater of a card's bounds, which hold where finite arguments give no NaN."""
    facts = primitive.facts
    if facts.moves is not None:
        return max(known[: facts.moves.arguments], default=0.0)
    if facts.finite is not True or math.inf in known:
        return math.inf
    if not callable(facts.bounds):
        return max(map(abs, facts.bounds))
    ranges = [
        None if x is None else Range(-bound, bound, size_of(x))
        for x, bound in zip(args, known, strict=True)
    ]
    bound = max(map(abs, facts.bounds(*ranges, **params)))
    return bound if bound == bound else math.inf


def is_never_zero(operand: Operand) -> bool:
    """Return whether no entry can be 0: a constant's, or one that is known to be greater."""
    if not isinstance(operand, Value):
        return bool(np.all(np.not_equal(np.asarray(operand), 0)))
    # Half precision rounds to 0 what other floats hold, and sums of integers wrap around to 0.
    return operand.dtype.kind == "f" and operand.dtype.itemsize > 2 and lower_bound(operand) > 0


def is_plain(args: Sequence[Operand], spec: Spec, known: Sequence[float]) -> bool:
    """Return whether a product of these, given their magnitudes, can have no term 0·∞ or 0·NaN."""
    return all(
        _in_range(bound, spec) < math.inf
        or all(is_never_zero(other) for other in args if other is not arg)
        for arg, bound in zip(args, known, strict=True)
    )
