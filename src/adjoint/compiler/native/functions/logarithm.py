"""Logarithms, by a polynomial for 2 artanh s; small terms are added up before the greatest one.

The splitting follows Tang, "Table-driven implementation of the logarithm function in IEEE
floating-point arithmetic" (ACM TOMS 16, 1990), but there is no table: lanes cannot look up numbers
fast.
"""

from __future__ import annotations

from ..lanes import Lanes
from .exponential import is_tiny
from .form import in_double, native, outlined
from .pairs import Pair, constant, ordered_sum
from .polynomial import polynomial

# The series of log₂((1 + s) / (1 - s)) / s in s², on |s| ≤ (√2 - 1) / (√2 + 1): its first three
# terms in two parts each, and a polynomial for the sum of the others divided by s⁶.
_LEADING = (
    (2.8853900817779268, 4.0710547481862066e-17),
    (0.9617966939259756, 5.0577616648125907e-17),
    (0.5770780163555853, 5.2551030481378675e-17),
)
_TRAILING = (  # relative error of the logarithm 2.2e-23
    0.4121985831111324,
    0.3205988979753357,
    0.26230818924505744,
    0.22195308524170979,
    0.19235906919920853,
    0.169748243987665,
    0.151091406801491,
    0.15317861867270138,
)
# The same series as one polynomial, for float32.
_SHORT = (  # relative error of the logarithm 2.7e-14
    2.8853900817778504,
    0.9617966941126749,
    0.5770779425301307,
    0.4122092382250214,
    0.31990618475532295,
    0.2828943745715255,
)
_LOG10_OF_2 = (0.3010299956639812, -2.8037281277851704e-18)


def _split(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return k and f with x = 2ᵏ (1 + f), for normal x > 0, and 1 + f from √½ to √2."""
    form = x.format
    offset = form.bits(0.5**0.5)
    whole = x.convert("bitcast", form.integer)
    exponent = (whole - offset) >> form.mantissa
    f = (whole - (exponent << form.mantissa)).convert("bitcast", form.kind) - 1.0
    return _as_float(exponent, x), f


def _as_float(n: Lanes, like: Lanes) -> Lanes:
    """Return small integers as floats, see `Format.rounder`."""
    form = like.format
    shifted = (n + form.bits(form.rounder)).convert("bitcast", form.kind)
    return shifted - form.rounder


def log_of_sum(x: Lanes, low: Lanes | float) -> Lanes:
    """Return log x + low for normal x > 0, where |low| is at most an ulp of 1.

    x = 2ᵏ (1 + f) with 1 + f from √½ to √2, and s = f / (2 + f): log(1 + f) = 2 artanh s
    = f - s f + s³ P(s²), where s f = f²/2 - s f²/2 has its greatest part computed first.
    """
    form = x.format
    k, f = _split(x)
    s = f / (f + 2.0)
    z = s * s
    square = f * f * 0.5
    series = z * polynomial(z, form.log_terms)
    tail = s.times_plus(square + series, k.times_plus(form.log2_low, low))
    return k.times_plus(form.log2_high, f - (square - tail))


@native
def log(x: Lanes) -> Lanes:
    """Return the natural logarithm; error below 1 ulp; -∞ at 0, NaN below."""
    return at_the_ends(x, log_with_low(x, 0.0))


def log_with_low(x: Lanes, low: Lanes | float) -> Lanes:
    """Return log x + low as `log_of_sum` does, for subnormal x too."""
    form = x.format
    normal, steps = _normal(x)
    result = log_of_sum(normal, steps.times_plus(form.log2_low, low))
    return steps.times_plus(form.log2_high, result)


def _normal(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return n and k with x = 2ᵏ n, where n is normal even if x is not."""
    form = x.format
    tiny = x.compare("<", 2.0 ** (1 - form.bias))
    scale = 2.0 ** (form.mantissa + 2)
    steps = tiny.choose(x.lift(-(form.mantissa + 2.0)), 0.0)
    return tiny.choose(x * scale, x), steps


def at_the_ends(x: Lanes, result: Lanes) -> Lanes:
    """Give a logarithm its values at 0, below 0, at infinity and at NaN."""
    infinity = float("inf")
    result = x.compare("<", infinity).choose(result, x)
    result = x.compare("==", 0.0).choose(x.lift(-infinity), result)
    return x.compare("<", 0.0).choose(x.lift(float("nan")), result)


@native
def log1p(x: Lanes) -> Lanes:
    """Return log(1 + x); error below 1 ulp.

    u = 1 + x is rounded. Its rounding error divided by u is added to log u.
    """
    u = x + 1.0
    lost = x.compare("<", 1.0).choose(x - (u - 1.0), 1.0 - (u - x))
    result = log_of_sum(u, lost / u)
    return is_tiny(x).choose(x, at_the_ends(u, result))


def log2_short(x: Lanes) -> Lanes:
    """Return log₂ x of a normal x > 0 to about 45 bits; a float32 is always normal in float64."""
    k, f = _split(x)
    s = f / (f + 2.0)
    return s.times_plus(polynomial(s * s, _SHORT), k)


def log2_pair(x: Lanes) -> Pair:
    """Return log₂ x of a finite x > 0 to about 67 bits, in float64 only."""
    normal, steps = _normal(x)
    k, f = _split(normal)
    s = _quotient(f)
    z = s.times(s)
    zero = x.lift(0.0)
    series = Pair(z.high * polynomial(z.high, _TRAILING), zero)
    series = _plus(constant(x, *_LEADING[2]), series)
    for leading in _LEADING[1::-1]:
        series = _plus(constant(x, *leading), z.times(series))
    return _plus(Pair(k + steps, zero), s.times(series))


def _plus(greater: Pair, other: Pair) -> Pair:
    exact = ordered_sum(greater.high, other.high)
    return Pair(exact.high, exact.low + (greater.low + other.low))


def _quotient(f: Lanes) -> Pair:
    """Return f / (2 + f)."""
    divisor = ordered_sum(f.lift(2.0), f)
    inverse = 1.0 / divisor.high
    s = f * inverse
    rest = (-s).fused(divisor.low, (-s).fused(divisor.high, f))
    return Pair(s, rest * inverse)


@native
@outlined
@in_double
def log2(x: Lanes, *, bits: int) -> Lanes:
    """Return the logarithm to base 2; error below 0.51 ulp; exact at powers of two."""
    return at_the_ends(x, log2_short(x) if bits == 24 else log2_pair(x).rounded())


@native
@outlined
@in_double
def log10(x: Lanes, *, bits: int) -> Lanes:
    """Return the logarithm to base 10; error below 0.51 ulp; exact at powers of ten."""
    if bits == 24:
        return at_the_ends(x, log2_short(x) * _LOG10_OF_2[0])
    scaled = log2_pair(x).times(constant(x, *_LOG10_OF_2))
    return at_the_ends(x, scaled.rounded())
