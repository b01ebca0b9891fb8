"""Adapters: what NumPy calls by another name, or with other arguments, than the cards do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike, Axis
from ..core.registry import NUMPY
from ..errors import ShapeError
from .cumulative import cumprod, cumsum, prod
from .piecewise import clip, where
from .reductions import logsumexp, max, min, sum
from .structural import as_array, axis_indices, stop_gradient


def _numpy_clip(
    a: ArrayLike,
    a_min: ArrayLike | None = None,
    a_max: ArrayLike | None = None,
    *,
    min: ArrayLike | None = None,
    max: ArrayLike | None = None,
) -> AnyArray:
    return clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _numpy_where(condition: ArrayLike, *choices: ArrayLike) -> Any:
    # Without choices it asks where the condition holds: indices, which have no derivative.
    return where(condition, *choices) if choices else np.nonzero(stop_gradient(condition))


def _ufunc_reduce(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ufunc's ``reduce``, whose default axis is the first."""

    def reduce(x: ArrayLike, axis: Axis = 0, keepdims: bool = False) -> AnyArray:
        return primitive(x, axis=axis, keepdims=keepdims)

    return reduce


def _ufunc_accumulate(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ufunc's ``accumulate``, whose default axis is the first."""

    def accumulate(array: ArrayLike, axis: Axis = 0) -> AnyArray:
        x = as_array(array)
        if not x.ndim and axis in (None, 0, -1):
            raise TypeError("cannot accumulate a number, which has no axes")
        along = axis_indices(axis, x)
        if len(along) != 1:
            raise ShapeError(f"accumulate: one axis is needed, got axis={axis} of shape {x.shape}")
        return primitive(x, axis=along[0])

    return accumulate


NUMPY.update(
    {
        np.add.accumulate: _ufunc_accumulate(cumsum),
        np.multiply.accumulate: _ufunc_accumulate(cumprod),
        np.multiply.reduce: _ufunc_reduce(prod),
        np.add.reduce: _ufunc_reduce(sum),
        np.maximum.reduce: _ufunc_reduce(max),
        np.minimum.reduce: _ufunc_reduce(min),
        np.logaddexp.reduce: _ufunc_reduce(logsumexp),
        np.where: _numpy_where,
        np.clip: _numpy_clip,
        np.amax: max,
        np.amin: min,
    }
)
