"""Exponentials, by Cody's and Waite's reduction and a polynomial.

The argument is x = n log 2 + r with an integer n and |r| ≤ log(2)/2. Then eˣ = 2ⁿ eʳ, where 2ⁿ is
made by writing n into the bits of a float, and eʳ by a polynomial, without a branch ("Software
manual for the elementary functions", 1980). Where the processor can look up lanes, `exp` and
`sigmoid` reduce further, see `power_table`.
"""

from __future__ import annotations

from ..lanes import Lanes
from .form import in_double, native
from .polynomial import polynomial
from .power_table import INDEX_BITS, SHORT_TERMS, halves_of_powers, has_table

# Coefficients for (2ʳ - 1) / r on |r| ≤ ½; the first is log 2.
_TERMS_OF_TWO = {
    53: (  # relative error of 2ʳ 1.2e-19
        0.6931471805599453,
        0.24022650695910072,
        0.055504108664821625,
        0.00961812910762848,
        0.001333355814640647,
        0.00015403530393370734,
        1.5252733841556773e-05,
        1.3215486808705563e-06,
        1.0178057087733941e-07,
        7.0548973041554995e-09,
        4.4558179083360645e-10,
        2.5729324177362305e-11,
    ),
    24: (  # relative error of 2ʳ 2.1e-12
        0.6931471805568324,
        0.24022650695888503,
        0.055504109063258665,
        0.00961812913523614,
        0.0013333478473685416,
        0.00015403475186530786,
        1.5303700711365693e-05,
        1.325080551750225e-06,
    ),
}


def _reduce(x: Lanes, parts: int = 1) -> tuple[Lanes, Lanes]:
    """Return r and the integer n with x = n log(2)/parts + r and |r| ≤ log(2)/parts/2.

    n log 2 is subtracted in two parts, the first of them exactly: r must be exact to the last bit
    of itself, not of x.
    """
    form = x.format
    shifted = x.times_plus(parts / 0.6931471805599453, form.rounder)
    n = shifted - form.rounder
    r = n.times_plus(-form.log2_low / parts, n.times_plus(-form.log2_high / parts, x))
    return r, shifted.convert("bitcast", form.integer) - form.bits(form.rounder)


def _halves_and_rest(x: Lanes, low: Lanes | None = None) -> tuple[Lanes, Lanes, Lanes]:
    """Return h, p and the integer n with e to the power x + low = 2ⁿ · 2h · (1 + p), for small p.

    2h is from 1 to 2, and 1 without a table.
    """
    if not has_table(x):
        r, n = _reduce(x)
        return x.lift(0.5), _exp_less_one(r if low is None else r + low), n
    r, index = _reduce(x, 2**INDEX_BITS)
    half, error = halves_of_powers(index, x.kind)
    r = r if low is None else r + low
    near = (r * r).times_plus(polynomial(r, SHORT_TERMS[x.kind]), r)
    return half, near + error, index >> INDEX_BITS


def power_of_two(n: Lanes, like: Lanes) -> Lanes:
    """Return 2ⁿ for integers n between the smallest and the greatest exponent."""
    form = like.format
    return ((n + form.bias) << form.mantissa).convert("bitcast", form.kind)


def _exp_less_one(r: Lanes) -> Lanes:
    """Return eʳ - 1 of a reduced argument."""
    return (r * r).times_plus(polynomial(r, r.format.exp_terms), r)


@native
def exp(x: Lanes) -> Lanes:
    """Return eˣ; error below 1.1 ulp, subnormal results within 1."""
    return exp_of_sum(x)


