"""Sine, cosine and tangent, of arguments of any size.

An argument is reduced to r = x - n π/2. As by Cody and Waite where n is small, with π/2 in three
parts; else as by Payne and Hanek ("Radian reduction for trigonometric functions", ACM SIGNUM 18,
1983): x is multiplied by all bits of 2/π, and whole turns of every partial product are dropped.
"""

from __future__ import annotations

from ..lanes import Lanes
from .form import in_double, outlined
from .pairs import Pair, constant, difference, product
from .polynomial import polynomial
from .turns import SCALE, pieces

_HALF_PI = (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33)
# Of (sin r / r - 1) / r² and (cos r - 1 + r²/2) / r⁴ in r², on |r| ≤ π/4.
_SINE = {
    53: (  # absolute error 1.3e-20
        -0.16666666666666666,
        0.008333333333333331,
        -0.0001984126984126457,
        2.755731921895673e-06,
        -2.5052106100926675e-08,
        1.605851097953535e-10,
        -7.58549250782124e-13,
    ),
    24: (  # 3.0e-11
        -0.16666666663624022,
        0.00833333178567173,
        -0.00019840039113012213,
        2.7243811975258105e-06,
    ),
}
_COSINE = {
    53: (  # 7.4e-22
        0.041666666666666664,
        -0.0013888888888888887,
        2.480158730158437e-05,
        -2.75573192211902e-07,
        2.0876755717957296e-09,
        -1.147044941240971e-11,
        4.745202155702359e-14,
    ),
    24: (  # 2.5e-12
        0.04166666666412821,
        -0.0013888887597706746,
        2.4800560630606344e-05,
        -2.7295856339546005e-07,
    ),
}
# Below it the number of quarter turns has so few bits that its product with the first part of π/2
# leaves an exact difference.
_LARGE = 2.0**20


def sin(x: Lanes) -> Lanes:
    """Return the sine; error below 1 ulp; NaN at ±∞."""
    return _sine(x, x.lift(0.0))


def cos(x: Lanes) -> Lanes:
    """Return the cosine; error below 1 ulp; NaN at ±∞."""
    return _sine(x, x.lift(1.0))


@outlined
@in_double
def _sine(x: Lanes, ahead: Lanes, *, bits: int) -> Lanes:
    """Return the sine of x and so many quarter turns more."""
    quarters, r = _reduce(x)
    sine, cosine = _both(r, bits)
    quarters = quarters + ahead
    is_odd = _bit(quarters, 0)
    size = is_odd.choose(cosine, sine)
    turned = _bit(quarters, 1).choose(-size, size)
    # A tiny x is its own sine, -0 too.
    is_own = abs(x).compare("<", 1e-10) & ahead.compare("==", 0.0)
    return is_own.choose(x, turned)


@outlined
@in_double
def tan(x: Lanes, *, bits: int) -> Lanes:
    """Return the tangent; error below 2.5 ulp; NaN at ±∞."""
    quarters, r = _reduce(x)
    sine, cosine = _both(r, bits)
    is_odd = _bit(quarters, 0)
    turned = is_odd.choose(-cosine, sine) / is_odd.choose(sine, cosine)
    return abs(x).compare("<", 1e-10).choose(x, turned)


def _bit(n: Lanes, place: int) -> Lanes:
    """Return whether a bit of a small whole number is set."""
    shifted = (n + n.format.rounder).convert("bitcast", n.format.integer)
    return (shifted & (1 << place)).compare("!=", 0)


def _both(r: Pair, bits: int) -> tuple[Lanes, Lanes]:
    """Return sine and cosine of |r| ≤ π/4."""
    x, low = r
    z = x * x
    sine = (z * x).times_plus(polynomial(z, _SINE[bits]), low.times_plus(z * -0.5, low)) + x
    half = z * 0.5
    near = 1.0 - half
    rest = ((1.0 - near) - half) - x * low
    return sine, near + (z * z).times_plus(polynomial(z, _COSINE[bits]), rest)


def _reduce(x: Lanes) -> tuple[Lanes, Pair]:
    """Return the nearest number of quarter turns, up to whole turns, and what is left."""
    is_large = abs(x).compare(">=", _LARGE)
    small = _of_small(x)

    def with_large() -> list[Lanes]:
        pairs = zip(_of_large(x), small, strict=True)
        return [is_large.choose(large, other) for large, other in pairs]

    quarters, high, low = x.block.either(is_large, with_large, lambda: small)
    return quarters, Pair(high, low)


def _of_small(x: Lanes) -> list[Lanes]:
    first, second, third = _HALF_PI
    rounder = x.format.rounder
    n = x.times_plus(1 / first, rounder) - rounder
    exact = n.fused(-first, x)
    correction = product(n, x.lift(second))
    r = difference(exact, correction.high)
    low = n.times_plus(-third, r.low - correction.low)
    high = r.high + low
    return [n, high, (r.high - high) + low]


def _of_large(x: Lanes) -> list[Lanes]:
    """Reduce by all bits of 2/π; ±∞ and NaN give NaN."""
    parts = _quarter_turns(x)
    rounder = x.format.rounder
    whole = (parts[0] + rounder) - rounder
    high = difference(parts[0], whole)
    left = difference(high.high, -parts[1])
    low = left.low + (high.low + parts[2])
    # At half a quarter turn the second part may decide; then r is a little above π/4.
    turned = Pair(left.high, low).times(constant(x, _HALF_PI[0], _HALF_PI[1]))
    result = turned.high + turned.low
    return [whole, result, (turned.high - result) + turned.low]


def _quarter_turns(x: Lanes) -> list[Lanes]:
    """Return x · 2/π less whole turns, as a sum of three numbers: a loop over the pieces of 2/π."""
    block = x.block
    top = (x.convert("bitcast", "i64") & -(1 << 27)).convert("bitcast", "f64")
    scaled = [top * SCALE, (x - top) * SCALE]
    sums = block.loop(pieces(), [x.lift(0.0)] * 3, lambda piece, sums: _added(scaled, piece, sums))
    # Whole turns of the sum, which is below some hundred.
    rounder = x.format.rounder
    turns = (sums[0] * 0.25 + rounder) - rounder
    return [turns.times_plus(-4.0, sums[0]), sums[1], sums[2]]


def _added(scaled: list[Lanes], piece: Lanes, sums: list[Lanes]) -> list[Lanes]:
    """Add the product with one piece of 2/π, exact and less whole turns, to a sum."""
    for part in scaled:
        term = part * piece
        whole = term.block.call("rint", term * 0.25)
        term = whole.times_plus(-4.0, term)
        for place, total in enumerate(sums[:2]):
            exact = difference(total, -term)
            sums = [*sums[:place], exact.high, *sums[place + 1 :]]
            term = exact.low
        sums = [*sums[:2], sums[2] + term]
    return sums
