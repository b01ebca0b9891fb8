"""The logistic function and its inverse, and SciPy's names for softmax and log-sum-exp."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core import Operand
from ..kinds import elementwise
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
)
def expit(x: Any) -> Any:
    """Return the logistic function 1 / (1 + e⁻ˣ); `sigmoid` with an exact slope in both tails."""
    return special.expit(x)


def _logit_slope(y: Any, x: Any) -> Any:
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
def logit(x: Any) -> Any:
    """Return log(x / (1 - x)), 0 ≤ x ≤ 1; at 0 and 1 both it and its slope are infinite."""
    return special.logit(x)


@elementwise(
    partials=[lambda y, x: expit(-x)],
    strong=True,
    source="log_expit({x})",
    latex=r"\log\left(\sigma\left({x}\right)\right)",
    numpy=[special.log_expit],
)
def log_expit(x: Any) -> Any:
    """Return the logarithm of the logistic function, exact in both tails."""
    return special.log_expit(x)


def softmax(x: Operand, axis: Any = None) -> Any:
    """Return eˣ / Σ eˣ over ``axis``: by default, as in SciPy, over all entries."""
    return rows.softmax(x, axis=axis)


def log_softmax(x: Operand, axis: Any = None) -> Any:
    """Return x - log Σ eˣ over ``axis``: by default, as in SciPy, over all entries."""
    return rows.log_softmax(as_array(x), axis=axis)


def logsumexp(a: Operand, axis: Any = None, b: Operand = None, keepdims: bool = False) -> Any:
    """Return log Σ b eᵃ over ``axis``, without overflow.

    Parameters
    ----------
    a : array
    axis : int, tuple of int, or None for all
    b : array, optional
        Weights, 1 by default; an entry of weight 0 does not count. A negative sum gives NaN.
    keepdims : bool
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
