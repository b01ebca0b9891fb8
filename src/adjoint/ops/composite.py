"""Composites are plain functions of primitives: they differentiate without a rule of their own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import NUMPY, Operand, attach
from ..kinds import shape_of
from .arithmetic import divide
from .exponential import sqrt, square
from .piecewise import clip, where
from .reductions import count, max, mean, min, norm, sum
from .structural import stop_gradient


def var(x: Operand, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Return the variance over ``axis``: mean squared distance from the mean.

    Parameters
    ----------
    ddof : float
        The divisor is the number of entries less ``ddof``: 0 for a population, 1 for a sample.
    """
    squares = square(x - mean(x, axis=axis, keepdims=True))
    total = sum(squares, axis=axis, keepdims=keepdims)
    return divide(total, count(x, axis) - ddof)


def std(x: Operand, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
    """Return the standard deviation over ``axis``; of equal entries its gradient is 0."""
    return sqrt(var(x, axis, ddof=ddof, keepdims=keepdims))


def _numpy_clip(
    a: Operand, a_min: Operand = None, a_max: Operand = None, *, min: Any = None, max: Any = None
) -> Any:
    return clip(a, min if a_min is None else a_min, max if a_max is None else a_max)


def _numpy_norm(x: Operand, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    vector = isinstance(axis, int) or (axis is None and len(shape_of(x)) == 1)
    if ord is None or (ord == 2 and vector) or ord == "fro":
        return norm(x, axis=axis, keepdims=keepdims)
    raise TypeError(f"np.linalg.norm: ord={ord!r} has no derivative in adjoint; ord=None has")


def _numpy_where(condition: Operand, *choices: Operand) -> Any:
    # Without choices it counts: indices depend on the data and have no derivative.
    return where(condition, *choices) if choices else np.nonzero(stop_gradient(condition))


def _ufunc_reduce(primitive: Callable[..., Any]) -> Callable[..., Any]:
    """Return a ufunc's ``reduce``, whose default axis is the first."""

    def reduce(x: Operand, axis: Any = 0, keepdims: bool = False) -> Any:
        return primitive(x, axis=axis, keepdims=keepdims)

    return reduce


NUMPY.update(
    {
        np.add.reduce: _ufunc_reduce(sum),
        np.maximum.reduce: _ufunc_reduce(max),
        np.minimum.reduce: _ufunc_reduce(min),
        np.where: _numpy_where,
        np.var: var,
        np.std: std,
        np.clip: _numpy_clip,
        np.linalg.norm: _numpy_norm,
        np.amax: max,
        np.amin: min,
    }
)
attach("var", var)
attach("std", std)
