"""Hyperbolic functions and their inverses, from exponentials and logarithms."""

from __future__ import annotations

from ..lanes import Lanes
from .exponential import exp_of_sum, expm1, expm1_in_range, is_tiny, saturation
from .form import in_double, outlined
from .logarithm import log, log1p

_LOG_2 = 0.6931471805599453
# Beyond it, 1 is lost beside the square.
_LARGE = 2.0**28


def tanh(x: Lanes) -> Lanes:
    """Return the hyperbolic tangent, (e²ᵃ - 1) / (e²ᵃ + 1) of a = |x|; error below 3 ulp."""
    grown = expm1_in_range((abs(x) * 2.0).at_most(saturation(x)))
    return x.block.call("copysign", grown / (grown + 2.0), x)


@outlined
@in_double
def sinh(x: Lanes, *, bits: int) -> Lanes:
    """Return the hyperbolic sine; error below 2.5 ulp."""
    size = abs(x)
    grown = expm1(size.at_most(30.0))
    small = (grown + grown / (grown + 1.0)) * 0.5
    large = exp_of_sum(size, less=1)
    result = size.compare("<", 22.0).choose(small, large)
    return x.block.call("copysign", is_tiny(x).choose(size, result), x)


@outlined
@in_double
def cosh(x: Lanes, *, bits: int) -> Lanes:
    """Return the hyperbolic cosine; error below 2 ulp."""
    half = exp_of_sum(abs(x), less=1)
    return half + 0.25 / half


@outlined
@in_double
def arcsinh(x: Lanes, *, bits: int) -> Lanes:
    """Return the inverse of the hyperbolic sine; error below 2.5 ulp."""
    size = abs(x)
    square = size * size
    small = log1p(size + square / (1.0 + x.block.call("sqrt", square + 1.0)))
    large = log(size) + _LOG_2
    result = size.compare("<", _LARGE).choose(small, large)
    return x.block.call("copysign", result, x)


@outlined
@in_double
def arccosh(x: Lanes, *, bits: int) -> Lanes:
    """Return the inverse of the hyperbolic cosine; error below 3 ulp; NaN below 1."""
    t = x - 1.0
    small = log1p(t + x.block.call("sqrt", t * (t + 2.0)))
    result = x.compare("<", _LARGE).choose(small, log(x) + _LOG_2)
    return x.compare("<", 1.0).choose(x.lift(float("nan")), result)


@outlined
@in_double
def arctanh(x: Lanes, *, bits: int) -> Lanes:
    """Return the inverse of the hyperbolic tangent; error below 2.5 ulp; NaN beyond ±1."""
    size = abs(x)
    result = log1p((size + size) / (1.0 - size)) * 0.5
    return x.block.call("copysign", is_tiny(x).choose(size, result), x)
