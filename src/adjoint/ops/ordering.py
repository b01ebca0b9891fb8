"""Order: places are integer constants to a derivative; what is sorted is gathered from them."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Described
from ..core.axis import AxisRule
from ..core.batching import Rows, one_by_one, stacked
from ..core.kinds import constant
from ..core.metadata import Sizes
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..errors import ShapeError
from .axes import ravel
from .selection import take_along_axis
from .structural import as_array, axis_index

Kind = Literal["quicksort", "mergesort", "heapsort", "stable"]
_LINES = AxisRule(several=False, of_number=True)
_PLACES = np.dtype(np.intp)


def _order_shape(x: Described, *, axis: int | None = -1, **_: object) -> tuple[int, ...]:
    if axis is None:
        return (math.prod(x.shape),)
    axis_index(axis, x)
    return tuple(x.shape)


def _parted_shape(x: Described, *, kth: Sizes, axis: int | None) -> tuple[int, ...]:
    shape = _order_shape(x, axis=axis)
    size = shape[0] if axis is None else shape[axis]
    if size and not all(-size <= k < size for k in np.atleast_1d(kth).tolist()):
        raise ShapeError(f"kth={kth} is out of bounds for {size} entries")
    return shape


def _found_shape(a: Described, v: Described, **_: object) -> tuple[int, ...]:
    if a.ndim != 1:
        raise ShapeError(f"expected a sorted vector, got shape {a.shape}")
    return shape_of(v)


def _order_dtype(*_: object, **__: object) -> np.dtype[Any]:
    return _PLACES


@constant(
    shape=_order_shape,
    dtype=_order_dtype,
    source="np.argsort({x}{params})",
    latex=r"\operatorname{{argsort}}\left({x}{params}\right)",
    numpy=[np.argsort],
    method=True,
    axis=_LINES,
    cases=[((2, 3), {}), ((2, 3), {"axis": 0, "stable": True}), ((2, 3), {"axis": None})],
)
def argsort(
    x: Array, *, axis: int | None = -1, kind: Kind | None = None, stable: bool | None = None
) -> Array:
    """Return the places of the entries in rising order along ``axis``, NaN last.

    They are integers, without derivative. ``kind`` and ``stable`` choose NumPy's algorithm.

    >>> ad.argsort(np.array([3.0, np.nan, 1.0]))
    array([2, 0, 1])
    """
    return np.argsort(x, axis=axis, kind=kind, stable=stable)


@constant(
    shape=_parted_shape,
    dtype=_order_dtype,
    source="np.argpartition({x}, {kth}, axis={axis})",
    latex=r"\operatorname{{argpartition}}\left({x}{params}\right)",
    numpy=[np.argpartition],
    method=True,
    axis=_LINES,
    cases=[((2, 3), {"kth": 1}), ((4, 2), {"kth": (0, 2), "axis": 0})],
)
def argpartition(x: Array, *, kth: Sizes, axis: int | None = -1) -> Array:
    """Return the places of the entries along ``axis`` with the ``kth`` smallest in its place.

    They are integers, without derivative.

    >>> int(ad.argpartition(np.array([3.0, 1.0, 2.0]), 1)[1])
    2
    """
    return np.argpartition(x, kth, axis=axis)


def _searched_in_rows(rows: Rows, *, side: str) -> Any:
    batch = one_by_one if rows.mapped[0] else stacked
    return batch(rows, side=side)


@constant(
    batch=_searched_in_rows,
    shape=_found_shape,
    dtype=_order_dtype,
    source="np.searchsorted({a}, {v}{params})",
    latex=r"\operatorname{{searchsorted}}\left({a}, {v}{params}\right)",
    numpy=[np.searchsorted],
    method=True,
    cases=[(np.array([0.0, 1.0, 1.5]), (2, 3), {}), (np.ones(3), (), {"side": "right"})],
)
def searchsorted(a: Array, v: Array, *, side: Literal["left", "right"] = "left") -> Array:
    """Return where ``v`` would be inserted into the sorted vector ``a``: no derivative.

    ``side`` says whether before ("left") or after ("right") entries that are equal.

    >>> ad.searchsorted(np.array([1.0, 2.0, 3.0]), np.array([0.5, 2.0]), side="right")
    array([0, 2])
    """
    return np.searchsorted(a, v, side)


def sort(
    a: ArrayLike, axis: int | None = -1, kind: str | None = None, *, stable: bool | None = None
) -> AnyArray:
    """Return the entries in rising order along ``axis``, NaN last.

    Each entry gets the gradient of the place where it came to stand; equal ones keep their order.

    Parameters
    ----------
    axis : int or None
        None sorts the flattened array.
    kind, stable
        NumPy's choices of an algorithm; the one used here is stable.

    Examples
    --------
    >>> ad.sort(np.array([3.0, 1.0, 2.0]))
    array([1., 2., 3.])
    >>> ad.grad(lambda x: (ad.sort(x) * np.arange(3)).sum())(np.array([3.0, 1.0, 2.0]))
    array([2., 0., 1.])
    """
    x = ravel(a) if axis is None else as_array(a)
    axis = -1 if axis is None else axis
    axis = axis_index(axis, x)
    return take_along_axis(x, argsort(x, axis=axis, kind="stable"), axis)


def partition(a: ArrayLike, kth: Sizes, axis: int | None = -1) -> AnyArray:
    """Return the entries along ``axis`` with the ``kth`` smallest in place, smaller ones before.

    Each entry gets the gradient of the place where it came to stand.

    >>> ad.partition(np.array([3.0, 1.0, 2.0]), 1)
    array([1., 2., 3.])
    """
    x = ravel(a) if axis is None else as_array(a)
    axis = -1 if axis is None else axis
    axis = axis_index(axis, x)
    return take_along_axis(x, argpartition(x, kth=kth, axis=axis), axis)


COMPOSITES = (sort, partition)
NUMPY.update({np.sort: sort, np.partition: partition})