def exp_of_sum(x: Lanes, low: Lanes | None = None, *, less: int = 0) -> Lanes:
    """Return e to the power x + low, divided by 2 to the power ``less``; error below 1.1 ulp.

    2ⁿ is multiplied as two factors, each of which is a normal number. So the last product can
    overflow, or be rounded to a subnormal number, as it should.
    """
    form = x.format
    within = x.at_least(form.underflow).at_most(form.overflow + less)
    half, rest, n = _halves_and_rest(within, low)
    n = n - less if less else n
    first = n >> 1
    near = half.times_plus(rest, half) if has_table(x) else rest + 1.0
    first_power = power_of_two(first + 1 if has_table(x) else first, x)
    return near * first_power * power_of_two(n - first, x)


@native
@in_double
def exp2(x: Lanes, *, bits: int) -> Lanes:
    """Return 2ˣ; error below 1 ulp, subnormal results within 1."""
    return two_to(x.at_least(-1080.0).at_most(1030.0), None, bits=bits)


def two_to(x: Lanes, low: Lanes | None, *, bits: int) -> Lanes:
    """Return 2 to the power x + low, for |x| < 1200; error below 1 ulp, beside that of the sum."""
    form = x.format
    shifted = x + form.rounder
    r = x - (shifted - form.rounder)
    r = r if low is None else r + low
    n = shifted.convert("bitcast", form.integer) - form.bits(form.rounder)
    half = n >> 1
    first, *others = _TERMS_OF_TWO[bits]
    near = r.fused(first, 1.0)
    # The rounding error of that sum is exact, and is added with the smaller terms.
    lost = r.fused(first, 1.0 - near)
    near = near + (r * r).times_plus(polynomial(r, others), lost)
    return near * power_of_two(half, x) * power_of_two(n - half, x)


@native
def sigmoid(x: Lanes) -> Lanes:
    """Return 1 / (1 + e⁻ˣ); error below 2.5 ulp; 0 where e⁻ˣ overflows, as in `adjoint`.

    A tiny e⁻ˣ is lost when 1 is added, so subnormal values need no care and one factor 2ⁿ⁻¹ · 2 is
    enough: x is limited so that n - 1 stays within the exponents of normal numbers.
    """
    form = x.format
    # Limited before the minus sign, which LLVM can then make a part of the next instruction.
    half, rest, n = _halves_and_rest(-x.at_least(-form.overflow).at_most(0.98 * form.overflow))
    twice = rest.times_plus(2.0, 2.0)
    power = (n << form.mantissa) + half.convert("bitcast", form.integer)
    return 1.0 / twice.times_plus(power.convert("bitcast", form.kind), 1.0)


@native
@in_double
def expit(x: Lanes, *, bits: int) -> Lanes:
    """Return 1 / (1 + e⁻ˣ); error below 2.5 ulp, also where e⁻ˣ overflows."""
    small = exp(-abs(x))
    return x.compare("<", 0.0).choose(small, 1.0) / (small + 1.0)


@native
def expm1(x: Lanes) -> Lanes:
    """Return eˣ - 1; error below 2.5 ulp."""
    # A tiny x is returned as it is, so that -0 keeps its sign.
    clamped = x.at_least(-saturation(x)).at_most(x.format.overflow)
    return is_tiny(x).choose(x, expm1_in_range(clamped))


def expm1_in_range(x: Lanes) -> Lanes:
    """Return eˣ - 1 = 2 ((2ⁿ⁻¹ - ½) + 2ⁿ⁻¹ (eʳ - 1)), since 2ⁿ overflows for the greatest n."""
    r, n = _reduce(x)
    near = _exp_less_one(r)
    scale = power_of_two(n - 1, x)
    # For n = 0 half of a tiny eʳ - 1 might be subnormal and lose bits, so it is not halved.
    return n.compare("==", 0).choose(near, scale.times_plus(near, scale - 0.5) * 2.0)


def is_tiny(x: Lanes) -> Lanes:
    """Return where x is so small that 1 + x rounds to 1."""
    return abs(x).compare("<", 2.0 ** -(x.format.mantissa + 2))


def saturation(x: Lanes) -> float:
    """Return a number a for which e⁻ᵃ is lost when added to 1."""
    return 0.75 * (x.format.mantissa + 5)
