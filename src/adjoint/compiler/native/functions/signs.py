"""Signs, steps and choices: a few instructions of the processor each."""

from __future__ import annotations

from ..lanes import Lanes
from .form import native


@native
def copysign(x: Lanes, y: Lanes) -> Lanes:
    """Return |x| with the sign of y."""
    return x.block.call("copysign", x, y)


@native
def signbit(x: Lanes) -> Lanes:
    """Return where x is negative, -0 and -NaN included."""
    return x.convert("bitcast", x.format.integer).compare("<", 0)


@native
def heaviside(x: Lanes, y: Lanes) -> Lanes:
    """Return 0 for x < 0, y at x = 0, 1 for x > 0, NaN at NaN."""
    at_zero = x.compare("==", 0.0).choose(y, x)
    step = x.compare(">", 0.0).choose(x.lift(1.0), at_zero)
    return x.compare("<", 0.0).choose(x.lift(0.0), step)


@native
def fmax(x: Lanes, y: Lanes) -> Lanes:
    """Return the greater of x and y, or the one that is not NaN."""
    return (x.compare(">=", y) | y.is_nan()).choose(x, y)


@native
def fmin(x: Lanes, y: Lanes) -> Lanes:
    """Return the smaller of x and y, or the one that is not NaN."""
    return (x.compare("<=", y) | y.is_nan()).choose(x, y)


@native
def ldexp(x: Lanes, n: Lanes) -> Lanes:
    """Return x · 2ⁿ, rounded once.

    n is added to the exponent in the bits. A subnormal result is first made too large by 2ᵐ, and
    rounded by the product with 2⁻ᵐ.
    """
    form = x.format
    m = form.mantissa + 2
    size = abs(x)
    tiny = size.compare("<", 2.0 ** (1 - form.bias))
    whole = tiny.choose(size * 2.0**m, size).convert("bitcast", form.integer)
    field = whole >> form.mantissa
    digits = whole - (field << form.mantissa)
    far = 4 * form.bias
    n = n.at_least(-far).at_most(far)
    n = n if n.kind == form.integer else n.convert(_resize(n.kind), form.integer)
    field = field + tiny.choose(n - m, n)
    below = field.compare("<", 1)
    shifted = below.choose(field + m, field)
    result = (digits + (shifted << form.mantissa)).convert("bitcast", form.kind)
    result = below.choose(result * 2.0**-m, result)
    result = shifted.compare("<", 1).choose(x.lift(0.0), result)
    result = field.compare(">", 2 * form.bias).choose(x.lift(float("inf")), result)
    moves = size.compare("<", float("inf")) & size.compare(">", 0.0)
    return x.block.call("copysign", moves.choose(result, size), x)


def _resize(kind: str) -> str:
    return "trunc" if kind == "i64" else "sext"
