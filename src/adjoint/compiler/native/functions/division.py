"""Remainders of divisions, which are exact, and the integer quotients that belong to them."""

from __future__ import annotations

from collections.abc import Sequence

from ..lanes import Lanes
from .form import in_double, native, outlined

_INFINITY = float("inf")


@native
@outlined
@in_double
def fmod(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return the exact remainder of x / y, with the sign of x.

    For |x / y| ≥ 2⁵³ the quotient is not exact, and C's function is called, number by number.
    """
    ratio = abs(x / y)
    beyond = ratio.compare(">=", 2.0**53)

    def exactly() -> Sequence[Lanes]:
        whole = x.block.type_of(x.kind)
        return [x.block.write(f"frem {whole} {x}, {y}", x.kind)]

    (result,) = x.block.either(beyond, exactly, lambda: [_remainder(x, y)])
    return result


def _remainder(x: Lanes, y: Lanes) -> Lanes:
    block = x.block
    size, divisor = abs(x), abs(y)
    result = (-block.call("trunc", size / divisor)).fused(divisor, size)
    # If the quotient was rounded up to an integer, the remainder is negative by one divisor.
    result = result.compare("<", 0.0).choose(result + divisor, result)
    to_infinity = divisor.compare("==", _INFINITY) & size.compare("<", _INFINITY)
    return block.call("copysign", to_infinity.choose(size, result), x)


@native
def remainder(x: Lanes, y: Lanes) -> Lanes:
    """Return x - y⌊x / y⌋ as NumPy does, bit for bit."""
    left = fmod(x, y)
    moved = _crosses(left, y).choose(left + y, left)
    zero = x.block.call("copysign", x.lift(0.0), y)
    moved = left.compare("==", 0.0).choose(zero, moved)
    return y.compare("==", 0.0).choose(x.lift(float("nan")), moved)


@native
def floor_divide(x: Lanes, y: Lanes) -> Lanes:
    """Return ⌊x / y⌋ as NumPy does, bit for bit: from the exact remainder."""
    left = fmod(x, y)
    quotient = (x - left) / y
    quotient = _crosses(left, y).choose(quotient - 1.0, quotient)
    whole = x.block.call("floor", quotient)
    whole = (quotient - whole).compare(">", 0.5).choose(whole + 1.0, whole)
    ratio = x / y
    zero = x.block.call("copysign", x.lift(0.0), ratio)
    whole = quotient.compare("==", 0.0).choose(zero, whole)
    return y.compare("==", 0.0).choose(ratio, whole)


def _crosses(left: Lanes, y: Lanes) -> Lanes:
    """Return where a remainder is not 0 and its sign differs from that of the divisor."""
    differ = left.compare("<", 0.0) ^ y.compare("<", 0.0)
    return differ & left.compare("!=", 0.0)
