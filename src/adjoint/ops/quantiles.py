"""Quantiles lie between two neighbours of the sorted entries, and are linear in those two."""

from __future__ import annotations

import numpy as np

from ..core.annotations import AnyArray, ArrayLike, Axis
from ..core.registry import NUMPY
from ..core.value import Value
from ..core.views import as_scalar, own
from ..errors import ShapeError
from .axes import moveaxis
from .logic import bitwise_and, bitwise_or, equal, invert, isinf, isnan, less
from .ordering import sort
from .piecewise import maximum, minimum, where
from .reductions import count, count_nonzero
from .requirement import require_that
from .rounding import ceil, floor
from .selection import take_along_axis
from .structural import (
    as_array,
    astype,
    axis_indices,
    numbers,
    reshape,
    stop_gradient,
    transpose,
)


def quantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> AnyArray:
    """Return the quantiles of probabilities ``q`` over ``axis``; NaN where an entry is NaN.

    The two entries that a quantile lies between share its gradient by their weights; of equal
    entries those that come to stand there.

    Parameters
    ----------
    q : float or array of floats in [0, 1]
        Its axes come first in the result. May have a gradient if the method is "linear".
    overwrite_input : bool
        NumPy's argument; the input is never changed here.
    method : str
        Any that NumPy has.

    Examples
    --------
    >>> float(ad.quantile(np.array([1.0, 2.0, 4.0, 8.0]), 0.5))
    3.0
    >>> ad.grad(lambda a: ad.quantile(a, 0.25))(np.array([1.0, 2.0, 4.0, 8.0]))
    array([0.25, 0.75, 0.  , 0.  ])
    """
    return _quantile(as_array(a), q, axis, method, keepdims, skip_nan=False)


def percentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> AnyArray:
    """Return the quantiles of ``q`` percent, in [0, 100], over ``axis``.

    ``overwrite_input`` and ``method`` are those of `quantile`.

    >>> float(ad.percentile(np.array([1.0, 2.0, 4.0, 8.0]), 50))
    3.0
    """
    return quantile(a, _hundredth(q), axis, method=method, keepdims=keepdims)


def median(
    a: ArrayLike, axis: Axis = None, overwrite_input: bool = False, keepdims: bool = False
) -> AnyArray:
    """Return the middle entry over ``axis``, or the mean of the two; NaN where an entry is NaN.

    Only what stands in the middle has a gradient. ``overwrite_input`` is that of `quantile`.

    >>> float(ad.median(np.array([8.0, 1.0, 4.0])))
    4.0
    >>> ad.grad(ad.median)(np.array([8.0, 1.0, 4.0]))
    array([0., 0., 1.])
    >>> ad.grad(ad.median)(np.array([8.0, 1.0, 4.0, 2.0]))
    array([0. , 0. , 0.5, 0.5])
    """
    return quantile(a, 0.5, axis, keepdims=keepdims)


def nanquantile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> AnyArray:
    """Return the quantiles ``q`` over ``axis`` of the entries that are not NaN.

    They are NaN if there are none. ``overwrite_input`` and ``method`` are those of `quantile`.

    >>> float(ad.nanquantile(np.array([1.0, np.nan, 3.0]), 0.5))
    2.0
    """
    return _quantile(as_array(a), q, axis, method, keepdims, skip_nan=True)


def nanpercentile(
    a: ArrayLike,
    q: ArrayLike,
    axis: Axis = None,
    overwrite_input: bool = False,
    method: str = "linear",
    keepdims: bool = False,
) -> AnyArray:
    """Return the quantiles of ``q`` percent over ``axis`` of the entries that are not NaN.

    ``overwrite_input`` and ``method`` are those of `quantile`.

    >>> float(ad.nanpercentile(np.array([1.0, np.nan, 3.0]), 50))
    2.0
    """
    return nanquantile(a, _hundredth(q), axis, method=method, keepdims=keepdims)


def nanmedian(
    a: ArrayLike, axis: Axis = None, overwrite_input: bool = False, keepdims: bool = False
) -> AnyArray:
    """Return the median over ``axis`` of the entries that are not NaN; NaN if there are none.

    ``overwrite_input`` is that of `quantile`.

    >>> float(ad.nanmedian(np.array([1.0, np.nan, 3.0])))
    2.0
    >>> ad.grad(ad.nanmedian)(np.array([1.0, np.nan, 3.0]))
    array([0.5, 0. , 0.5])
    """
    return nanquantile(a, 0.5, axis, keepdims=keepdims)


