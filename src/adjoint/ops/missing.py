"""Missing numbers, marked by NaN, are left out: they have gradient 0."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike, Axis
from ..core.registry import NUMPY
from ..core.views import as_scalar
from .arithmetic import divide
from .cumulative import cumprod, cumsum, prod
from .exponential import sqrt, square
from .logic import invert, isnan
from .piecewise import where
from .reductions import all, count_nonzero, max, min, sum
from .structural import as_array, astype


def _replaced(a: ArrayLike, number: float) -> tuple[Any, Any]:
    """Return ``a`` with a number in place of each NaN, and where they were."""
    x = as_array(a)
    missing = isnan(x)
    return where(missing, np.asarray(number, x.dtype), x) if x.dtype.kind == "f" else x, missing


def nansum(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the sum over ``axis`` of what is not NaN; 0 if nothing is.

    >>> float(ad.nansum(np.array([1.0, np.nan, 3.0])))
    4.0
    >>> ad.grad(ad.nansum)(np.array([1.0, np.nan, 3.0]))
    array([1., 0., 1.])
    """
    return sum(_replaced(a, 0)[0], axis=axis, keepdims=keepdims)


def nanprod(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the product over ``axis`` of what is not NaN; 1 if nothing is.

    >>> float(ad.nanprod(np.array([2.0, np.nan, 3.0])))
    6.0
    >>> ad.grad(ad.nanprod)(np.array([2.0, np.nan, 3.0]))
    array([3., 0., 2.])
    """
    return prod(_replaced(a, 1)[0], axis=axis, keepdims=keepdims)


def nancumsum(a: ArrayLike, axis: int | None = None) -> AnyArray:
    """Return the sums of all entries up to each one along ``axis``, leaving out NaN.

    >>> ad.nancumsum(np.array([1.0, np.nan, 3.0]))
    array([1., 1., 4.])
    """
    return cumsum(_replaced(a, 0)[0], axis=axis)


def nancumprod(a: ArrayLike, axis: int | None = None) -> AnyArray:
    """Return the products of all entries up to each one along ``axis``, leaving out NaN.

    >>> ad.nancumprod(np.array([2.0, np.nan, 3.0]))
    array([2., 2., 6.])
    """
    return cumprod(_replaced(a, 1)[0], axis=axis)


def nanmean(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the mean over ``axis`` of what is not NaN; NaN, with a warning, if nothing is.

    >>> float(ad.nanmean(np.array([1.0, np.nan, 3.0])))
    2.0
    >>> ad.grad(ad.nanmean)(np.array([1.0, np.nan, 3.0]))
    array([0.5, 0. , 0.5])
    """
    x, missing = _replaced(a, 0)
    return divide(sum(x, axis=axis, keepdims=keepdims), _present(missing, x, axis, keepdims))


def _present(missing: AnyArray, x: AnyArray, axis: Axis, keepdims: bool) -> AnyArray:
    """Return how many entries are there, in the type of entries that are floats."""
    found = count_nonzero(invert(missing), axis=axis, keepdims=keepdims)
    return astype(found, dtype=x.dtype) if x.dtype.kind == "f" else found


def nanvar(a: ArrayLike, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> AnyArray:
    """Return the variance over ``axis`` of what is not NaN, with the divisor less ``ddof``.

    >>> float(ad.nanvar(np.array([1.0, np.nan, 3.0])))
    1.0
    >>> ad.grad(ad.nanvar)(np.array([1.0, np.nan, 3.0]))
    array([-1.,  0.,  1.])
    """
    x, missing = _replaced(a, 0)
    middle = divide(sum(x, axis=axis, keepdims=True), _present(missing, x, axis, True))
    squares = square(where(missing, 0.0, x - middle))
    total = sum(squares, axis=axis, keepdims=keepdims)
    return divide(total, _present(missing, x, axis, keepdims) - ddof)


def nanstd(a: ArrayLike, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> AnyArray:
    """Return the standard deviation over ``axis`` of what is not NaN; ``ddof`` is that of `nanvar`.

    >>> float(ad.nanstd(np.array([1.0, np.nan, 3.0])))
    1.0
    >>> ad.grad(ad.nanstd)(np.array([1.0, np.nan, 3.0]))
    array([-0.5,  0. ,  0.5])
    """
    return sqrt(nanvar(a, axis, ddof=ddof, keepdims=keepdims))


def nanmax(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the greatest entry over ``axis`` but for NaN; NaN if all are. Equal ones share.

    >>> float(ad.nanmax(np.array([3.0, np.nan, 3.0])))
    3.0
    >>> ad.grad(ad.nanmax)(np.array([3.0, np.nan, 3.0]))
    array([0.5, 0. , 0.5])
    """
    return _extreme(max, -np.inf, a, axis, keepdims)


def nanmin(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the smallest entry over ``axis`` but for NaN; NaN if all are. Equal ones share.

    >>> float(ad.nanmin(np.array([1.0, np.nan, 3.0])))
    1.0
    >>> ad.grad(ad.nanmin)(np.array([1.0, np.nan, 3.0]))
    array([1., 0., 0.])
    """
    return _extreme(min, np.inf, a, axis, keepdims)


def _extreme(
    find: Callable[..., Any], last: float, a: ArrayLike, axis: Axis, keepdims: bool
) -> AnyArray:
    array = as_array(a)
    if array.dtype.kind != "f":
        return find(array, axis=axis, keepdims=keepdims)
    x, missing = _replaced(array, last)
    nothing = all(missing, axis=axis, keepdims=keepdims)
    found = find(x, axis=axis, keepdims=keepdims)
    return as_scalar(where(nothing, np.asarray(np.nan, x.dtype), found))


COMPOSITES = (
    nansum,
    nanprod,
    nancumsum,
    nancumprod,
    nanmean,
    nanvar,
    nanstd,
    nanmax,
    nanmin,
)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
