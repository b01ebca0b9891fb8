"""Trigonometric functions, by the rest of an angle after its quarter turns."""

from __future__ import annotations

import math
from typing import NamedTuple

from ..lanes import Lanes
from .form import in_double, native, outlined
from .polynomial import polynomial
from .quarters import quarters

# Coefficients for (sin r - r) / r³ in r², on |r| ≤ π/4.
_SIN = {
    53: (  # relative error of sin r 8e-21
        -0.16666666666666666,
        0.008333333333333331,
        -0.00019841269841265063,
        2.7557319219337312e-06,
        -2.5052106231802837e-08,
        1.6058531516797758e-10,
        -7.586691094197958e-13,
    ),
    24: (  # relative error of sin r 2e-11
        -0.16666666663854168,
        0.008333331874273714,
        -0.000198400864995936,
        2.7249895230611676e-06,
    ),
}
# Coefficients for (cos r - 1 + r²/2) / r⁴ in r², on |r| ≤ π/4.
_COS = {
    53: (  # relative error of cos r 7e-19
        0.041666666666666664,
        -0.0013888888888887398,
        2.480158729876456e-05,
        -2.7557317271145144e-07,
        2.087614614655861e-09,
        -1.1382623647474604e-11,
    ),
    24: (  # relative error of cos r 1.3e-12
        0.041666666664320264,
        -0.0013888887671652504,
        2.480060018036381e-05,
        -2.7300933687212943e-07,
    ),
}


class _Turned(NamedTuple):
    """The quarter turns of an angle, and the sine and cosine of the rest."""

    turns: Lanes
    sine: Lanes
    cosine: Lanes

    def is_odd(self) -> Lanes:
        return (self.turns & 1).compare("!=", 0)

    def signed(self, x: Lanes, turns: Lanes) -> Lanes:
        """Return x, negated where bit 1 of the quarter turns is set, after a half turn."""
        sign = (turns & 2) << 62
        return (x.convert("bitcast", "i64") ^ sign).convert("bitcast", "f64")


def _turned(x: Lanes, bits: int) -> _Turned:
    turns, (r, low) = quarters(x, bits=bits)
    z = r * r
    half = z * 0.5
    whole = 1.0 - half
    # The rounding error of ``whole`` and the effect of the low part of r are added last.
    lost = (1.0 - whole) - half
    cosine = whole + (z * z).times_plus(polynomial(z, _COS[bits]), (-r).times_plus(low, lost))
    sine = r + (r * z).times_plus(polynomial(z, _SIN[bits]), low * cosine)
    return _Turned(turns, sine, cosine)


def _is_its_own_sine(x: Lanes) -> Lanes:
    """Return where x is so small that sin x = tan x = x in float64; -0 then keeps its sign."""
    return abs(x).compare("<", 2.0**-27)


@native
@outlined
@in_double
def sin(x: Lanes, *, bits: int) -> Lanes:
    """Return the sine; error below 1 ulp, for angles of all sizes."""
    turned = _turned(x, bits)
    result = turned.signed(turned.is_odd().choose(turned.cosine, turned.sine), turned.turns)
    return _is_its_own_sine(x).choose(x, result)


@native
@outlined
@in_double
def cos(x: Lanes, *, bits: int) -> Lanes:
    """Return the cosine; error below 1 ulp, for angles of all sizes."""
    turned = _turned(x, bits)
    chosen = turned.is_odd().choose(turned.sine, turned.cosine)
    return turned.signed(chosen, turned.turns + 1)


@native
@outlined
@in_double
def tan(x: Lanes, *, bits: int) -> Lanes:
    """Return the tangent; error below 2.5 ulp, for angles of all sizes."""
    turned = _turned(x, bits)
    odd = turned.is_odd()
    over = odd.choose(-turned.cosine, turned.sine)
    result = over / odd.choose(turned.sine, turned.cosine)
    return _is_its_own_sine(x).choose(x, result)


@native
def sinc(x: Lanes) -> Lanes:
    """Return sin(πx)/(πx), of the rounded πx as in NumPy; error for that below 2 ulp; 1 at 0."""
    angle = x * math.pi
    at_zero = x.compare("==", 0.0)
    return at_zero.choose(x.lift(1.0), sin(angle) / angle)


@native
@outlined
@in_double
def cosm1(x: Lanes, *, bits: int) -> Lanes:
    """Return cos x - 1 = -2 sin²(x/2); error below 3 ulp."""
    sine = sin(x * 0.5)
    # The zero has SciPy's sign.
    return sine * sine * -2.0 + 0.0
