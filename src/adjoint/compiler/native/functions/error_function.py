"""The error function and its kin, by one polynomial for e^(x²) erfc x on all x ≥ 0.

The product of that function and 1 + 2x is 1 at 0 and never far from 1. In t = (x - 4) / (x + 4),
which maps all x ≥ 0 to [-1, 1), it is smooth: Schonfelder, "Chebyshev expansions for the error and
related functions" (Mathematics of Computation 32, 1978).
"""

from __future__ import annotations

import math

from ..lanes import Lanes
from .exponential import exp_of_sum
from .form import in_double, native, outlined
from .logarithm import log, log1p
from .pairs import Pair, product
from .polynomial import polynomial

# Coefficients for erf(x) / x - 1 in x², on |x| ≤ 1.
_ERF = {
    53: (  # error 1.4e-19
        0.1283791670955126,
        -0.3761263890318375,
        0.11283791670954879,
        -0.026866170645076792,
        0.0052239776248180145,
        -0.000854832698083379,
        0.0001205533111164271,
        -1.4925595266831182e-05,
        1.6461000484121368e-06,
        -1.6350312701054695e-07,
        1.4659775274047436e-08,
        -1.1372848856791674e-09,
        5.957176147748911e-11,
    ),
    24: (  # error 3.4e-11
        0.12837916706154343,
        -0.3761263846802871,
        0.11283782495236845,
        -0.026865430727670243,
        0.005221031807858023,
        -0.0008484080405535107,
        0.00011265959025606609,
        -9.667044571486996e-06,
    ),
}
# Coefficients for ((1 + 2x) e^(x²) erfc x - 1) / (1 + t) in t.
_SCALED = {
    53: (  # error 4.8e-18
        0.2329951186255525,
        -0.37261623546611505,
        0.38799588756873504,
        -0.31989883331404073,
        0.21885976727772263,
        -0.12512693227940694,
        0.05879656646754635,
        -0.021629050929823597,
        0.005431316866888825,
        -0.0003993468888646037,
        -0.0003584263547296539,
        0.00015916965267928325,
        -8.54822659276381e-06,
        -1.5850959760706127e-05,
        4.629824094740221e-06,
        1.0799140900418071e-06,
        -7.881798343109097e-07,
        -3.7531849520716723e-08,
        1.1525128193158585e-07,
        -4.3677398862815475e-09,
        -1.6358062601900414e-08,
        1.149672502196198e-09,
        2.0827248423120055e-09,
        -1.0945006288439464e-10,
        -1.6696196048906315e-10,
    ),
    24: (  # error 6.2e-11
        0.2329951186255525,
        -0.3726162346266559,
        0.3879958871413122,
        -0.3198988646958128,
        0.21885978329801428,
        -0.12512659224373848,
        0.05879639176305626,
        -0.021630679576863727,
        0.005432163332165311,
        -0.00039532684468454664,
        -0.0003605574123342585,
        0.00015381706682304755,
        -5.607597678475442e-06,
        -1.2160262821911018e-05,
        2.4455530899228745e-06,
    ),
}


def _scaled(size: Lanes, bits: int) -> Lanes:
    """Return e^(x²) erfc x for x ≥ 0."""
    # Beyond 2⁶⁰ t rounds to 1 anyway; the limit avoids ∞/∞.
    near = size.at_most(2.0**60)
    inverse = 1.0 / (near + 4.0)
    t, above = (near - 4.0) * inverse, (near + near) * inverse
    return above.times_plus(polynomial(t, _SCALED[bits]), 1.0) * 0.5 / (size + 0.5)


def _square(size: Lanes) -> Pair:
    """Return x² in two parts; x is limited to 40, where e^(-x²) is 0 already."""
    near = size.at_most(40.0)
    return product(near, near)


def _tail(size: Lanes, bits: int) -> Lanes:
    """Return erfc x for x ≥ 0."""
    square = _square(size)
    return exp_of_sum(-square.high, -square.low) * _scaled(size, bits)


@native
@outlined
@in_double
def erf(x: Lanes, *, bits: int) -> Lanes:
    """Return the error function; error below 1.5 ulp."""
    size, z = abs(x), x * x
    far = x.block.call("copysign", 1.0 - _tail(size, bits), x)
    near = x.times_plus(polynomial(z, _ERF[bits]), x)
    return size.compare("<", 1.0).choose(near, far)


@native
@outlined
@in_double
def erfc(x: Lanes, *, bits: int) -> Lanes:
    """Return 1 - erf x; error below 5 ulp, subnormal results within 2."""
    tail = _tail(abs(x), bits)
    return x.compare("<", 0.0).choose(2.0 - tail, tail)


@native
@outlined
@in_double
def erfcx(x: Lanes, *, bits: int) -> Lanes:
    """Return e^(x²) erfc x; error below 4 ulp."""
    size = abs(x)
    scaled, square = _scaled(size, bits), _square(size)
    grown = exp_of_sum(square.high, square.low)
    return x.compare("<", 0.0).choose(grown + (grown - scaled), scaled)


def _lower_tail(size: Lanes, bits: int) -> Lanes:
    """Return the probability that a standard normal number is below -x, for x ≥ 0."""
    square = _square(size)
    halved = exp_of_sum(square.high * -0.5, square.low * -0.5)
    return halved * (_scaled(size * math.sqrt(0.5), bits) * 0.5)


@native
@outlined
@in_double
def ndtr(x: Lanes, *, bits: int) -> Lanes:
    """Return the normal distribution function; error below 5.5 ulp, subnormal results within 2."""
    tail = _lower_tail(abs(x), bits)
    return x.compare(">", 0.0).choose(1.0 - tail, tail)


@native
@outlined
@in_double
def log_ndtr(x: Lanes, *, bits: int) -> Lanes:
    """Return the logarithm of the normal distribution function; error below 6 ulp."""
    size = abs(x)
    left = log(_scaled(size * math.sqrt(0.5), bits) * 0.5) - size * size * 0.5
    tail = _lower_tail(size, bits)
    right = log1p(x.compare("<", 0.0).choose(tail - 1.0, -tail))
    return x.compare("<", -1.0).choose(left, right)
