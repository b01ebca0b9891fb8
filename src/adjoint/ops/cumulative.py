"""Cumulative sums and products along an axis, and the recurrence that differentiates products.

No derivative here divides, so that zeros among the factors do no harm, to any order.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Axis, Cotangent, Described
from ..core.axis import AxisRule
from ..core.batching import Rows, behind
from ..core.facts import of_total
from ..core.kinds import general, linear, reduction
from ..core.metadata import Axes
from ..core.registry import NUMPY
from ..core.spec import Spec, shape_of
from ..errors import ShapeError
from .indexing import index
from .products import strong_multiply
from .rearrangement import flip
from .structural import (
    as_array,
    axis_index,
    axis_indices,
    broadcast_to,
    concatenate,
    reshape,
    transpose,
)


def part(x: AnyArray, axis: int, start: int | None, stop: int | None) -> AnyArray:
    """Return ``x[start:stop]`` along an axis."""
    return index(x, key=(slice(None),) * axis_index(axis, x) + (slice(start, stop),))


def _filled(x: AnyArray, axis: int, number: float) -> AnyArray:
    """Return one slice along an axis, of a number."""
    axis = axis_index(axis, x)
    shape = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
    return np.full(shape, number, x.dtype)


def _delayed(x: AnyArray, axis: int, first: float) -> AnyArray:
    """Return ``x`` moved on by one place along an axis, with a number in the first place."""
    return part(concatenate([_filled(x, axis, first), x], axis=axis), axis, 0, x.shape[axis])


def _advanced(x: AnyArray, axis: int) -> AnyArray:
    """Return ``x`` moved back by one place along an axis, with zeros in the last place."""
    return part(concatenate([x, _filled(x, axis, 0)], axis=axis), axis, 1, None)


def _recurrence_back(g: Cotangent, a: AnyArray, axis: int) -> AnyArray:
    """λ_i = g_i + a_{i+1} λ_{i+1}: what each term of a recurrence adds to all later ones."""
    later = flip(_advanced(a, axis), axis=axis)
    return flip(linear_recurrence(later, flip(g, axis=axis), axis=axis), axis=axis)


def _recurrence_vjp(
    g: Cotangent, y: AnyArray, a: AnyArray, b: AnyArray, *, axis: int
) -> Sequence[Any]:
    back = _recurrence_back(g, broadcast_to(a, shape=y.shape), axis)
    return strong_multiply(back, _delayed(y, axis, 0)), back


def _recurrence_jvp(
    tangents: Sequence[Any], y: AnyArray, a: AnyArray, b: AnyArray, *, axis: int
) -> AnyArray:
    moved_a, moved_b = tangents
    through_a = None if moved_a is None else strong_multiply(moved_a, _delayed(y, axis, 0))
    through_b = None if moved_b is None else broadcast_to(moved_b, shape=y.shape)
    if through_a is None or through_b is None:
        forced = through_b if through_a is None else through_a
    else:
        forced = through_a + through_b
    return linear_recurrence(a, forced, axis=axis)


def _recurrence_shape(a: Described, b: Described, *, axis: int) -> tuple[int, ...]:
    shape = np.broadcast_shapes(shape_of(a), shape_of(b))
    axis_index(axis, Spec(shape, np.dtype(bool)))
    return shape


def _recurrence_in_rows(rows: Rows, *, axis: int) -> Any:
    ndim = max(rows.ndim(0), rows.ndim(1))
    return rows.apply(rows.aligned(ndim), axis=behind(axis))


@general(
    batch=_recurrence_in_rows,
    public=False,
    vjp=_recurrence_vjp,
    jvp=_recurrence_jvp,
    shape=_recurrence_shape,
    source="linear_recurrence({a}, {b}{params})",
    latex=r"\operatorname{{recurrence}}\left({a}, {b}{params}\right)",
    axis=AxisRule(several=False),
    cases=[
        ((4,), (4,), {}),
        ((3, 2), (3, 2), {"axis": 0}),
        ((3,), (2, 3), {}),
        ((1,), (2, 3), {}),
        ((2, 0), (2, 0), {}),
    ],
)
def linear_recurrence(a: Array, b: Array, *, axis: int = -1) -> Array:
    """Return y_i = a_i y_{i-1} + b_i along ``axis``, from y_{-1} = 0; the first a is not used."""
    a, b = np.broadcast_arrays(a, b)
    y = np.empty(b.shape, np.result_type(a, b))
    factors, terms, results = (np.moveaxis(x, axis, 0) for x in (a, b, y))
    results[:1] = terms[:1]
    for i in range(1, len(results)):
        results[i] = factors[i] * results[i - 1] + terms[i]
    return y


def _line(x: AnyArray, axis: int | None) -> tuple[Any, int]:
    """Return ``x`` with the axis to go along; without one, flattened."""
    return (reshape(x, shape=-1), 0) if axis is None else (x, axis)


def _line_shape(x: Described, *, axis: int | None) -> tuple[int, ...]:
    if axis is None:
        return (math.prod(x.shape),)
    return tuple(x.shape)


def _added_dtype(x: Described, **_: object) -> np.dtype[Any]:
    return np.cumsum(np.ones(1, x.dtype)).dtype


_LINES = AxisRule(several=False, of_number=True)
_CASES: list[tuple[Any, ...]] = [
    ((4,), {}),
    ((2, 3), {}),
    ((3, 2), {"axis": 0}),
    ((2, 3), {"axis": -1}),
    ((), {}),
    ((0, 2), {"axis": 0}),
]


def _sum_of_later(g: Cotangent, x: AnyArray, *, axis: int | None) -> AnyArray:
    along = 0 if axis is None else axis
    sums = flip(cumsum(flip(g, axis=along), axis=along), axis=along)
    return reshape(sums, shape=x.shape)


@linear(
    transposes=[_sum_of_later],
    shape=_line_shape,
    dtype=_added_dtype,
    source="np.cumsum({x}{params})",
    latex=r"\operatorname{{cumsum}}\left({x}{params}\right)",
    numpy=[np.cumsum],
    method=True,
    axis=_LINES,
    cases=_CASES,
    bounds=of_total,
    passes_nan=True,
)
def cumsum(x: Array, *, axis: int | None = None) -> Array:
    """Return the sums of all entries up to each one, along ``axis`` or of the flattened array.

    >>> ad.cumsum(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 6.])
    >>> ad.grad(lambda x: ad.cumsum(x).sum())(np.array([1.0, 2.0, 3.0]))
    array([3., 2., 1.])
    """
    return np.cumsum(x, axis=axis)


def _cumprod_vjp(g: Cotangent, y: AnyArray, x: AnyArray, *, axis: int | None) -> Sequence[Any]:
    line, along = _line(x, axis)
    back = _recurrence_back(g, line, along)
    return [reshape(strong_multiply(back, _delayed(y, along, 1)), shape=x.shape)]


def _cumprod_jvp(
    tangents: Sequence[Any], y: AnyArray, x: AnyArray, *, axis: int | None
) -> AnyArray:
    line, along = _line(x, axis)
    moved, _ = _line(tangents[0], axis)
    return linear_recurrence(line, strong_multiply(moved, _delayed(y, along, 1)), axis=along)


_ZEROS = np.array([[2.0, 0.0, 3.0], [0.0, 0.0, 1.5]])
_WITH_ZEROS: list[tuple[Any, ...]] = [(_ZEROS, {}), (_ZEROS, {"axis": 0}), (_ZEROS, {"axis": 1})]


@general(
    vjp=_cumprod_vjp,
    jvp=_cumprod_jvp,
    shape=_line_shape,
    dtype=_added_dtype,
    source="np.cumprod({x}{params})",
    latex=r"\operatorname{{cumprod}}\left({x}{params}\right)",
    numpy=[np.cumprod],
    method=True,
    axis=_LINES,
    cases=_CASES + _WITH_ZEROS,
)
def cumprod(x: Array, *, axis: int | None = None) -> Array:
    """Return the products of all entries up to each one, along ``axis`` or of the flattened array.

    The gradient is right also where entries are 0.

    >>> ad.cumprod(np.array([2.0, 0.0, 3.0]))
    array([2., 0., 0.])
    >>> ad.grad(lambda x: ad.cumprod(x).sum())(np.array([2.0, 0.0, 3.0]))
    array([1., 8., 0.])
    """
    return np.cumprod(x, axis=axis)


def _products_of_others(y: AnyArray, x: AnyArray, *, axis: Axis, keepdims: bool) -> AnyArray:
    """For each entry the product of those before it and of those after it."""
    axes = axis_indices(axis, x)
    order = [a for a in range(x.ndim) if a not in axes] + axes
    moved = transpose(x, axes=tuple(order))
    size = math.prod(x.shape[a] for a in axes)
    line = reshape(moved, shape=(*moved.shape[: x.ndim - len(axes)], size))
    before = _delayed(cumprod(line, axis=-1), -1, 1)
    after = flip(_delayed(cumprod(flip(line, axis=-1), axis=-1), -1, 1), axis=-1)
    others = reshape(strong_multiply(before, after), shape=moved.shape)
    return transpose(others, axes=tuple(int(a) for a in np.argsort(order)))


@reduction(
    weights=_products_of_others,
    source="np.prod({x}{params})",
    latex=r"\textstyle\prod\left({x}{params}\right)",
    numpy=[np.prod],
    method=True,
    axis=AxisRule(of_number=True),
    cases=[
        ((2, 3), {}),
        ((2, 3), {"axis": 0}),
        ((2, 3, 2), {"axis": (0, -1)}),
        ((2, 3), {"axis": 1, "keepdims": True}),
        ((), {}),
        ((0, 2), {"axis": 0}),
        *_WITH_ZEROS,
    ],
)
def prod(x: Array, *, axis: Axes = None, keepdims: bool = False) -> Array:
    """Return the product over ``axis``; its gradient is right also where entries are 0.

    >>> float(ad.prod(np.array([2.0, 0.0, 3.0])))
    0.0
    >>> ad.grad(ad.prod)(np.array([2.0, 0.0, 3.0]))
    array([0., 6., 0.])
    """
    return np.prod(x, axis=axis, keepdims=keepdims)


def _with_initial(
    cumulate: Callable[..., Any], number: float, x: ArrayLike, axis: int | None, include: bool
) -> AnyArray:
    array = as_array(x)
    if axis is None:
        if array.ndim > 1:
            raise ShapeError(f"axis is needed for more than one axis, got shape {array.shape}")
        axis = 0
    results = cumulate(array, axis=axis)
    if not include:
        return results
    return concatenate([_filled(results, axis, number), results], axis=axis)


def cumulative_sum(
    x: ArrayLike, /, *, axis: int | None = None, include_initial: bool = False
) -> AnyArray:
    """Return the sums of all entries up to each one along ``axis``.

    With ``include_initial`` a 0 stands before them.

    >>> ad.cumulative_sum(np.array([1.0, 2.0, 3.0]), include_initial=True)
    array([0., 1., 3., 6.])
    """
    return _with_initial(cumsum, 0, x, axis, include_initial)


def cumulative_prod(
    x: ArrayLike, /, *, axis: int | None = None, include_initial: bool = False
) -> AnyArray:
    """Return the products of all entries up to each one along ``axis``.

    With ``include_initial`` a 1 stands before them.

    >>> ad.cumulative_prod(np.array([2.0, 3.0]), include_initial=True)
    array([1., 2., 6.])
    """
    return _with_initial(cumprod, 1, x, axis, include_initial)


COMPOSITES = (cumulative_sum, cumulative_prod)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES if hasattr(np, f.__name__)})
