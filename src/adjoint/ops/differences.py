"""Differences of neighbours, and the slopes and areas made of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike, Axis, DTypeLike
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..errors import ShapeError
from .arithmetic import divide
from .axes import ravel
from .cumulative import part
from .logic import not_equal
from .reductions import sum
from .structural import (
    as_array,
    astype,
    axis_index,
    axis_indices,
    broadcast_to,
    concatenate,
    reshape,
)

# What no argument at all means in NumPy, where None would be an array.
_MISSING: Any = object()


def diff(
    a: ArrayLike,
    n: int = 1,
    axis: int = -1,
    prepend: ArrayLike = _MISSING,
    append: ArrayLike = _MISSING,
) -> AnyArray:
    """Return the differences of neighbours along ``axis``, ``n`` times over.

    Parameters
    ----------
    prepend, append : number or array, optional
        Joined to ``a`` along the axis first.

    Examples
    --------
    >>> ad.diff(np.array([1.0, 4.0, 9.0]))
    array([3., 5.])
    >>> ad.grad(lambda a: ad.diff(a).sum())(np.array([1.0, 4.0, 9.0]))
    array([-1.,  0.,  1.])
    """
    x = as_array(a)
    if n < 0:
        raise ValueError(f"diff: n must not be negative, got {n}")
    if not x.ndim:
        raise ShapeError("diff: needs at least one axis, got shape ()")
    ends = [_end(end, x, axis) for end in (prepend, append)]
    joined = [array for array in (ends[0], x, ends[1]) if array is not None]
    x = concatenate(joined, axis=axis) if len(joined) > 1 and n else x
    for _ in range(n):
        after, before = part(x, axis, 1, None), part(x, axis, None, -1)
        x = not_equal(after, before) if x.dtype.kind == "b" else after - before
    return x


def _end(end: ArrayLike, x: AnyArray, axis: int) -> AnyArray | None:
    """Return what is joined to ``x``; a number becomes one slice."""
    if end is _MISSING:
        return None
    array = as_array(end)
    if array.ndim:
        return array
    axis = axis_index(axis, x)
    return broadcast_to(array, shape=(*x.shape[:axis], 1, *x.shape[axis + 1 :]))


def ediff1d(
    ary: ArrayLike, to_end: ArrayLike | None = None, to_begin: ArrayLike | None = None
) -> AnyArray:
    """Return the differences of neighbours of the flattened ``ary``.

    ``to_begin`` and ``to_end`` are joined before and after them.

    >>> ad.ediff1d(np.array([1.0, 4.0, 9.0]), to_begin=0.0)
    array([0., 3., 5.])
    """
    x = ravel(ary)
    parts = [to_begin, part(x, 0, 1, None) - part(x, 0, None, -1), to_end]
    given = [ravel(p) for p in parts if p is not None]
    return _of_type(concatenate(given, axis=0), x.dtype)


def trapezoid(
    y: ArrayLike, x: ArrayLike | None = None, dx: AnyArray | float = 1.0, axis: int = -1
) -> AnyArray:
    """Return the integral of ``y`` along ``axis`` by the trapezoidal rule.

    Parameters
    ----------
    x : array, optional
        The points, along one axis or of y's shape; by default ``dx`` apart.

    Examples
    --------
    >>> float(ad.trapezoid(np.array([0.0, 1.0, 4.0]), dx=2.0))
    6.0
    >>> ad.grad(lambda y: ad.trapezoid(y, dx=2.0))(np.array([0.0, 1.0, 4.0]))
    array([1., 2., 1.])
    """
    values = as_array(y)
    middles = (part(values, axis, 1, None) + part(values, axis, None, -1)) / 2.0
    steps = (
        dx if x is None else _along(diff(x, axis=-1 if as_array(x).ndim == 1 else axis), y, axis)
    )
    return sum(middles * steps, axis=axis)


def _along(steps: AnyArray, y: ArrayLike, axis: int) -> AnyArray:
    """Return steps in a shape in which they run along ``axis`` of ``y``."""
    if steps.ndim != 1:
        return steps
    values = as_array(y)
    return reshape(steps, shape=(-1,) + (1,) * (values.ndim - 1 - axis_index(axis, values)))


def gradient(f: ArrayLike, *varargs: ArrayLike, axis: Axis = None, edge_order: int = 1) -> Any:
    """Return the slope of ``f`` along each axis by central differences, one-sided at the ends.

    Parameters
    ----------
    f : array
    *varargs : numbers or (n,) arrays, optional
        One spacing for all axes, or for each axis its spacing or its coordinates.
    axis : int or tuple of int, optional
        By default all axes; for several axes a tuple of arrays comes back.
    edge_order : 1 or 2
        The order of accuracy at the ends. The formulas are those of NumPy: Fornberg, Mathematics
        of Computation 51 (1988), 699-706.

    Examples
    --------
    >>> ad.gradient(np.array([0.0, 1.0, 4.0, 9.0]))
    array([1., 2., 4., 5.])
    >>> ad.gradient(np.array([0.0, 1.0, 4.0, 9.0]), edge_order=2)
    array([0., 2., 4., 6.])
    """
    x = as_array(f)
    x = x if x.dtype.kind == "f" else astype(x, dtype=np.float64)
    axes = axis_indices(axis, x)
    if edge_order not in (1, 2):
        raise ValueError(f"gradient: edge_order must be 1 or 2, got {edge_order!r}")
    spacings = _spacings(x, varargs, axes)
    slopes = tuple(
        _slope(x, a, spacing, edge_order) for a, spacing in zip(axes, spacings, strict=True)
    )
    return slopes[0] if len(slopes) == 1 else slopes


def _spacings(x: AnyArray, given: Sequence[ArrayLike], axes: list[int]) -> list[Any]:
    """Return for each axis the steps between neighbours: a number, or as many as there are."""
    if len(given) not in (0, 1, len(axes)):
        raise TypeError(
            f"gradient: {len(given)} spacings for {len(axes)} axes; expected none, one number, or "
            "one for each axis"
        )
    if len(given) <= 1 < len(axes):
        step = given[0] if given else 1.0
        if as_array(step).ndim:
            raise ValueError("gradient: coordinates are needed for every axis, got them for one")
        return [step] * len(axes)
    return [_steps(x, a, d) for a, d in zip(axes, given or [1.0] * len(axes), strict=True)]


def _steps(x: AnyArray, axis: int, spacing: ArrayLike) -> Any:
    coordinates = as_array(spacing)
    if not coordinates.ndim:
        return spacing
    if coordinates.shape != (x.shape[axis],):
        raise ShapeError(
            f"gradient: coordinates of shape {coordinates.shape} for axis {axis} of shape {x.shape}"
        )
    if coordinates.dtype.kind in "iub":
        coordinates = astype(coordinates, dtype=np.float64)
    return _along(diff(coordinates), x, axis)


def _slope(x: AnyArray, axis: int, steps: AnyArray, edge_order: int) -> AnyArray:
    if x.shape[axis] <= edge_order:
        raise ShapeError(
            f"gradient: axis {axis} of shape {x.shape} has {x.shape[axis]} entries; edge_order="
            f"{edge_order} needs at least {edge_order + 1}"
        )
    uneven = bool(shape_of(steps))
    ends = _secant if edge_order == 1 else _parabola
    first = ends(x, axis, steps, uneven, at_end=False)
    last = ends(x, axis, steps, uneven, at_end=True)
    middle = _uneven_middle if uneven else _even_middle
    inner = [middle(x, axis, steps)] if x.shape[axis] > 2 else []
    return _of_type(concatenate([first, *inner, last], axis=axis), x.dtype)


def _of_type(x: AnyArray, dtype: DTypeLike | None) -> AnyArray:
    """Return ``x`` as the data's own type, which that of the spacings does not change."""
    return x if x.dtype == dtype else astype(x, dtype=dtype)


