"""Reductions combine the entries along axes: every entry enters with a weight."""

from __future__ import annotations

import functools
import math
from contextlib import nullcontext
from typing import Any

import numpy as np

from ..axis import AxisRule
from ..core import Operand
from ..errors import ShapeError
from ..kinds import (
    constant,
    general,
    keep_axes,
    linear,
    reduced_shape,
    reduction,
    shape_of,
)
from ..metadata import Axes
from .arithmetic import divide
from .exponential import exp, log, sqrt, square
from .logic import equal, greater, isfinite, logical_and, logical_or, not_equal
from .piecewise import absolute, sign, where
from .products import strong_multiply
from .structural import astype, broadcast_to, reshape

_CASES = [
    ((2, 3), {}),
    ((2, 3), {"axis": 0}),
    ((2, 3, 4), {"axis": (0, -1)}),
    ((2, 3), {"axis": 1, "keepdims": True}),
    ((3,), {"axis": -1}),
    ((), {}),
]


# Whether NumPy's own function, a ufunc's reduction or not, takes axis 0 and -1 of a number.
_OF_NUMBERS = AxisRule(of_number=True)


def _sum_dtype(x: Operand, **_: Any) -> np.dtype[Any]:
    return np.asarray(np.ones(1, x.dtype).sum()).dtype


def _spread(g: Any, x: Any, **params: Any) -> Any:
    """Give every entry of ``x`` the cotangent of the sum that it entered."""
    return broadcast_to(keep_axes(g, x, **params), shape=x.shape)


