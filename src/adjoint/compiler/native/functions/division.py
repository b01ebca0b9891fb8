"""The remainders of divisions, which are exact, and the quotients that leave them."""

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

    Of quotients beyond 2⁵³ it is C's, number by number: there is no shorter way.
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
    # A quotient just below an integer may have been rounded up to it.
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
    """Return where a remainder is not 0 and has another sign than the divisor."""
    differ = left.compare("<", 0.0) ^ y.compare("<", 0.0)
    return differ & left.compare("!=", 0.0)
