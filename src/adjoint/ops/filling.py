"""Filling makes arrays of constants like another one, and ranges between two ends."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import NUMPY, Operand, Value
from ..errors import ShapeError
from ..kinds import constant, dtype_of
from ..metadata import DType, Sizes
from ..views import own
from .axes import moveaxis
from .exponential import power
from .indexing import put_at
from .logarithm import log10
from .piecewise import sign
from .requirement import require_that
from .structural import as_array, astype, broadcast_to, reshape, stop_gradient


def _like_shape(x: Operand, *, dtype: Any, shape: Any) -> tuple[int, ...]:
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


@constant(
    source="np.zeros_like({x}{params})",
    latex=r"\operatorname{{zeros}}\left({x}{params}\right)",
    numpy=[np.zeros_like],
    **_LIKE,
)
def zeros_like(x: Any, *, dtype: DType | None = None, shape: Sizes | None = None) -> Any:
    """Return zeros of x's shape and dtype, or of those given: a constant to assign into."""
    return np.zeros_like(x, dtype=dtype, shape=shape)


@constant(
    source="np.ones_like({x}{params})",
    latex=r"\operatorname{{ones}}\left({x}{params}\right)",
    numpy=[np.ones_like],
    **_LIKE,
)
def ones_like(x: Any, *, dtype: DType | None = None, shape: Sizes | None = None) -> Any:
    """Return ones of x's shape and dtype, or of those given: a constant."""
    return np.ones_like(x, dtype=dtype, shape=shape)


def empty_like(prototype: Operand, *, dtype: Any = None, shape: Any = None) -> Any:
    """Return an array to assign into, like ``prototype``; it is filled with zeros here."""
    return zeros_like(prototype, dtype=dtype, shape=shape)


def full_like(a: Operand, fill_value: Operand, *, dtype: Any = None, shape: Any = None) -> Any:
    """Return an array like ``a`` filled with a number, to which its gradients add up."""
    x = as_array(a)
    filling = fill_value if isinstance(fill_value, Value) else as_array(fill_value)
    number = astype(filling, dtype=x.dtype if dtype is None else dtype)
    sizes = tuple(np.atleast_1d(x.shape if shape is None else shape))
    filled = broadcast_to(number, shape=sizes)
    return own(filled) if isinstance(filled, Value) else np.array(filled)


def linspace(
    start: Operand,
    stop: Operand,
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
        Of arrays, ``axis`` is that of the spaced numbers in the result.
    endpoint : bool
        Whether ``stop`` is the last number.
    retstep : bool
        Return the step as well.
    """
    if num < 0:
        raise ValueError(f"linspace: num must not be negative, got {num}")
    start, stop = _ends(start, stop)
    intervals = num - 1 if endpoint else num
    rise = stop - start
    weights = np.arange(num, dtype=rise.dtype) / max(intervals, 1)
    spaced = start + reshape(weights, shape=(-1, *(1,) * rise.ndim)) * rise
    if endpoint and num > 1:
        # Rounding must not move the end.
        spaced = put_at(spaced, stop, key=(-1,))
    spaced = own(moveaxis(spaced, 0, axis) if spaced.ndim > 1 else spaced)
    return (spaced, rise / intervals if intervals > 0 else np.nan * rise) if retstep else spaced


def _ends(start: Operand, stop: Operand) -> tuple[Any, Any]:
    # Python's numbers do not widen a float32 at the other end.
    ends = [x if isinstance(x, (int, float)) else as_array(x) for x in (start, stop)]
    dtype = dtype_of(*ends, 1.0)
    return astype(as_array(start), dtype=dtype), astype(as_array(stop), dtype=dtype)


def logspace(
    start: Operand,
    stop: Operand,
    num: int = 50,
    endpoint: bool = True,
    base: Operand = 10.0,
    *,
    axis: int = 0,
) -> Any:
    """Return ``num`` numbers from base**start to base**stop, whose logarithms are evenly spaced."""
    return power(base, linspace(start, stop, num, endpoint, axis=axis))


def geomspace(
    start: Operand, stop: Operand, num: int = 50, endpoint: bool = True, *, axis: int = 0
) -> Any:
    """Return ``num`` numbers from ``start`` to ``stop``, each the same multiple of the one before.

    Raises
    ------
    ValueError
        If an end is 0, or the two have different signs.
    """
    start, stop = _ends(start, stop)
    message = "geomspace: the ends must not be 0, and have the same sign"
    start = require_that(start, lambda start: (sign(start) * sign(stop) == 1).all(), message)
    signs = stop_gradient(sign(start))
    exponents = linspace(log10(start * signs), log10(stop * signs), num, endpoint)
    spaced = power(10.0, exponents) * signs
    # Rounding must not move the ends.
    spaced = put_at(spaced, start, key=(0,)) if num else spaced
    spaced = put_at(spaced, stop, key=(-1,)) if endpoint and num > 1 else spaced
    return own(moveaxis(spaced, 0, axis) if spaced.ndim > 1 else spaced)


COMPOSITES = (empty_like, full_like, linspace, logspace, geomspace)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
