"""Terms of entropies: products with a logarithm, 0 where their factor is 0."""

from __future__ import annotations

from collections.abc import Callable

from ..lanes import Lanes
from .form import in_double, outlined
from .logarithm import log, log1p

_INFINITY = float("inf")


def _times_logarithm(logarithm: Callable[[Lanes], Lanes], x: Lanes, y: Lanes) -> Lanes:
    is_nothing = x.compare("==", 0.0) & (y.is_nan() ^ True)
    return is_nothing.choose(x.lift(0.0), x * logarithm(y))


@outlined
@in_double
def xlogy(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log y, 0 where x is; error below 2 ulp."""
    return _times_logarithm(log, x, y)


@outlined
@in_double
def xlog1py(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(1 + y), 0 where x is; error below 2 ulp."""
    return _times_logarithm(log1p, x, y)


@outlined
@in_double
def entr(x: Lanes, *, bits: int) -> Lanes:
    """Return -x log x, 0 at 0 and -∞ below; error below 2 ulp."""
    result = x.compare("==", 0.0).choose(x.lift(0.0), -x * log(x))
    return x.compare("<", 0.0).choose(x.lift(-_INFINITY), result)


def _log_ratio(x: Lanes, y: Lanes) -> Lanes:
    """Return log(x / y) of positive numbers, near 1 by their difference."""
    ratio = x / y
    is_near = ratio.compare(">", 0.5) & ratio.compare("<", 2.0)
    is_plain = ratio.compare(">=", 2.0**-1000) & ratio.compare("<", _INFINITY)
    apart = is_plain.choose(log(ratio), log(x) - log(y))
    return is_near.choose(log1p((x - y) / y), apart)


@outlined
@in_double
def rel_entr(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(x / y) of positive numbers, 0 where x is, else ∞; error below 3 ulp."""
    both = x.compare(">", 0.0) & y.compare(">", 0.0)
    none = x.compare("==", 0.0) & y.compare(">=", 0.0)
    result = both.choose(x * _log_ratio(x, y), x.lift(_INFINITY))
    result = none.choose(x.lift(0.0), result)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)


@outlined
@in_double
def kl_div(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return x log(x / y) - x + y of positive numbers, y where x is 0, else ∞.

    The error is below 3 ulp of the greatest term; the quotient may overflow, as in SciPy.
    """
    both = x.compare(">", 0.0) & y.compare(">", 0.0)
    none = x.compare("==", 0.0) & y.compare(">=", 0.0)
    result = both.choose(x * log(x / y) - x + y, x.lift(_INFINITY))
    result = none.choose(y, result)
    return (x.is_nan() | y.is_nan()).choose(x + y, result)
