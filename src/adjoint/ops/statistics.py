"""Statistics describe entries by a few numbers: composites of reductions."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike, Axis
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..core.value import attach
from ..core.views import own
from ..errors import ShapeError
from .arithmetic import divide
from .assembly import vstack
from .axes import atleast_2d, squeeze
from .diagonals import diag
from .exponential import sqrt, square
from .piecewise import clip
from .reductions import count, max, mean, min, sum
from .requirement import require_that
from .structural import as_array, astype, axis_indices, broadcast_to, reshape


def var(x: ArrayLike, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> AnyArray:
    """Return the variance over ``axis``: mean squared distance from the mean.

    Parameters
    ----------
    ddof : float
        The divisor is the number of entries less ``ddof``: 0 for a population, 1 for a sample.

    Examples
    --------
    >>> float(ad.var(np.array([1.0, 3.0]))), float(ad.var(np.array([1.0, 3.0]), ddof=1))
    (1.0, 2.0)
    >>> ad.grad(ad.var)(np.array([1.0, 3.0]))
    array([-1.,  1.])
    """
    x = as_array(x)
    # In two passes: the mean of squares less the square of a mean that is large would cancel.
    squares = square(x - mean(x, axis=axis, keepdims=True))
    total = sum(squares, axis=axis, keepdims=keepdims)
    return divide(total, count(x, axis) - ddof)


def std(x: ArrayLike, axis: Axis = None, *, ddof: float = 0, keepdims: bool = False) -> AnyArray:
    """Return the standard deviation over ``axis``; of equal entries its gradient is 0.

    ``ddof`` is that of `var`.

    >>> ad.grad(ad.std)(np.array([1.0, 3.0])), ad.grad(ad.std)(np.array([2.0, 2.0]))
    (array([-0.5,  0.5]), array([0., 0.]))
    """
    return sqrt(var(x, axis, ddof=ddof, keepdims=keepdims))


def ptp(a: ArrayLike, axis: Axis = None, *, keepdims: bool = False) -> AnyArray:
    """Return the greatest less the smallest entry over ``axis``; equal ones share the gradient.

    >>> float(ad.ptp(np.array([5.0, 1.0, 5.0])))
    4.0
    >>> ad.grad(ad.ptp)(np.array([5.0, 1.0, 5.0]))
    array([ 0.5, -1. ,  0.5])
    """
    x = as_array(a)
    return max(x, axis=axis, keepdims=keepdims) - min(x, axis=axis, keepdims=keepdims)


def average(
    a: ArrayLike,
    axis: Axis = None,
    weights: ArrayLike | None = None,
    returned: bool = False,
    *,
    keepdims: bool = False,
) -> Any:
    """Return the weighted mean over ``axis``, Σ w x / Σ w; the weights have gradients too.

    Parameters
    ----------
    weights : array, optional
        An array of a's shape, or one along ``axis`` alone; by default all weights are equal.
    returned : bool
        Return the sum of the weights as well.

    Raises
    ------
    ZeroDivisionError
        If weights add up to 0.

    Examples
    --------
    >>> float(ad.average(np.array([1.0, 4.0]), weights=np.array([2.0, 1.0])))
    2.0
    >>> ad.grad(lambda w: ad.average(np.array([1.0, 4.0]), weights=w))(np.array([2.0, 1.0]))
    array([-0.33333333,  0.66666667])
    """
    x = as_array(a)
    if weights is None:
        found = mean(x, axis=axis, keepdims=keepdims)
        total: Any = np.full(found.shape, count(x, axis), found.dtype)
    else:
        spread = _spread_weights(as_array(weights), x, axis)
        total = _not_zero(sum(spread, axis=axis, keepdims=keepdims))
        found = divide(sum(x * spread, axis=axis, keepdims=keepdims), total)
    return (found, broadcast_to(total, shape=found.shape)) if returned else found


def _spread_weights(weights: AnyArray, x: AnyArray, axis: Axis) -> AnyArray:
    """Return weights that broadcast along the other axes of ``x``."""
    if weights.shape == x.shape:
        return weights
    axes = [] if axis is None else axis_indices(axis, x)
    if weights.shape != tuple(x.shape[a] for a in axes):
        raise ShapeError(
            f"average: weights of shape {weights.shape} for shape {x.shape} and axis {axis}; "
            "expected the whole shape, or the sizes along axis"
        )
    order = tuple(int(n) for n in np.argsort(axes))
    along = weights if order == tuple(range(len(axes))) else weights.transpose(order)
    wanted = tuple(n if a in axes else 1 for a, n in enumerate(x.shape))
    return broadcast_to(reshape(along, shape=wanted), shape=x.shape)


def _not_zero(total: AnyArray) -> AnyArray:
    message = "average: weights add up to zero, so that there is no average"
    return require_that(total, lambda total: (total != 0).all(), message, "ZeroDivisionError")


def cov(
    m: ArrayLike,
    y: ArrayLike | None = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: float | None = None,
    fweights: ArrayLike | None = None,
    aweights: ArrayLike | None = None,
) -> AnyArray:
    """Return the covariance matrix of variables in rows (or in columns, without ``rowvar``).

    Parameters
    ----------
    m, y : (v, n) or (n,) arrays
        n observations of v variables; those of ``y`` are added below.
    bias : bool
        Divide by n instead of n - 1, unless ``ddof`` says by what.
    fweights, aweights : (n,) arrays, optional
        How often each observation counts, and how much.

    Examples
    --------
    >>> ad.cov(np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]))
    array([[ 1. , -0.5],
           [-0.5,  1. ]])
    """
    x = _variables(m, rowvar)
    if y is not None:
        x = vstack([x, _variables(y, rowvar)])
    ddof = (0 if bias else 1) if ddof is None else ddof
    if fweights is None and aweights is None:
        centred = x - mean(x, axis=1, keepdims=True)
        return own(squeeze(centred @ centred.T / (x.shape[1] - ddof)))
    weights = _joint_weights(fweights, aweights, x)
    total = sum(weights)
    centred = x - divide(sum(x * weights, axis=1, keepdims=True), total)
    lost = ddof if aweights is None else ddof * divide(sum(weights * as_array(aweights)), total)
    return own(squeeze(divide((centred * weights) @ centred.T, total - lost)))


def _variables(m: ArrayLike, rowvar: bool) -> AnyArray:
    """Return variables as rows of a matrix of floats."""
    x = as_array(m)
    if x.ndim > 2:
        raise ShapeError(f"cov: expected one or two axes, got shape {x.shape}")
    x = x if x.dtype.kind == "f" else astype(x, dtype=np.float64)
    return atleast_2d(x) if rowvar or x.ndim < 2 else x.T


def _joint_weights(fweights: ArrayLike | None, aweights: ArrayLike | None, x: AnyArray) -> AnyArray:
    given = [as_array(weights) for weights in (fweights, aweights) if weights is not None]
    for weights in given:
        if weights.shape != x.shape[1:]:
            raise ShapeError(f"cov: weights of shape {weights.shape} for {x.shape[1]} observations")
    return given[0] if len(given) == 1 else given[0] * given[1]


def corrcoef(x: ArrayLike, y: ArrayLike | None = None, rowvar: bool = True) -> AnyArray:
    """Return the correlation matrix of variables in rows (or in columns, without ``rowvar``).

    ``x`` and ``y`` are the m and y of `cov`.

    >>> ad.corrcoef(np.array([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0]]))
    array([[ 1. , -0.5],
           [-0.5,  1. ]])
    """
    c = cov(x, y, rowvar)
    if not shape_of(c):
        return divide(c, c)
    deviations = sqrt(diag(c))
    return clip(divide(divide(c, deviations[:, None]), deviations[None, :]), -1, 1)


COMPOSITES = (var, std, ptp, average, cov, corrcoef)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
attach("var", var)
attach("std", std)