def _hundredth(q: ArrayLike) -> AnyArray | float:
    return q / 100 if isinstance(q, (float, int, Value)) else np.asarray(q) / 100


def _quantile(
    x: AnyArray, q: ArrayLike, axis: Axis, method: str, keepdims: bool, skip_nan: bool
) -> AnyArray:
    x = x if x.dtype.kind == "f" else astype(x, dtype=np.float64)
    axes = axis_indices(axis, x)
    outer = [a for a in range(x.ndim) if a not in axes]
    lines = transpose(x, axes=(*outer, *axes)) if x.ndim else x
    lines = reshape(lines, shape=(*(x.shape[a] for a in outer), count(x, tuple(axes))))
    q = _probabilities(q, x)
    flat = reshape(q, shape=-1)
    found = _along_lines(sort(lines), flat, method, skip_nan)
    kept = [1 if a in axes else n for a, n in enumerate(x.shape)] if keepdims else lines.shape[:-1]
    return as_scalar(own(reshape(moveaxis(found, -1, 0), shape=(*q.shape, *kept))))


def _probabilities(q: ArrayLike, x: AnyArray) -> AnyArray:
    """Return probabilities as an array; a Python number takes the dtype of the entries."""
    array = np.asarray(q, x.dtype) if isinstance(q, (float, int)) else as_array(q)
    message = "quantile: probabilities must lie in [0, 1], percentages in [0, 100]"
    return require_that(array, lambda q: ((q >= 0) & (q <= 1)).all(), message)


def _along_lines(ordered: AnyArray, q: AnyArray, method: str, skip_nan: bool) -> AnyArray:
    """Return the quantiles ``q`` (one axis) of sorted lines, in place of the lines."""
    size = ordered.shape[-1]
    if size == 0:
        raise ShapeError(f"quantile: no entries, lines of shape {ordered.shape}")
    valid = count_nonzero(invert(isnan(ordered)), axis=-1, keepdims=True)
    entries = valid if skip_nan else np.full((1,) * ordered.ndim, size)
    dtype = np.result_type(ordered.dtype, q.dtype)
    places = astype(_places(q, entries, method), dtype=dtype)
    found = _between(ordered, places, astype(maximum(entries - 1, 0), dtype=dtype))
    incomplete = less(valid, 1 if skip_nan else size)
    return where(incomplete, np.nan, found)


def _between(ordered: AnyArray, places: AnyArray, last: AnyArray) -> AnyArray:
    """Return what lies at fractional places of sorted lines, by linear interpolation."""
    whole, next_one = floor(stop_gradient(places)), ceil(stop_gradient(places))
    if isinstance(places, Value) and places.node is not None:
        # The probability has a gradient: the slope to the right of an entry, and to the left of the
        # last one, so the interval must have a right end.
        whole = minimum(whole, maximum(last - 1, 0))
        next_one = minimum(whole + 1, last)
    low, high = (
        take_along_axis(ordered, astype(place, dtype=np.intp), -1) for place in (whole, next_one)
    )
    # There is no rise at an entry, where 0 times an infinite next one would be NaN, nor between
    # equal infinities, whose difference would be.
    level = bitwise_or(equal(whole, next_one), bitwise_and(equal(low, high), isinf(low)))
    rise = where(level, 0.0, high) - where(level, 0.0, low)
    return low + (places - whole) * rise


def _places(q: AnyArray, valid: AnyArray, method: str) -> AnyArray:
    """Return where quantiles lie among ``valid`` sorted entries, counted from 0, as a fraction."""
    if method == "linear":
        return q * maximum(valid - 1, 0)
    if isinstance(q, Value) and q.node is not None:
        raise TypeError(f"quantile: q has a gradient for method='linear' only, not {method!r}")
    # The quantile of the entries 0, 1, 2, … is its own place among them, so NumPy's methods need
    # not be written again here: each is asked on such entries.
    plain, counts = numbers(q, "quantile"), numbers(valid, f"quantile with method={method!r}")
    found = {
        int(n): np.quantile(np.arange(max(int(n), 1)), plain, method=method)  # type: ignore[call-overload]
        for n in np.unique(counts)
    }
    return np.array([found[int(n)] for n in counts.flat]).reshape(*counts.shape[:-1], plain.size)


COMPOSITES = (quantile, percentile, median, nanquantile, nanpercentile, nanmedian)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
