"""Inverse trigonometric functions, by polynomials for arctan on [0, 1] and arcsin on [0, ½]."""

from __future__ import annotations

import math

from ..lanes import Lanes
from .form import in_double, native, outlined
from .polynomial import polynomial

# π minus its nearest float64.
_LOW_OF_PI = 1.2246467991473532e-16
# Coefficients for (arctan t - t) / t³ in t², on |t| ≤ 1.
_ARCTAN = {
    53: (  # relative error of arctan t 3.3e-18
        -0.3333333333333333,
        0.19999999999999554,
        -0.14285714285648404,
        0.11111111107234799,
        -0.09090908969557403,
        0.07692305354678655,
        -0.06666636435777692,
        0.05882074956371294,
        -0.05261265735709454,
        0.04752086773576656,
        -0.04308119655330471,
        0.03872640214042632,
        -0.033750132001619734,
        0.027567942297344678,
        -0.020238706986393514,
        0.012756172907694298,
        -0.006575683344151699,
        0.002622977891906089,
        -0.0007518472526973822,
        0.0001368724853148122,
        -1.1832505417555692e-05,
    ),
    24: (  # relative error of arctan t 4.3e-11
        -0.3333333332694414,
        0.19999998154086215,
        -0.14285624891483525,
        0.11109392308322223,
        -0.09073553118976409,
        0.0758665283364667,
        -0.06246315194128317,
        0.047294798621813336,
        -0.02991311194551696,
        0.014072923344697239,
        -0.0042216579909296476,
        0.0005930437556365282,
    ),
}
# Coefficients for (arcsin s - s) / s³ in s², on |s| ≤ ½.
_ARCSIN = {
    53: (  # relative error of arcsin s 3.8e-18
        0.16666666666666669,
        0.07499999999998425,
        0.04464285714637338,
        0.030381944137085216,
        0.022372173002005596,
        0.017352391265909227,
        0.013971235301124539,
        0.011478952690257387,
        0.010324318288744113,
        0.00545087818772055,
        0.017419357964884856,
        -0.014881409392818066,
        0.02877844261259304,
    ),
    24: (  # relative error of arcsin s 6.2e-11
        0.16666666686147094,
        0.07499992383419403,
        0.044647675217118564,
        0.030268919101073113,
        0.02361371422189475,
        0.01056694782140368,
        0.03098546039993495,
    ),
}


def _arctan_less(t: Lanes, bits: int) -> Lanes:
    """Return arctan t - t."""
    z = t * t
    return t * z * polynomial(z, _ARCTAN[bits])


def _sum(base: Lanes, low: Lanes, x: Lanes, rest: Lanes) -> Lanes:
    """Return base + x + rest + low, adding the rounding error of the first sum to the small terms.

    |base| ≥ |x|, unless base is 0.
    """
    whole = base + x
    lost = x - (whole - base)
    return whole + (lost + (rest + low))


@native
@outlined
@in_double
def arctan(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc tangent; for |x| > 1 it is π/2 minus that of 1/x; error below 2 ulp."""
    size = abs(x)
    large = size.compare(">", 1.0)
    t = large.choose(1.0 / size, size)
    rest = _arctan_less(t, bits)
    base, low = (large.choose(x.lift(pi / 2), 0.0) for pi in (math.pi, _LOW_OF_PI))
    angle = _sum(base, low, large.choose(-t, t), large.choose(-rest, rest))
    return x.block.call("copysign", angle, x)


@native
@outlined
@in_double
def arctan2(y: Lanes, x: Lanes, *, bits: int) -> Lanes:
    """Return the angle of the point (x, y); error below 2 ulp, subnormal results within 1."""
    tall, wide = abs(y), abs(x)
    is_steep = tall.compare(">", wide)
    short, long = is_steep.choose(wide, tall), is_steep.choose(tall, wide)
    # The quotient of two infinities counts as 1, that of two zeros as 0.
    t = short.compare("==", long).choose(x.lift(1.0), short / long)
    t = short.compare("==", 0.0).choose(short, t)
    rest = _arctan_less(t, bits)
    is_left = x.block.call("copysign", x.lift(1.0), x).compare("<", 0.0)
    base, low = (
        is_steep.choose(x.lift(pi / 2), is_left.choose(x.lift(pi), 0.0))
        for pi in (math.pi, _LOW_OF_PI)
    )
    back = is_steep ^ is_left
    angle = _sum(base, low, back.choose(-t, t), back.choose(-rest, rest))
    angle = x.block.call("copysign", angle, y)
    return (x.is_nan() | y.is_nan()).choose(x + y, angle)


def _arcsin_parts(x: Lanes, bits: int) -> tuple[Lanes, Lanes, Lanes]:
    """Return where |x| > ½, s = √((1 - |x|)/2) there and |x| elsewhere, and arcsin s - s."""
    size = abs(x)
    outer = size.compare(">", 0.5)
    z = outer.choose((1.0 - size) * 0.5, size * size)
    s = outer.choose(x.block.call("sqrt", z), size)
    return outer, s, s * z * polynomial(z, _ARCSIN[bits])


@native
@outlined
@in_double
def arcsin(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc sine; error below 1.5 ulp."""
    outer, s, rest = _arcsin_parts(x, bits)
    base, low = (outer.choose(x.lift(pi / 2), 0.0) for pi in (math.pi, _LOW_OF_PI))
    angle = _sum(base, low, outer.choose(s * -2.0, s), outer.choose(rest * -2.0, rest))
    return x.block.call("copysign", angle, x)


@native
@outlined
@in_double
def arccos(x: Lanes, *, bits: int) -> Lanes:
    """Return the arc cosine; error below 1.5 ulp."""
    outer, s, rest = _arcsin_parts(x, bits)
    negative = x.compare("<", 0.0)
    # For |x| ≤ ½ it is π/2 - arcsin x, for greater x 2 arcsin s, for smaller x π - 2 arcsin s.
    back = outer ^ negative ^ True
    s, rest = (outer.choose(part * 2.0, part) for part in (s, rest))
    s, rest = (back.choose(-part, part) for part in (s, rest))
    base, low = (
        outer.choose(negative.choose(x.lift(pi), 0.0), x.lift(pi / 2))
        for pi in (math.pi, _LOW_OF_PI)
    )
    return _sum(base, low, s, rest)