@linear(
    transposes=[_spread],
    shape=reduced_shape,
    dtype=_sum_dtype,
    source="np.sum({x}{params})",
    latex=r"\sum {x}",
    numpy=[np.sum],
    method=True,
    axis=_OF_NUMBERS,
    cases=_CASES,
)
def sum(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the sum over ``axis`` (an int, a tuple, or None for all)."""
    return np.asarray(x).sum(axis=axis, keepdims=keepdims)


def count(x: Operand, axis: Any) -> int:
    """Return how many entries of ``x`` are reduced to one along ``axis``."""
    shape = shape_of(x)
    if axis is None:
        return math.prod(shape)
    return math.prod(shape[a] for a in (axis if isinstance(axis, tuple) else (axis,)))


def _mean(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    # A sum of integers may be out of their range.
    x = x if x.dtype.kind == "f" else astype(x, dtype="float64")
    return divide(sum(x, axis=axis, keepdims=keepdims), float(count(x, axis)))


@linear(
    transposes=[lambda g, x, **params: _spread(g, x, **params) / count(x, params["axis"])],
    shape=reduced_shape,
    expand=_mean,
    dtype=lambda x, **_: np.mean(np.ones(1, x.dtype)).dtype,
    source="np.mean({x}{params})",
    latex=r"\operatorname{{mean}}\left({x}\right)",
    numpy=[np.mean],
    method=True,
    axis=AxisRule(),
    cases=_CASES,
)
def mean(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the arithmetic mean over ``axis``; of no entries it is NaN, with NumPy's warning."""
    x = np.asarray(x)
    # NumPy adds up halves as singles, and integers, whose sum may be out of range, as doubles.
    if x.dtype == np.float16 or x.dtype.kind != "f" or not x.size:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.true_divide(np.asarray(x).sum(axis=axis, keepdims=keepdims), count(x, axis))


def _shared_ties(y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    ties = equal(x, y)
    return divide(ties, sum(ties, axis=axis, keepdims=True))


def no_entries(x: Operand, *, axis: Any = None, **_: Any) -> str | None:
    """Say that there are no entries over ``axis``, if so."""
    if count(x, axis) == 0:
        return f"no entries to choose from, shape {shape_of(x)} over axis {axis}"
    return None


def need_entries(x: Operand, **params: Any) -> None:
    """Raise where NumPy has nothing to start a reduction from."""
    if (error := no_entries(x, **params)) is not None:
        raise ShapeError(error)


def _chosen_shape(x: Operand, **params: Any) -> tuple[int, ...]:
    need_entries(x, **params)
    return reduced_shape(x, **params)


@reduction(
    weights=_shared_ties,
    shape=_chosen_shape,
    source="np.max({x}{params})",
    latex=r"\max {x}",
    numpy=[np.max],
    method=True,
    explain_error=no_entries,
    axis=_OF_NUMBERS,
    cases=_CASES,
)
def max(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the greatest entry over ``axis``; equal ones share the gradient."""
    return np.asarray(x).max(axis=axis, keepdims=keepdims)


@reduction(
    weights=_shared_ties,
    shape=_chosen_shape,
    source="np.min({x}{params})",
    latex=r"\min {x}",
    numpy=[np.min],
    method=True,
    explain_error=no_entries,
    axis=_OF_NUMBERS,
    cases=_CASES,
)
def min(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the smallest entry over ``axis``; equal ones share the gradient."""
    return np.asarray(x).min(axis=axis, keepdims=keepdims)


def _exponential_shares(y: Any, x: Any, *, axis: Any, keepdims: bool) -> Any:
    """Return eˣ / Σ eˣ from x - y, taken as 0 where both are the same infinity.

    Divided by their sum: x - y carries the rounding of y, 1e-4 of float32 at 1e3; and equal
    infinities share.
    """
    shares = exp(where(equal(x, y), 0.0, x - y))
    return divide(shares, sum(shares, axis=axis, keepdims=True))


def as_exponents(x: Any) -> Any:
    """Return numbers in the type of their exponentials, where no difference wraps around."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.exp(np.zeros((), x.dtype)).dtype)


def less_greatest(x: Any, axis: Any) -> tuple[Any, Any, Any]:
    """Return x less its greatest entry along an axis, log Σ e to the power of that, and the entry.

    An infinite greatest entry counts as 0: subtracting it would give ∞ - ∞.
    """
    greatest = np.maximum.reduce(x, axis=axis, keepdims=True, initial=None if x.size else -np.inf)
    finite = np.vdot(greatest, greatest) < np.inf
    if not finite:
        greatest = np.where(np.isfinite(greatest), greatest, 0)
    shifted = x - greatest
    total = np.exp(shifted).sum(axis=axis, keepdims=True)
    with nullcontext() if finite else np.errstate(divide="ignore"):
        return shifted, np.log(total), greatest


def without_axes(y: Any, x: Any, **params: Any) -> Any:
    """Drop the reduced axes of ``y``, kept so far, unless ``keepdims`` says that they stay."""
    return reshape(y, shape=reduced_shape(x, **params))


def exponents(x: Any, axis: Axes) -> tuple[Any, Any, Any]:
    """Return x less its greatest entry along an axis, Σ e to the power of that, and the entry.

    `less_greatest` in primitives, and so native code's: an infinite greatest entry counts as 0.
    """
    greatest = max(x, axis=axis, keepdims=True)
    shift = where(isfinite(greatest), greatest, 0.0)
    shifted = x - shift
    return shifted, sum(exp(shifted), axis=axis, keepdims=True), shift


def _logsumexp(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    _, total, shift = exponents(x, axis)
    return without_axes(log(total) + shift, x, axis=axis, keepdims=keepdims)


@reduction(
    weights=_exponential_shares,
    expand=_logsumexp,
    source="logsumexp({x}{params})",
    latex=r"\log \sum e^{{{x}}}",
    method=True,
    axis=_OF_NUMBERS,
    cases=_CASES,
)
def logsumexp(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return log Σ eˣ over ``axis``, without overflow for any x."""
    _, total, greatest = less_greatest(as_exponents(x), axis)
    result = total + greatest
    return result if keepdims else result.squeeze(axis)[()]


@functools.cache
def _smallest_length(dtype: np.dtype[Any]) -> float:
    """Return the length below which squares lose digits to underflow."""
    limits = np.finfo(dtype)
    return float(np.sqrt(limits.tiny / limits.eps))


def _in_range(length: Any) -> bool:
    """Return whether lengths were found without over- or underflow of the squares."""
    return bool(np.all((_smallest_length(length.dtype) < length) & (length < np.inf)))


def _scale(x: Any, axis: Any) -> Any:
    """Return the greatest absolute entry, or 1 where that is 0 or infinite."""
    greatest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    return np.where((greatest > 0) & (greatest < np.inf), greatest, 1)


def _length(x: Any, axis: Any) -> Any:
    # Squares that overflow are found by the length, so only the warning is wrong.
    with np.errstate(over="ignore"):
        return np.sqrt(np.square(x).sum(axis=axis, keepdims=True))


def _across(v: Any, y: Any, axis: Any) -> Any:
    """Return v less its part along the unit vectors y.

    Twice, for what is left may be so small beside v that it is lost in the rounding of the first.
    """
    for _ in range(2):
        v = v - strong_multiply(y, sum(strong_multiply(v, y), axis=axis, keepdims=True))
    return v


def _turn(v: Any, y: Any, x: Any, *, axis: Any) -> Any:
    """(v - y⟨y, v⟩) / ‖x‖: the Jacobian is symmetric, so it serves both modes; 0 where x is 0."""
    length = norm(x, axis=axis, keepdims=True)
    inverse = where(equal(length, 0), 0.0, divide(1.0, length))
    return strong_multiply(inverse, _across(v, y, axis))


def usual_size(sizes: Any) -> Any:
    """Return sizes, or 1 where they are 0 or infinite: what to divide by before squares or powers.

    `_scale` in primitives, for native code.
    """
    return where(logical_and(isfinite(sizes), greater(sizes, 0.0)), sizes, 1.0)


def _scaled(x: Any, axis: Axes) -> tuple[Any, Any, Any]:
    """Return x over its greatest size, for squares in range, its length then, and that size."""
    scale = usual_size(max(absolute(x), axis=axis, keepdims=True))
    scaled = divide(x, scale)
    return scaled, sqrt(sum(square(scaled), axis=axis, keepdims=True)), scale


def _unit_vector(x: Any, *, axis: Axes) -> Any:
    scaled, length, _ = _scaled(x, axis)
    special = logical_or(equal(length, 0.0), equal(length, np.inf))
    limit = where(equal(absolute(scaled), length), sign(scaled), 0.0)
    return where(special, limit, divide(scaled, length))


@general(
    vjp=lambda g, y, x, *, axis: [_turn(g, y, x, axis=axis)],
    expand=_unit_vector,
    jvp=lambda tangents, y, x, *, axis: _turn(tangents[0], y, x, axis=axis),
    shape=lambda x, *, axis: x.shape,
    dtype=lambda x, *, axis: np.sqrt(np.ones((), x.dtype)).dtype,
    source="unit_vector({x}{params})",
    latex=r"\frac{{{x}}}{{\left\lVert {x} \right\rVert}}",
    cases=[((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3, 4), {"axis": (0, -1)}), ((), {})],
)
def unit_vector(x: Any, *, axis: Axes = None) -> Any:
    """Return x / ‖x‖ over ``axis`` for an x of any size; 0 where x is 0, with the derivative 0.

    Of infinite entries it is the sign, and the others are 0.
    """
    x = np.asarray(x)
    length = _length(x, axis)
    if _in_range(length):
        return (x / length)[()]
    x = x / _scale(x, axis)
    length = _length(x, axis)
    special = (length == 0) | (length == np.inf)
    limit = np.where(np.abs(x) == length, np.sign(x), 0)
    return np.where(special, limit, x / np.where(special, 1, length))[()]


def _norm(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    _, length, scale = _scaled(x, axis)
    return without_axes(length * scale, x, axis=axis, keepdims=keepdims)


@reduction(
    weights=lambda y, x, *, axis, keepdims: unit_vector(x, axis=axis),
    expand=_norm,
    source="norm({x}{params})",
    latex=r"\left\lVert {x} \right\rVert",
    axis=AxisRule(),
    cases=_CASES,
)
def norm(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return the Euclidean norm √Σ x² over ``axis``; its gradient at 0 is 0."""
    x = np.asarray(x)
    lengths = _length(x, axis)
    if not _in_range(lengths):
        scale = _scale(x, axis)
        lengths = _length(x / scale, axis) * scale
    return lengths if keepdims else lengths.squeeze(axis)[()]


_PLACE: dict[str, Any] = {
    "shape": reduced_shape,
    "dtype": lambda x, **_: np.dtype(np.intp),
    "method": True,
    "axis": AxisRule(several=False, of_number=True),
    "cases": [((2, 3), {}), ((2, 3), {"axis": 1}), ((2, 3), {"axis": 0, "keepdims": True})],
}


@constant(
    source="np.argmax({x}{params})",
    latex=r"\operatorname{{argmax}} {x}",
    numpy=[np.argmax],
    explain_error=no_entries,
    **{**_PLACE, "shape": _chosen_shape},
)
def argmax(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the first greatest entry: an integer, so it has no derivative."""
    return np.argmax(x, axis=axis, keepdims=keepdims)


@constant(
    source="np.argmin({x}{params})",
    latex=r"\operatorname{{argmin}} {x}",
    numpy=[np.argmin],
    explain_error=no_entries,
    **{**_PLACE, "shape": _chosen_shape},
)
def argmin(x: Any, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Return the index of the first smallest entry: an integer, so it has no derivative."""
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _count_nonzero(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return sum(astype(not_equal(x, 0), dtype="int64"), axis=axis, keepdims=keepdims)


@constant(
    expand=_count_nonzero,
    source="np.count_nonzero({x}{params})",
    latex=r"\#\left({x} \ne 0\right)",
    numpy=[np.count_nonzero],
    **{**_PLACE, "axis": _OF_NUMBERS, "method": False},
)
def count_nonzero(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return how many entries over ``axis`` are not 0: an integer, so it has no derivative."""
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), np.intp)[()]


_TRUTH: dict[str, Any] = {**_PLACE, "axis": _OF_NUMBERS, "dtype": lambda x, **_: np.dtype(np.bool_)}


@constant(
    source="np.any({x}{params})",
    latex=r"\operatorname{{any}}\left({x}\right)",
    numpy=[np.any],
    **_TRUTH,
)
def any(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return whether an entry over ``axis`` is not 0."""
    return np.any(x, axis=axis, keepdims=keepdims)


@constant(
    source="np.all({x}{params})",
    latex=r"\operatorname{{all}}\left({x}\right)",
    numpy=[np.all],
    **_TRUTH,
)
def all(x: Any, *, axis: Axes = None, keepdims: bool = False) -> Any:
    """Return whether all entries over ``axis`` are not 0."""
    return np.all(x, axis=axis, keepdims=keepdims)
