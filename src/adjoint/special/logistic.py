"""The logistic function and its inverse, and SciPy's names for softmax and log-sum-exp."""

from __future__ import annotations

import numpy as np
from scipy import special

from ..core.annotations import AnyArray, Array, ArrayLike, Axis
from ..core.kinds import elementwise
from ..ops import reductions
from ..ops import softmax as rows
from ..ops.arithmetic import divide
from ..ops.exponential import exp, log
from ..ops.logic import isfinite, less, not_equal
from ..ops.piecewise import absolute, where
from ..ops.products import strong_multiply
from ..ops.structural import as_array, reshape, stop_gradient


@elementwise(
    # Not y (1 - y), which is 0 where y has rounded to 1.
    partials=[lambda y, x: y * expit(-x)],
    strong=True,
    source="expit({x})",
    latex=r"\sigma\left({x}\right)",
    numpy=[special.expit],
    bounds=(0, 1),
    saturates=True,
    activation=True,
)
def expit(x: Array) -> Array:
    """Return the logistic function 1 / (1 + e⁻ˣ); `sigmoid` with an exact slope in both tails.

    >>> ad.special.expit(np.array([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 5.00000000e-01, 1.00000000e+00])
    >>> ad.grad(lambda x: ad.special.expit(x).sum())(np.array([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 2.50000000e-01, 4.24835426e-18])
    """
    return special.expit(x)


def _logit_slope(y: AnyArray, x: AnyArray) -> AnyArray:
    """1/(x (1 - x)); near 0 and 1 as a sum, for the product's slope there is ∞ - ∞."""
    middle = less(absolute(x - 0.5), 0.25)
    return where(middle, divide(1.0, x * (1 - x)), divide(1.0, x) + divide(1.0, 1 - x))


@elementwise(
    partials=[_logit_slope],
    strong=True,
    source="logit({x})",
    latex=r"\operatorname{{logit}}\left({x}\right)",
    numpy=[special.logit],
    domain=[(0.1, 0.9)],
)
def logit(x: Array) -> Array:
    """Return log(x / (1 - x)), 0 ≤ x ≤ 1; at 0 and 1 both it and its slope are infinite.

    >>> ad.special.logit(np.array([0.5, 1.0]))
    array([ 0., inf])
    >>> ad.grad(lambda x: ad.special.logit(x).sum())(np.array([0.5, 1.0]))
    array([ 4., inf])
    """
    return special.logit(x)


@elementwise(
    partials=[lambda y, x: expit(-x)],
    strong=True,
    source="log_expit({x})",
    latex=r"\log\left(\sigma\left({x}\right)\right)",
    numpy=[special.log_expit],
    bounds=(-np.inf, 0),
    finite=True,
    saturates=True,
)
def log_expit(x: Array) -> Array:
    """Return the logarithm of the logistic function, exact in both tails.

    >>> ad.special.log_expit(np.array([-800.0, 0.0]))
    array([-8.00000000e+02, -6.93147181e-01])
    """
    return special.log_expit(x)


def softmax(x: ArrayLike, axis: Axis = None) -> AnyArray:
    """Return eˣ / Σ eˣ over ``axis``: by default, as in SciPy, over all entries.

    >>> ad.special.softmax(np.array([[1000.0, 1000.0], [0.0, 0.0]]))
    array([[0.5, 0.5],
           [0. , 0. ]])
    """
    return rows.softmax(x, axis=axis)


def log_softmax(x: ArrayLike, axis: Axis = None) -> AnyArray:
    """Return x - log Σ eˣ over ``axis``: by default, as in SciPy, over all entries.

    >>> ad.special.log_softmax(np.array([[0.0, 0.0], [0.0, 0.0]]))
    array([[-1.38629436, -1.38629436],
           [-1.38629436, -1.38629436]])
    """
    return rows.log_softmax(as_array(x), axis=axis)


def logsumexp(
    a: ArrayLike, axis: Axis = None, b: ArrayLike | None = None, keepdims: bool = False
) -> AnyArray:
    """Return log Σ b eᵃ over ``axis``, without overflow.

    Parameters
    ----------
    a : array
    axis : int, tuple of int, or None for all
    b : array, optional
        Weights, 1 by default; an entry of weight 0 does not count. A negative sum gives NaN.
    keepdims : bool

    Examples
    --------
    >>> float(ad.special.logsumexp(np.array([1000.0, 0.0]), b=np.array([1.0, 0.0])))
    1000.0
    """
    if b is None:
        return reductions.logsumexp(a, axis=axis, keepdims=keepdims)
    a, b = as_array(a), as_array(b)
    counted = where(not_equal(b, 0), a, -np.inf)
    highest = stop_gradient(reductions.max(counted, axis=axis, keepdims=True))
    # An infinite maximum is the result itself; subtracting it would give ∞ - ∞.
    shift = where(isfinite(highest), highest, 0.0)
    terms = strong_multiply(b, exp(a - shift))
    total = log(reductions.sum(terms, axis=axis, keepdims=True)) + shift
    return total if keepdims else reshape(total, shape=reductions.sum(a * b, axis=axis).shape)
