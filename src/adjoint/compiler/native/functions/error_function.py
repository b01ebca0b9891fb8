"""The error function and its kin: integrals of the bell curve.

Beyond ½ they come from (1 + 2x) eˣ² erfc x, a smooth function of t = (x - k) / (x + k), k = 3.75,
as in Shepherd and Laframboise ("Chebyshev approximation of (1 + 2x) exp(x²) erfc x in 0 ≤ x < ∞",
Mathematics of Computation 36, 1981); the polynomials are ours.
"""

from __future__ import annotations

from ..lanes import Lanes
from .exponential import exp_of_sum
from .form import in_double, outlined
from .pairs import product
from .polynomial import polynomial

_TWO_OVER_ROOT_PI = 1.1283791670955126
_ROOT_HALF = 0.7071067811865476
_CENTRE = 3.75
# Of (erf x / x - 2/√π) / x² in x², on |x| ≤ ½.
_INNER = {
    53: (  # absolute error 3.9e-19
        -0.37612638903183754,
        0.112837916709551,
        -0.026866170645104014,
        0.0052239776243227015,
        -0.0008548326792781157,
        0.00012055306252594572,
        -1.4923827486228955e-05,
        1.6389390291205426e-06,
        -1.4786787853202602e-07,
    ),
    24: (  # 2.1e-10
        -0.37612638881850213,
        0.11283787403289618,
        -0.026864801062301026,
        0.005208533158008554,
        -0.000783112789657945,
    ),
}
# Of (1 + 2x) eˣ² erfc x in t, from x = ½ on.
_OUTER = {
    53: (  # absolute error 6.1e-20
        1.2375126308378275,
        -0.14024059858554702,
        0.003585415485463637,
        0.08227673849015107,
        -0.10880393014170385,
        0.09230432116019573,
        -0.05869339859064512,
        0.02836227742157896,
        -0.009746579546245289,
        0.0017556258315111228,
        0.00029371358326282863,
        -0.00029015397098254564,
        5.164946969852711e-05,
        2.2383862139601076e-05,
        -1.1445268408159027e-05,
        -9.72648525750176e-07,
        1.7539580456843095e-06,
        -5.880813758944593e-08,
        -2.619236021970227e-07,
        2.5270524374075265e-08,
        4.1654857979369824e-08,
        -5.509354466092233e-09,
        -6.786676625797269e-09,
        1.2805956224534885e-09,
        8.178572492520708e-10,
        -2.483687930846585e-10,
    ),
    24: (  # 5.7e-9
        1.2375126310208122,
        -0.14024067241574248,
        0.00358539095118352,
        0.082279052798647,
        -0.10880379176833038,
        0.09228360413866331,
        -0.05869071591051102,
        0.028440484517832022,
        -0.00976891824839882,
        0.0016184572702094796,
        0.0003502031694219342,
        -0.00018656399005585877,
    ),
}


def _inner(x: Lanes, bits: int) -> Lanes:
    """Return erf x for |x| ≤ ½."""
    z = x * x
    return x.times_plus(_TWO_OVER_ROOT_PI, x * (z * polynomial(z, _INNER[bits])))


def _scaled(size: Lanes, bits: int) -> Lanes:
    """Return eˣ² erfc x for x ≥ ½."""
    t = (size - _CENTRE) / (size + _CENTRE)
    # Of an infinite or very large x, t is 1.
    t = size.compare("<", 1e17).choose(t, 1.0)
    return (polynomial(t, _OUTER[bits]) * 0.5) / (size + 0.5)


def _outer(size: Lanes, bits: int) -> Lanes:
    """Return erfc x for x ≥ ½."""
    square = product(size, size)
    # Of what has underflowed by then nothing is left to be corrected.
    low = size.compare("<", 30.0).choose(-square.low, 0.0)
    return exp_of_sum(-square.high, low) * _scaled(size, bits)


@outlined
@in_double
def erf(x: Lanes, *, bits: int) -> Lanes:
    """Return the error function; error below 3 ulp."""
    size = abs(x)
    outer = x.block.call("copysign", 1.0 - _outer(size, bits), x)
    return size.compare(">", 0.5).choose(outer, _inner(x, bits))


@outlined
@in_double
def erfc(x: Lanes, *, bits: int) -> Lanes:
    """Return 1 - erf x; error below 7 ulp, subnormal results within 2."""
    size = abs(x)
    outer = _outer(size, bits)
    outer = x.compare("<", 0.0).choose(2.0 - outer, outer)
    return size.compare(">", 0.5).choose(outer, 1.0 - _inner(x, bits))


@outlined
@in_double
def erfcx(x: Lanes, *, bits: int) -> Lanes:
    """Return eˣ² erfc x; error below 6 ulp."""
    size = abs(x)
    scaled = _scaled(size, bits)
    square = product(size, size)
    low = size.compare("<", 30.0).choose(square.low, 0.0)
    grown = exp_of_sum(square.high, low)
    outer = x.compare("<", 0.0).choose(2.0 * grown - scaled, scaled)
    inner = grown * (1.0 - _inner(x, bits))
    return size.compare(">", 0.5).choose(outer, inner)


@outlined
@in_double
def ndtr(x: Lanes, *, bits: int) -> Lanes:
    """Return the normal distribution's share below x, erfc(-x/√2) / 2; error below 7 ulp."""
    size = abs(x) * _ROOT_HALF
    square = product(x, x)
    low = size.compare("<", 30.0).choose(square.low * -0.5, 0.0)
    tail = exp_of_sum(square.high * -0.5, low) * _scaled(size, bits) * 0.5
    outer = x.compare(">", 0.0).choose(1.0 - tail, tail)
    inner = 0.5 + 0.5 * _inner(x * _ROOT_HALF, bits)
    return size.compare(">", 0.5).choose(outer, inner)
