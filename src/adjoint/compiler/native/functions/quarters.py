"""The quarter turns of an angle, and the rest of it, for angles of all sizes.

Up to 2⁴⁰ this is the reduction of Cody and Waite, with π/2 in three parts, two of which are
multiplied exactly. Greater angles would lose digits there. For them the integers of Payne and Hanek
are used ("Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983), angle by
angle, and only if one of the lanes has a huge angle.
"""

from __future__ import annotations

from collections.abc import Sequence

from ..formats import literal
from ..lanes import Lanes
from .pairs import Pair, constant, difference, ordered_sum, product

_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
_INVERSE = 0.6366197723675814
_FAST = 2.0**40
# 2/π · 2¹²²⁴ in hexadecimal, after two bytes of zeros: all digits that the greatest float64 needs.
_DIGITS = (
    "0000"
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0"
)
# The rest of the angle, in half quarter turns times 2²⁵⁶, is a signed integer of 256 bits. Its
# highest 150 bits become three floats.
_PAYNE_HANEK = """
@adjoint.two.over.pi = internal constant [{size} x i8] c"{digits}"
define internal {{ double, double, double }} @adjoint.quarters(double %x) nounwind {{
  %bits = bitcast double %x to i64
  %field = lshr i64 %bits, 52
  %exponent = and i64 %field, 2047
  %small = icmp ult i64 %exponent, 1063
  %clamped = select i1 %small, i64 1063, i64 %exponent
  %from = sub i64 %clamped, 1061
  %byte = lshr i64 %from, 3
  %shift = and i64 %from, 7
  %offset = sub i64 {last}, %byte
  %at = getelementptr i8, ptr @adjoint.two.over.pi, i64 %offset
  %window = load i256, ptr %at, align 1
  %fraction = and i64 %bits, 4503599627370495
  %whole = or i64 %fraction, 4503599627370496
  %mantissa = zext i64 %whole to i256
  %wide = mul i256 %window, %mantissa
  %by = zext i64 %shift to i256
  %turns = shl i256 %wide, %by
  %half = shl i256 1, 253
  %rounded = add i256 %turns, %half
  %top = lshr i256 %rounded, 254
  %count = trunc i256 %top to i64
  %k = sitofp i64 %count to double
  %left = shl i256 %turns, 2
  %a.top = ashr i256 %left, 206
  %b.top = lshr i256 %left, 156
  %c.top = lshr i256 %left, 106
  %a.whole = trunc i256 %a.top to i64
  %b.whole = trunc i256 %b.top to i64
  %c.whole = trunc i256 %c.top to i64
  %b.part = and i64 %b.whole, 1125899906842623
  %c.part = and i64 %c.whole, 1125899906842623
  %a = sitofp i64 %a.whole to double
  %b = sitofp i64 %b.part to double
  %c = sitofp i64 %c.part to double
  %a.scaled = fmul double %a, {scale_a}
  %b.scaled = fmul double %b, {scale_b}
  %c.scaled = fmul double %c, {scale_c}
  %high = fadd double %a.scaled, %b.scaled
  %moved = fsub double %high, %a.scaled
  %lost = fsub double %b.scaled, %moved
  %low = fadd double %lost, %c.scaled
  %first = insertvalue {{ double, double, double }} poison, double %k, 0
  %second = insertvalue {{ double, double, double }} %first, double %high, 1
  %third = insertvalue {{ double, double, double }} %second, double %low, 2
  ret {{ double, double, double }} %third
}}
"""


def _payne_hanek() -> str:
    digits = bytes.fromhex(_DIGITS)[
        ::-1
    ]  # little-endian, as all processors that native code is made for
    return _PAYNE_HANEK.format(
        size=len(digits),
        digits="".join(f"\\{byte:02X}" for byte in digits),
        last=len(digits) - 32,
        **{
            f"scale_{name}": literal(2.0**-n, "f64")
            for name, n in zip("abc", (50, 100, 150), strict=True)
        },
    )


def quarters(x: Lanes, *, bits: int) -> tuple[Lanes, Pair]:
    """Return the number of quarter turns, of which only the last two bits are right, and the rest.

    Parameters
    ----------
    x : float64 lanes
        For infinity and NaN the rest is NaN.
    bits : int
        With 24 the low part of the rest is 0: it does not matter to a float32.
    """
    size = abs(x)
    huge = size.compare(">=", _FAST) & size.compare("<", float("inf"))

    def any_size() -> Sequence[Lanes]:
        k, high, low = _cody_waite(x, bits)
        slow = _each_by_payne_hanek(x)
        return [huge.choose(there, here) for there, here in zip(slow, (k, high, low), strict=True)]

    k, high, low = x.block.either(huge, any_size, lambda: _cody_waite(x, bits))
    return (k + x.format.rounder).convert("bitcast", "i64"), Pair(high, low)


def _cody_waite(x: Lanes, bits: int) -> tuple[Lanes, Lanes, Lanes]:
    """Return k and x - k π/2 in two parts; fused, the first difference is exact."""
    rounder = x.format.rounder
    k = x.times_plus(_INVERSE, rounder) - rounder
    first = k.fused(-_HALF_PI[0], x)
    if bits == 24:
        return k, k.fused(-_HALF_PI[1], first), x.lift(0.0)
    moved = product(k, x.lift(_HALF_PI[1]))
    left = difference(first, moved.high)
    low = k.times_plus(-_HALF_PI[2], left.low - moved.low)
    return k, *ordered_sum(left.high, low)


def _each_by_payne_hanek(x: Lanes) -> list[Lanes]:
    """Return the same for huge numbers, lane by lane."""
    block = x.block
    block.names.outlined["@adjoint.quarters"] = _payne_hanek()
    parts = [Lanes(block, "poison", x.kind)] * 3
    for lane in range(block.width):
        number = abs(x).part(lane, 1)
        found = number.block.write(
            f"call {{ double, double, double }} @adjoint.quarters({number.typed()})", x.kind
        )
        for i, part in enumerate(parts):
            one = number.block.write(
                f"extractvalue {{ double, double, double }} {found}, {i}", x.kind
            )
            parts[i] = part.with_lane(lane, one)
    k, high, low = parts
    left = Pair(high, low).times(constant(x, *_HALF_PI[:2]))
    left = ordered_sum(left.high, left.low)
    negative = x.compare("<", 0.0)
    return [negative.choose(-part, part) for part in (k, left.high, left.low)]