def _even_middle(x: AnyArray, axis: int, step: AnyArray) -> AnyArray:
    return divide(part(x, axis, 2, None) - part(x, axis, None, -2), 2.0 * step)


def _uneven_middle(x: AnyArray, axis: int, steps: AnyArray) -> AnyArray:
    """The slope at the middle point of the parabola through three neighbours."""
    before, after = _stepped(steps, None, -1), _stepped(steps, 1, None)
    left = divide(-after, before * (before + after))
    middle = divide(after - before, before * after)
    right = divide(before, after * (before + after))
    return (
        left * part(x, axis, None, -2)
        + middle * part(x, axis, 1, -1)
        + right * part(x, axis, 2, None)
    )


def _stepped(steps: AnyArray, start: int | None, stop: int | None) -> AnyArray:
    """Return steps, which run along their first axis, from one to another."""
    return part(steps, 0, start, stop)


def _slices(x: AnyArray, axis: int, at_end: bool, count: int) -> list[Any]:
    """Return the outermost slices along an axis, from the edge inwards."""
    n = x.shape[axis]
    places = [n - 1 - k for k in range(count)] if at_end else list(range(count))
    return [part(x, axis, place, place + 1) for place in places]


def _outer_steps(steps: AnyArray, uneven: bool, at_end: bool, count: int) -> list[Any]:
    """Return the outermost steps from the edge inwards, with the sign of that direction."""
    taken = _slices(steps, 0, at_end, count) if uneven else [steps] * count
    return [-step for step in taken] if at_end else taken


def _secant(x: AnyArray, axis: int, steps: AnyArray, uneven: bool, *, at_end: bool) -> AnyArray:
    """The slope of the line through the two outermost points."""
    y0, y1 = _slices(x, axis, at_end, 2)
    (step,) = _outer_steps(steps, uneven, at_end, 1)
    return divide(y1 - y0, step)


def _parabola(x: AnyArray, axis: int, steps: AnyArray, uneven: bool, *, at_end: bool) -> AnyArray:
    """The slope at its end of the parabola through the three outermost points."""
    y0, y1, y2 = _slices(x, axis, at_end, 3)
    h1, h2 = _outer_steps(steps, uneven, at_end, 2)
    return (
        divide(-(2.0 * h1 + h2), h1 * (h1 + h2)) * y0
        + divide(h1 + h2, h1 * h2) * y1
        - divide(h1, h2 * (h1 + h2)) * y2
    )


COMPOSITES = (diff, ediff1d, trapezoid, gradient)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
if hasattr(np, "trapz"):  # its name up to NumPy 2.3
    NUMPY[np.trapz] = trapezoid  # noqa: NPY201
