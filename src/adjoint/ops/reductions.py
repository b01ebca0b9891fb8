"""Reductions combine the entries along axes: every entry enters with a weight."""

from __future__ import annotations

import functools
import math
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, Axis, Cotangent, Described
from ..core.axis import AxisRule
from ..core.batching import along_axis
from ..core.facts import of_choice, of_total
from ..core.kinds import constant, general, keep_axes, linear, reduced_shape, reduction
from ..core.metadata import Axes
from ..core.spec import shape_of
from ..errors import ShapeError
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


# A ufunc's reduction takes axis 0 and -1 of a number, which has no axes; NumPy's mean does not.
_OF_NUMBERS = AxisRule(of_number=True)


def _sum_dtype(x: Described, **_: object) -> np.dtype[Any]:
    return np.asarray(np.ones(1, x.dtype).sum()).dtype


def _spread(g: Cotangent, x: AnyArray, **params: Any) -> AnyArray:
    """Give every entry of ``x`` the cotangent of the sum that it entered."""
    return broadcast_to.bind((keep_axes(g, x, **params),), {"shape": x.shape})


@linear(
    transposes=[_spread],
    shape=reduced_shape,
    dtype=_sum_dtype,
    source="np.sum({x}{params})",
    latex=r"\textstyle\sum\left({x}{params}\right)",
    numpy=[np.sum],
    method=True,
    axis=_OF_NUMBERS,
    cases=_CASES,
    bounds=of_total,
    passes_nan=True,
)
def sum(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the sum over ``axis`` (an int, a tuple, or None for all).

    >>> ad.sum(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=0)
    array([4., 6.])
    """
    return np.asarray(x).sum(axis=axis, keepdims=keepdims)


def count(x: Described, axis: Axis) -> int:
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
    latex=r"\operatorname{{mean}}\left({x}{params}\right)",
    numpy=[np.mean],
    method=True,
    axis=AxisRule(),
    cases=_CASES,
    bounds=of_choice,
    finite=lambda x, **_: x.size > 0,
    passes_nan=True,
)
def mean(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the arithmetic mean over ``axis``; of no entries it is NaN, with NumPy's warning.

    >>> ad.mean(np.array([[1.0, 2.0], [3.0, 4.0]]), axis=1, keepdims=True)
    array([[1.5],
           [3.5]])
    >>> ad.grad(ad.mean)(np.array([1.0, 2.0, 3.0, 4.0]))
    array([0.25, 0.25, 0.25, 0.25])
    """
    x = np.asarray(x)
    # NumPy adds up float16 as float32, and integers as float64: their own sums may be out of range.
    if x.dtype.kind != "f" or x.dtype.itemsize == 2 or not x.size:
        return np.mean(x, axis=axis, keepdims=keepdims)
    return np.true_divide(x.sum(axis=axis, keepdims=keepdims), count(x, axis))


def _shared_ties(y: AnyArray, x: AnyArray, *, axis: Axis, keepdims: bool) -> AnyArray:
    ties = equal(x, y)
    return divide(ties, sum(ties, axis=axis, keepdims=True))


def no_entries(x: Described, *, axis: Axis = None, **_: object) -> str | None:
    """Say that there are no entries over ``axis``, if so."""
    if count(x, axis) == 0:
        return f"no entries to choose from, shape {shape_of(x)} over axis {axis}"
    return None


def need_entries(x: Described, **params: Any) -> None:
    """Raise where NumPy has nothing to start a reduction from."""
    if (error := no_entries(x, **params)) is not None:
        raise ShapeError(error)


def _chosen_shape(x: Described, **params: Any) -> tuple[int, ...]:
    need_entries(x, **params)
    return reduced_shape(x, **params)


@reduction(
    weights=_shared_ties,
    shape=_chosen_shape,
    source="np.max({x}{params})",
    latex=r"\max\left({x}{params}\right)",
    numpy=[np.max],
    method=True,
    explain_error=no_entries,
    axis=_OF_NUMBERS,
    cases=_CASES,
    bounds=of_choice,
    selects=True,
    passes_nan=True,
)
def max(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the greatest entry over ``axis``; equal ones share the gradient.

    >>> ad.max(np.array([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    array([2., 3.])
    >>> ad.grad(ad.max)(np.array([3.0, 1.0, 3.0]))
    array([0.5, 0. , 0.5])
    """
    return np.asarray(x).max(axis=axis, keepdims=keepdims)


@reduction(
    weights=_shared_ties,
    shape=_chosen_shape,
    source="np.min({x}{params})",
    latex=r"\min\left({x}{params}\right)",
    numpy=[np.min],
    method=True,
    explain_error=no_entries,
    axis=_OF_NUMBERS,
    cases=_CASES,
    bounds=of_choice,
    selects=True,
    passes_nan=True,
)
def min(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the smallest entry over ``axis``; equal ones share the gradient.

    >>> ad.min(np.array([[1.0, 2.0], [3.0, 0.0]]), axis=1)
    array([1., 0.])
    >>> ad.grad(ad.min)(np.array([3.0, 1.0, 1.0]))
    array([0. , 0.5, 0.5])
    """
    return np.asarray(x).min(axis=axis, keepdims=keepdims)


def _exponential_shares(y: AnyArray, x: AnyArray, *, axis: Axis, keepdims: bool) -> AnyArray:
    """Return eˣ / Σ eˣ from x - y, taken as 0 where both are the same infinity.

    Divided by their sum: x - y carries the rounding of y, 1e-4 of float32 at 1e3; and equal
    infinities share.
    """
    shares = exp(where(equal(x, y), 0.0, x - y))
    return divide(shares, sum(shares, axis=axis, keepdims=True))


def as_exponents(x: AnyArray) -> Array:
    """Return numbers in the type of their exponentials, where no difference wraps around."""
    x = np.asarray(x)
    return x if x.dtype.kind == "f" else x.astype(np.exp(np.zeros((), x.dtype)).dtype)


def less_greatest(x: Array, axis: Axis) -> tuple[Any, Any, Any]:
    """Return x less its greatest entry along an axis, log Σ e to the power of that, and the entry.

    An infinite greatest entry counts as 0: subtracting it would give ∞ - ∞.
    """
    greatest = np.maximum.reduce(x, axis=axis, keepdims=True, initial=None if x.size else -np.inf)
    finite = np.vdot(greatest, greatest) < np.inf
    if not finite:
        greatest = np.where(np.isfinite(greatest), greatest, 0)
    shifted = x - greatest
    total = np.add.reduce(np.exp(shifted), axis=axis, keepdims=True)
    if finite:
        return shifted, np.log(total), greatest
    with np.errstate(divide="ignore"):
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
    latex=r"\log\left(\textstyle\sum\left(e^{{{x}}}{params}\right)\right)",
    method=True,
    axis=_OF_NUMBERS,
    cases=_CASES,
    finite=lambda x, **_: x.size > 0,
    passes_nan=True,
    saturates=True,
)
def logsumexp(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return log Σ eˣ over ``axis``, without overflow for any x.

    >>> ad.logsumexp(np.array([[1000.0, 1000.0], [0.0, 0.0]]), axis=1)
    array([1.00069315e+03, 6.93147181e-01])
    >>> ad.grad(ad.logsumexp)(np.array([1000.0, 1000.0]))
    array([0.5, 0.5])
    """
    _, total, greatest = less_greatest(as_exponents(x), axis)
    result = total + greatest
    return result if keepdims else result.squeeze(axis)[()]


@functools.cache
def _smallest_length(dtype: np.dtype[Any]) -> float:
    """Return the length below which squares lose digits to underflow."""
    limits = np.finfo(dtype)
    return float(np.sqrt(limits.tiny / limits.eps))


def _in_range(length: AnyArray) -> bool:
    """Return whether lengths were found without over- or underflow of the squares."""
    return bool(np.all((_smallest_length(length.dtype) < length) & (length < np.inf)))


def _scale(x: AnyArray, axis: Axis) -> Array:
    """Return the greatest absolute entry, or 1 where that is 0 or infinite."""
    greatest = np.max(np.abs(x), axis=axis, keepdims=True, initial=0)
    return np.where((greatest > 0) & (greatest < np.inf), greatest, 1)


def _length(x: AnyArray, axis: Axis) -> Array:
    # A square that overflows makes the length infinite, which `_in_range` sees: no warning is due.
    with np.errstate(over="ignore"):
        return np.sqrt(np.square(x).sum(axis=axis, keepdims=True))


def _across(v: AnyArray, y: AnyArray, axis: Axis) -> AnyArray:
    """Return v less its part along the unit vectors y.

    Twice, for what is left may be so small beside v that it is lost in the rounding of the first.
    """
    for _ in range(2):
        v = v - strong_multiply(y, sum(strong_multiply(v, y), axis=axis, keepdims=True))
    return v


def _turn(v: AnyArray, y: AnyArray, x: AnyArray, *, axis: Axis) -> AnyArray:
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
    batch=along_axis,
    public=False,
    vjp=lambda g, y, x, *, axis: [_turn(g, y, x, axis=axis)],
    expand=_unit_vector,
    jvp=lambda tangents, y, x, *, axis: _turn(tangents[0], y, x, axis=axis),
    shape=lambda x, *, axis: x.shape,
    dtype=lambda x, *, axis: np.sqrt(np.ones((), x.dtype)).dtype,
    source="unit_vector({x}{params})",
    latex=r"\frac{{{x}}}{{\left\lVert {x}{params} \right\rVert}}",
    cases=[((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3, 4), {"axis": (0, -1)}), ((), {})],
    bounds=(-1, 1),
)
def unit_vector(x: Array, *, axis: Axes = None) -> Array:
    """Return x / ‖x‖ over ``axis`` for an x of any size; 0 where x is 0, with the derivative 0.

    An infinite entry becomes its sign, and finite ones beside it become 0.
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
    latex=r"\left\lVert {x}{params} \right\rVert",
    axis=AxisRule(),
    cases=_CASES,
    bounds=(0, np.inf),
    finite=True,
)
def norm(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the Euclidean norm √Σ x² over ``axis``; its gradient at 0 is 0.

    >>> ad.norm(np.array([[3.0, 4.0], [0.0, 0.0]]), axis=1)
    array([5., 0.])
    >>> ad.grad(lambda x: ad.norm(x, axis=1).sum())(np.array([[3.0, 4.0], [0.0, 0.0]]))
    array([[0.6, 0.8],
           [0. , 0. ]])
    """
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
    latex=r"\operatorname{{argmax}}\left({x}{params}\right)",
    numpy=[np.argmax],
    explain_error=no_entries,
    **{**_PLACE, "shape": _chosen_shape},
)
def argmax(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the first greatest entry, over ``axis`` or of the flattened array.

    An integer, so it has no derivative.

    >>> ad.argmax(np.array([[1.0, 5.0, 5.0], [2.0, 0.0, 1.0]]), axis=1)
    array([1, 0])
    """
    return np.argmax(x, axis=axis, keepdims=keepdims)


@constant(
    source="np.argmin({x}{params})",
    latex=r"\operatorname{{argmin}}\left({x}{params}\right)",
    numpy=[np.argmin],
    explain_error=no_entries,
    **{**_PLACE, "shape": _chosen_shape},
)
def argmin(x: Array, *, axis: int | None = None, keepdims: bool = False) -> Array:
    """Return the index of the first smallest entry, over ``axis`` or of the flattened array.

    An integer, so it has no derivative.

    >>> ad.argmin(np.array([[1.0, 5.0, 1.0], [2.0, 0.0, 1.0]]), axis=1)
    array([0, 1])
    """
    return np.argmin(x, axis=axis, keepdims=keepdims)


def _count_nonzero(x: Any, *, axis: Axes, keepdims: bool) -> Any:
    return sum(astype(not_equal(x, 0), dtype="int64"), axis=axis, keepdims=keepdims)


@constant(
    expand=_count_nonzero,
    # np.count_nonzero gives a Python number in some versions of NumPy, which has no methods.
    source="np.sum({x} != 0{params})",
    latex=r"\#\left({x} \ne 0{params}\right)",
    numpy=[np.count_nonzero],
    **{**_PLACE, "axis": _OF_NUMBERS, "method": False},
)
def count_nonzero(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return how many entries over ``axis`` are not 0: an integer, so it has no derivative.

    >>> ad.count_nonzero(np.array([[1.0, 0.0], [2.0, 3.0]]), axis=1)
    array([1, 2])
    """
    return np.asarray(np.count_nonzero(x, axis=axis, keepdims=keepdims), np.intp)[()]


_TRUTH: dict[str, Any] = {**_PLACE, "axis": _OF_NUMBERS, "dtype": lambda x, **_: np.dtype(np.bool_)}


@constant(
    source="np.any({x}{params})",
    latex=r"\operatorname{{any}}\left({x}{params}\right)",
    numpy=[np.any],
    **_TRUTH,
)
def any(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return whether an entry over ``axis`` is not 0.

    >>> ad.any(np.array([[1.0, 0.0], [0.0, 0.0]]), axis=1)
    array([ True, False])
    """
    return np.any(x, axis=axis, keepdims=keepdims)


@constant(
    source="np.all({x}{params})",
    latex=r"\operatorname{{all}}\left({x}{params}\right)",
    numpy=[np.all],
    **_TRUTH,
)
def all(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return whether all entries over ``axis`` are not 0.

    >>> ad.all(np.array([[1.0, 2.0], [1.0, 0.0]]), axis=1)
    array([ True, False])
    """
    return np.all(x, axis=axis, keepdims=keepdims)
