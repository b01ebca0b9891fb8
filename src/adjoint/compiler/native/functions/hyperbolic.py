"""Hyperbolic functions and their inverses, by exponentials and logarithms."""

from __future__ import annotations

import math

from ..lanes import Lanes
from .exponential import exp_of_sum, expm1_in_range, saturation
from .form import in_double, native, outlined
from .logarithm import log1p
from .polynomial import polynomial

# Coefficients for (sinh x - x) / x³ in x², on |x| ≤ 1. The difference of exponentials would cancel
# there.
_SINH = {
    53: (  # relative error of sinh x 3.5e-19
        0.16666666666666666,
        0.008333333333333299,
        0.00019841269841324198,
        2.7557319191381816e-06,
        2.5052117695907823e-08,
        1.6057679623801638e-10,
        7.746178593018827e-13,
    ),
    24: (  # relative error of sinh x 3.2e-13
        0.16666666666698407,
        0.008333333317464362,
        0.0001984128253011599,
        2.755377026364149e-06,
        2.545670657152382e-08,
    ),
}
# For greater x log(1 + x) is log x, and x² might overflow.
_LARGE = 2.0**64


@native
def tanh(x: Lanes) -> Lanes:
    """Return the hyperbolic tangent, (e²ᵃ - 1) / (e²ᵃ + 1) of a = |x|; error below 3 ulp."""
    # By eˣ - 1 rather than eˣ, since near 0 a difference of eˣ and 1 has no digits. Beyond the
    # limit the quotient rounds to 1 anyway, and ∞/∞ is avoided.
    grown = expm1_in_range((abs(x) * 2.0).at_most(saturation(x)))
    return x.block.call("copysign", grown / (grown + 2.0), x)


def _half_exp(size: Lanes) -> Lanes:
    """Return eˣ/2 for x ≥ 0; for the greatest x it is finite although eˣ is not."""
    return exp_of_sum(size, less=1)


@native
@outlined
@in_double
def sinh(x: Lanes, *, bits: int) -> Lanes:
    """Return the hyperbolic sine; error below 2 ulp."""
    size, z = abs(x), x * x
    near = (x * z).times_plus(polynomial(z, _SINH[bits]), x)
    half = _half_exp(size)
    far = x.block.call("copysign", half - 0.25 / half, x)
    return size.compare("<", 1.0).choose(near, far)


@native
@outlined
@in_double
def cosh(x: Lanes, *, bits: int) -> Lanes:
    """Return the hyperbolic cosine; error below 2 ulp."""
    half = _half_exp(abs(x))
    return half + 0.25 / half


def _log1p_of_large(size: Lanes, t: Lanes) -> Lanes:
    """Return log(1 + t), or log 2x where x is large."""
    large = size.compare(">", _LARGE)
    added = large.choose(size.lift(math.log(2)), 0.0)
    return log1p(large.choose(size, t)) + added


@native
@outlined
@in_double
def arcsinh(x: Lanes, *, bits: int) -> Lanes:
    """Return log(x + √(x² + 1)) as log(1 + …), which keeps small x; error below 2.5 ulp."""
    size = abs(x)
    square = size * size
    t = size + square / (x.block.call("sqrt", square + 1.0) + 1.0)
    return x.block.call("copysign", _log1p_of_large(size, t), x)


@native
@outlined
@in_double
def arccosh(x: Lanes, *, bits: int) -> Lanes:
    """Return log(x + √(x² - 1)) as log(1 + …), which is exact near 1; error below 2.5 ulp."""
    above = x - 1.0
    t = above + x.block.call("sqrt", above.times_plus(above, above + above))
    return x.compare("<", 1.0).choose(x.lift(float("nan")), _log1p_of_large(x, t))


@native
@outlined
@in_double
def arctanh(x: Lanes, *, bits: int) -> Lanes:
    """Return log((1 + x) / (1 - x)) / 2 as log(1 + …) / 2; error below 2.5 ulp."""
    size = abs(x)
    twice = size + size
    small = size.compare("<", 0.5)
    t = small.choose(twice * size, twice) / (1.0 - size)
    t = small.choose(t + twice, t)
    return x.block.call("copysign", log1p(t) * 0.5, x)
