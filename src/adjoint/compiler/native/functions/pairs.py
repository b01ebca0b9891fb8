"""A pair is the unevaluated sum of two numbers, the second within an ulp of the first.

The sums are those of Dekker ("A floating-point technique for extending the available precision",
1971) and Knuth. The error of a product takes one fused multiply-add.
"""

from __future__ import annotations

from typing import NamedTuple

from ..lanes import Lanes


class Pair(NamedTuple):
    """The sum of two lanes, which has about twice the digits of one."""

    high: Lanes
    low: Lanes

    def times(self, other: Pair) -> Pair:
        """Return the product."""
        exact = product(self.high, other.high)
        crossed = self.high.times_plus(other.low, self.low.times_plus(other.high, exact.low))
        return Pair(exact.high, crossed)

    def rounded(self) -> Lanes:
        """Return the sum rounded to one number."""
        return self.high + self.low


def constant(like: Lanes, high: float, low: float) -> Pair:
    """Return a number given in two parts."""
    return Pair(like.lift(high), like.lift(low))


def product(x: Lanes, y: Lanes) -> Pair:
    """Return x y exactly."""
    high = x * y
    return Pair(high, x.fused(y, -high))


def ordered_sum(x: Lanes, y: Lanes) -> Pair:
    """Return x + y exactly, for |x| ≥ |y| or x = 0."""
    high = x + y
    return Pair(high, y - (high - x))


def difference(x: Lanes, y: Lanes) -> Pair:
    """Return x - y exactly."""
    high = x - y
    back = high - x
    return Pair(high, (x - (high - back)) - (y + back))
