"""The elementary functions as straight-line arithmetic on lanes, without a table or a branch.

Arguments are reduced as by Cody and Waite ("Software manual for the elementary functions", 1980)
and the logarithm's error is kept down as by Tang ("Table-driven implementation of the logarithm
function", ACM TOMS 16, 1990); the polynomials are ours. The greatest errors, in units in the last
place, are stated with each function and tested over the whole range.
"""

from __future__ import annotations

from collections.abc import Sequence

from .lanes import Lanes


def _polynomial(x: Lanes, terms: Sequence[float]) -> Lanes:
    """Return Σ termsₖ xᵏ by Estrin's scheme: pairs side by side, half the latency of Horner's."""
    parts: list[Lanes | float] = list(terms)
    power = x
    while len(parts) > 1:
        paired: list[Lanes | float] = [
            power.times_plus(high, low) for low, high in zip(parts[::2], parts[1::2], strict=False)
        ]
        parts = paired + parts[len(paired) * 2 :]
        if len(parts) > 1:
            power = power * power
    return x.lift(parts[0])


def _reduce(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return r and the integer n, as an integer, with x = n log 2 + r and |r| ≤ log(2)/2."""
    form = x.format
    shifted = x.times_plus(1 / 0.6931471805599453, form.rounder)
    n = shifted - form.rounder
    r = n.times_plus(-form.log2_low, n.times_plus(-form.log2_high, x))
    return r, shifted.convert("bitcast", form.integer) - form.bits(form.rounder)


def _power_of_two(n: Lanes, like: Lanes) -> Lanes:
    """Return 2ⁿ for integers n between the smallest and the greatest exponent."""
    form = like.format
    return ((n + form.bias) << form.mantissa).convert("bitcast", form.kind)


def _exp_less_one(r: Lanes) -> Lanes:
    """Return eʳ - 1 of a reduced argument."""
    return (r * r).times_plus(_polynomial(r, r.format.exp_terms), r)


def exp(x: Lanes) -> Lanes:
    """Return eˣ; error below 1 ulp, subnormal results within 1.

    Two factors 2ⁿ, each within the exponents, so that the result may overflow or be subnormal.
    """
    form = x.format
    r, n = _reduce(x.at_least(form.underflow).at_most(form.overflow))
    half = n >> 1
    near = _exp_less_one(r) + 1.0
    return near * _power_of_two(half, x) * _power_of_two(n - half, x)


def sigmoid(x: Lanes) -> Lanes:
    """Return 1 / (1 + e⁻ˣ); error below 2.5 ulp; 0 where e⁻ˣ overflows, as in `adjoint`.

    Of e⁻ˣ a tiny value is of no importance, which saves a factor: n is kept above the exponents'
    lower end, and 2ⁿ⁻¹ · 2 serves at the upper one.
    """
    form = x.format
    # Clamped before it is negated, which then is part of other instructions.
    r, n = _reduce(-x.at_least(-form.overflow).at_most(0.98 * form.overflow))
    twice = _exp_less_one(r).times_plus(2.0, 2.0)
    return 1.0 / twice.times_plus(_power_of_two(n - 1, x), 1.0)


def expm1(x: Lanes) -> Lanes:
    """Return eˣ - 1; error below 2 ulp."""
    # A tiny x is its own result; only so -0 keeps its sign.
    return _is_tiny(x).choose(x, _expm1(x.at_least(-_saturation(x)).at_most(x.format.overflow)))


def _expm1(x: Lanes) -> Lanes:
    """Return eˣ - 1 = 2 ((2ⁿ⁻¹ - ½) + 2ⁿ⁻¹ (eʳ - 1)); the halves keep the greatest n in range."""
    r, n = _reduce(x)
    near = _exp_less_one(r)
    scale = _power_of_two(n - 1, x)
    # Halving a tiny eʳ - 1 might lose its last bits, so n = 0 is apart.
    return n.compare("==", 0).choose(near, scale.times_plus(near, scale - 0.5) * 2.0)


def _is_tiny(x: Lanes) -> Lanes:
    """Return where x is so small that 1 + x rounds to 1."""
    return abs(x).compare("<", 2.0 ** -(x.format.mantissa + 2))


def _saturation(x: Lanes) -> float:
    """Return a number a for which e⁻ᵃ is lost when added to 1."""
    return 0.75 * (x.format.mantissa + 5)


def tanh(x: Lanes) -> Lanes:
    """Return the hyperbolic tangent, (e²ᵃ - 1) / (e²ᵃ + 1) of a = |x|; error below 3 ulp."""
    grown = _expm1((abs(x) * 2.0).at_most(_saturation(x)))
    return x.block.call("copysign", grown / (grown + 2.0), x)


def _log(x: Lanes, low: Lanes | float) -> Lanes:
    """Return log x + low for normal x > 0 and a low of at most an ulp of x's, relative to 1.

    x = 2ᵏ (1 + f) with 1 + f from √½ to √2, and s = f / (2 + f): log(1 + f) = 2 artanh s
    = f - s f + s³ P(s²), where s f = f²/2 - s f²/2 has its greatest part computed first.
    """
    form = x.format
    offset = form.bits(0.5**0.5)
    whole = x.convert("bitcast", form.integer)
    exponent = (whole - offset) >> form.mantissa
    f = (whole - (exponent << form.mantissa)).convert("bitcast", form.kind) - 1.0
    k = _as_float(exponent, x)
    s = f / (f + 2.0)
    z = s * s
    square = f * f * 0.5
    series = z * _polynomial(z, form.log_terms)
    tail = s.times_plus(square + series, k.times_plus(form.log2_low, low))
    return k.times_plus(form.log2_high, f - (square - tail))


def _as_float(n: Lanes, like: Lanes) -> Lanes:
    """Return small integers as floats; there is no such instruction before AVX-512."""
    form = like.format
    shifted = (n + form.bits(form.rounder)).convert("bitcast", form.kind)
    return shifted - form.rounder


def log(x: Lanes) -> Lanes:
    """Return the natural logarithm; error below 1 ulp; -∞ at 0, NaN below."""
    form = x.format
    tiny = x.compare("<", 2.0 ** (1 - form.bias))
    scale = 2.0 ** (form.mantissa + 2)
    steps = tiny.choose(x.lift(-(form.mantissa + 2.0)), 0.0)
    normal = tiny.choose(x * scale, x)
    result = steps.times_plus(form.log2_high, _log(normal, steps * form.log2_low))
    return _at_the_ends(x, result)


def _at_the_ends(x: Lanes, result: Lanes) -> Lanes:
    """Give a logarithm its values at 0, below 0, at infinity and at NaN."""
    infinity = float("inf")
    result = x.compare("<", infinity).choose(result, x)
    result = x.compare("==", 0.0).choose(x.lift(-infinity), result)
    return x.compare("<", 0.0).choose(x.lift(float("nan")), result)


def log1p(x: Lanes) -> Lanes:
    """Return log(1 + x); error below 1 ulp.

    u = 1 + x is rounded; what it lost, divided by u, is added to log u.
    """
    u = x + 1.0
    lost = x.compare("<", 1.0).choose(x - (u - 1.0), 1.0 - (u - x))
    result = _log(u, lost / u)
    return _is_tiny(x).choose(x, _at_the_ends(u, result))


def softplus(x: Lanes) -> Lanes:
    """Return log(1 + eˣ) = max(x, 0) + log(1 + e^-|x|); error below 2 ulp."""
    positive = x.compare("<", 0.0).choose(x.lift(0.0), x)
    return positive + log1p(exp(-abs(x)))
