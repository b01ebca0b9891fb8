"""Filling makes arrays of constants like another one, and ranges between two ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Described, DTypeLike
from ..core.batching import Rows
from ..core.kinds import constant, dtype_of
from ..core.metadata import DType, Sizes
from ..core.registry import NUMPY
from ..core.value import Value
from ..core.views import own
from ..errors import ShapeError
from .axes import moveaxis
from .exponential import power
from .indexing import put_at
from .logarithm import log10
from .piecewise import sign
from .requirement import require_that
from .structural import as_array, astype, broadcast_to, reshape, stop_gradient


def _like_shape(x: Described, *, dtype: DTypeLike | None, shape: Sizes | None) -> tuple[int, ...]:
    if shape is None:
        return tuple(x.shape)
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if min(sizes, default=0) < 0:
        raise ShapeError(f"a shape has no negative sizes, got {sizes}")
    return sizes


_LIKE: dict[str, Any] = {
    "shape": _like_shape,
    "dtype": lambda x, *, dtype, shape: x.dtype if dtype is None else np.dtype(dtype),
    "cases": [((2, 3), {}), ((2,), {"shape": (0, 3), "dtype": "int64"}), ((), {"shape": 2})],
}


def _filled_in_rows(rows: Rows, *, dtype: DType | None, shape: Sizes | None) -> Any:
    return rows.apply(rows.operands, dtype=dtype, shape=rows.shape)


@constant(
    batch=_filled_in_rows,
    source="np.zeros_like({x}{params})",
    latex=r"\operatorname{{zeros}}\left({x}{params}\right)",
    numpy=[np.zeros_like],
    bounds=(0, 0),
    boxes=True,
    **_LIKE,
)
def zeros_like(x: Array, *, dtype: DType | None = None, shape: Sizes | None = None) -> Array:
    """Return zeros of x's shape and dtype, or of those given: a constant to assign into.

    >>> y = ad.zeros_like(ad.tensor([1.0, 2.0], requires_grad=True))
    >>> y, y.requires_grad
    (tensor([0., 0.]), False)
    """
    return np.zeros_like(x, dtype=dtype, shape=shape)


@constant(
    batch=_filled_in_rows,
    source="np.ones_like({x}{params})",
    latex=r"\operatorname{{ones}}\left({x}{params}\right)",
    numpy=[np.ones_like],
    bounds=(1, 1),
    boxes=True,
    **_LIKE,
)
def ones_like(x: Array, *, dtype: DType | None = None, shape: Sizes | None = None) -> Array:
    """Return ones of x's shape and dtype, or of those given: a constant.

    >>> ad.ones_like(np.array([1.5, 2.5]), dtype=int)
    array([1, 1])
    """
    return np.ones_like(x, dtype=dtype, shape=shape)


def empty_like(
    prototype: ArrayLike, *, dtype: DTypeLike | None = None, shape: Sizes | None = None
) -> AnyArray:
    """Return an array to assign into, like ``prototype``, or of the ``dtype`` and ``shape`` given.

    It is filled with zeros here, not with chance.

    >>> ad.empty_like(np.array([1.5, 2.5]))
    array([0., 0.])
    """
    return zeros_like(prototype, dtype=dtype, shape=shape)


def full_like(
    a: ArrayLike,
    fill_value: ArrayLike,
    *,
    dtype: DTypeLike | None = None,
    shape: Sizes | None = None,
) -> AnyArray:
    """Return an array like ``a`` filled with ``fill_value``, to which its gradients add up.

    Its ``dtype`` and ``shape`` are those of ``a`` unless they are given.

    >>> ad.full_like(np.zeros(3), 7.0)
    array([7., 7., 7.])
    >>> float(ad.grad(lambda v: ad.full_like(np.zeros(3), v).sum())(7.0))
    3.0
    """
    x = as_array(a)
    filling = fill_value if isinstance(fill_value, Value) else as_array(fill_value)
    number = astype(filling, dtype=x.dtype if dtype is None else dtype)
    sizes = tuple(np.atleast_1d(x.shape if shape is None else shape))
    filled = broadcast_to(number, shape=sizes)
    return own(filled) if isinstance(filled, Value) else np.array(filled)


def linspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    retstep: bool = False,
    *,
    axis: int = 0,
) -> Any:
    """Return ``num`` evenly spaced numbers from ``start`` to ``stop``; both have gradients.

    Parameters
    ----------
    start, stop : numbers or arrays
        If they are arrays, ``axis`` is that of the spaced numbers in the result.
    endpoint : bool
        Whether ``stop`` is the last number.
    retstep : bool
        Return the step as well.

    Examples
    --------
    >>> ad.linspace(0.0, 1.0, 5)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    >>> ad.jacobian(lambda stop: ad.linspace(0.0, stop, 5))(1.0)
    array([0.  , 0.25, 0.5 , 0.75, 1.  ])
    """
    if num < 0:
        raise ValueError(f"linspace: num must not be negative, got {num}")
    start, stop = _ends(start, stop)
    intervals = num - 1 if endpoint else num
    rise = stop - start
    weights = np.arange(num, dtype=rise.dtype) / max(intervals, 1)
    spaced = start + reshape(weights, shape=(-1, *(1,) * rise.ndim)) * rise
    if endpoint and num > 1:
        # start + 1 · (stop - start) need not be stop after rounding.
        spaced = put_at(spaced, stop, key=(-1,))
    spaced = own(moveaxis(spaced, 0, axis) if spaced.ndim > 1 else spaced)
    return (spaced, rise / intervals if intervals > 0 else np.nan * rise) if retstep else spaced


def _ends(start: ArrayLike, stop: ArrayLike) -> tuple[AnyArray, AnyArray]:
    # Python's numbers do not widen a float32 at the other end.
    ends = [x if isinstance(x, (int, float)) else as_array(x) for x in (start, stop)]
    dtype = dtype_of(*ends, 1.0)
    return astype(as_array(start), dtype=dtype), astype(as_array(stop), dtype=dtype)


def logspace(
    start: ArrayLike,
    stop: ArrayLike,
    num: int = 50,
    endpoint: bool = True,
    base: ArrayLike = 10.0,
    *,
    axis: int = 0,
) -> AnyArray:
    """Return ``num`` numbers from base**start to base**stop, whose logarithms are evenly spaced.

    ``endpoint`` and ``axis`` are those of `linspace`.

    >>> ad.logspace(0.0, 2.0, 3)
    array([  1.,  10., 100.])
    """
    return power(base, linspace(start, stop, num, endpoint, axis=axis))


def geomspace(
    start: ArrayLike, stop: ArrayLike, num: int = 50, endpoint: bool = True, *, axis: int = 0
) -> AnyArray:
    """Return ``num`` numbers from ``start`` to ``stop``, each the same multiple of the one before.

    ``endpoint`` and ``axis`` are those of `linspace`.

    Raises
    ------
    ValueError
        If an end is 0, or the two have different signs.

    Examples
    --------
    >>> ad.geomspace(1.0, 100.0, 3)
    array([  1.,  10., 100.])
    """
    start, stop = _ends(start, stop)
    message = "geomspace: the ends must not be 0, and have the same sign"
    start = require_that(start, lambda start: (sign(start) * sign(stop) == 1).all(), message)
    signs = stop_gradient(sign(start))
    exponents = linspace(log10(start * signs), log10(stop * signs), num, endpoint)
    spaced = power(10.0, exponents) * signs
    # 10 to the power of a logarithm need not be the number itself after rounding.
    spaced = put_at(spaced, start, key=(0,)) if num else spaced
    spaced = put_at(spaced, stop, key=(-1,)) if endpoint and num > 1 else spaced
    return own(moveaxis(spaced, 0, axis) if spaced.ndim > 1 else spaced)


COMPOSITES = (empty_like, full_like, linspace, logspace, geomspace)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
