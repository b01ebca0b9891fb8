"""Logarithms of sums of exponentials, and of the logistic function."""

from __future__ import annotations

import math

from ..lanes import Lanes
from .exponential import exp, exp2
from .form import in_double, native, outlined
from .logarithm import at_the_ends, log1p, log_with_low


@native
def softplus(x: Lanes) -> Lanes:
    """Return log(1 + eˣ) = max(x, 0) + log(1 + e^-|x|); error below 2 ulp."""
    positive = x.compare("<", 0.0).choose(x.lift(0.0), x)
    return positive + log1p(exp(-abs(x)))


@native
def log_expit(x: Lanes) -> Lanes:
    """Return the logarithm of the logistic function; error below 2 ulp."""
    return -softplus(-x)


def _greater_and_less(x: Lanes, y: Lanes) -> tuple[Lanes, Lanes]:
    """Return the greater number and -|x - y|, which is 0 if both are the same infinity."""
    gap = x.compare("==", y).choose(x.lift(0.0), x - y)
    return x.compare(">", y).choose(x, y), -abs(gap)


@native
@outlined
@in_double
def logaddexp(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return log(eˣ + eʸ); error below 2.5 ulp of the greatest of |x|, |y| and itself."""
    greater, gap = _greater_and_less(x, y)
    return greater + log1p(exp(gap))


@native
@outlined
@in_double
def logaddexp2(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return log₂(2ˣ + 2ʸ); error below 3 ulp of the greatest of |x|, |y| and itself."""
    greater, gap = _greater_and_less(x, y)
    return greater + log1p(exp2(gap)) * (1 / math.log(2))


@native
@outlined
@in_double
def logit(x: Lanes, *, bits: int) -> Lanes:
    """Return log(x / (1 - x)); error below 3 ulp.

    For x ≥ ⅓ it is log(1 + (2x - 1) / (1 - x)): near ½, where the result is small, that numerator
    is exact.
    """
    rest = 1.0 - x
    t = (x + x - 1.0) / rest
    left = x.compare("<", 1 / 3)
    u = left.choose(x / rest, t + 1.0)
    lost = t.compare("<", 1.0).choose(t - (u - 1.0), 1.0 - (u - t))
    lost = left.choose(x.lift(0.0), lost / u)
    return at_the_ends(u, log_with_low(u, lost))
