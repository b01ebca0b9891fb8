"""Entropies: x log x and its kin, with SciPy's conventions at 0 and below."""

from __future__ import annotations

from ..lanes import Lanes
from .form import in_double, native, outlined
from .logarithm import log, log1p

_INFINITY = float("inf")


def _counted(x: Lanes, y: Lanes, result: Lanes) -> Lanes:
    """Return a result, but 0 where x is 0 and y is not NaN."""
    nothing = x.compare("==", 0.0) & (y.is_nan() ^ True)
    return nothing.choose(x.lift(0.0), result)


@native
@outlined
@in_double
def xlogy(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log y, 0 at x = 0; error below 2 ulp."""
    return _counted(x, y, x * log(y))


@native
@outlined
@in_double
def xlog1py(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(1 + y), 0 at x = 0; error below 2 ulp."""
    return _counted(x, y, x * log1p(y))


@native
@outlined
@in_double
def entr(x: Lanes, *, bits: int) -> Lanes:
    """Return -x log x, 0 at 0 and -∞ below; error below 2 ulp."""
    result = x.compare("==", 0.0).choose(x.lift(0.0), -(x * log(x)))
    return x.compare("<", 0.0).choose(x.lift(-_INFINITY), result)


def _on_the_quadrant(x: Lanes, y: Lanes, result: Lanes, at_zero: Lanes) -> Lanes:
    """Give a divergence its values at x = 0, outside of x, y ≥ 0, and at NaN."""
    inside = x.compare(">", 0.0) & y.compare(">", 0.0)
    edge = x.compare("==", 0.0) & y.compare(">=", 0.0)
    outside = edge.choose(at_zero, x.lift(_INFINITY))
    result = inside.choose(result, outside)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


@native
@outlined
@in_double
def rel_entr(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(x / y); error below 4 ulp; 0 at x = 0, ∞ where an argument is negative.

    Near x = y the logarithm would lose all digits of a quotient near 1, so it is log(1 + (x - y) /
    y). If x / y overflows or is subnormal, two logarithms are subtracted.
    """
    ratio = x / y
    near = ratio.compare(">", 0.5) & ratio.compare("<", 2.0)
    usual = ratio.compare(">", 2.0**-1022) & ratio.compare("<", _INFINITY)
    one = log(usual.choose(ratio, x))
    logarithm = usual.choose(one, one - log(y))
    logarithm = near.choose(log1p((x - y) / y), logarithm)
    return _on_the_quadrant(x, y, x * logarithm, x.lift(0.0))


@native
@outlined
@in_double
def kl_div(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(x / y) - x + y, as SciPy does; error below 2 ulp of the greatest part."""
    return _on_the_quadrant(x, y, x * log(x / y) - x + y, y)
