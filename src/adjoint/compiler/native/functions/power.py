"""Powers and roots: x to y, the cube root and the hypotenuse."""

from __future__ import annotations

from ..lanes import Lanes
from .exponential import power_of_two, two_to
from .form import in_double, native, outlined
from .logarithm import log2_pair, log2_short
from .pairs import Pair, product
from .polynomial import polynomial

_INFINITY = float("inf")
# Coefficients for m^(-1/3) in m - 1.5, on 1 ≤ m ≤ 2: relative error 5.4e-5.
_INVERSE_ROOT = (
    0.8735804647362989,
    -0.19381393953422774,
    0.08609217536712237,
    -0.049665048580938426,
    0.02778280101858424,
)


@native
@outlined
@in_double
def power(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return xʸ; error below 1 ulp, subnormal results within 1; the special cases are C's."""
    size = abs(x)
    exponent = _exponent(size, y, bits)
    # No finite part of the product of a number whose logarithm is infinite, or of an overflow.
    limited = exponent.high.at_least(-1100.0).at_most(1100.0)
    is_inside = limited.compare("==", exponent.high)
    low = is_inside.choose(exponent.low, 0.0)
    return _with_sign(x, y, two_to(limited, low, bits=bits))


def _exponent(size: Lanes, y: Lanes, bits: int) -> Pair:
    """Return y log₂ |x|."""
    zero = size.lift(0.0)
    finite = Pair(log2_short(size), zero) if bits == 24 else log2_pair(size)
    end = size.compare("==", 0.0).choose(size.lift(-_INFINITY), size)
    is_end = end.compare("==", size) & size.compare("<", _INFINITY)
    high = is_end.choose(finite.high, end)
    exact = product(y, high)
    low = y.times_plus(finite.low, exact.low)
    # 1 to an infinite power is 1.
    is_one = size.compare("==", 1.0)
    return Pair(is_one.choose(zero, exact.high), is_one.choose(zero, low))


def _with_sign(x: Lanes, y: Lanes, result: Lanes) -> Lanes:
    """Give the power of |x| its sign, or make it NaN where it has no value."""
    block = x.block
    half = y * 0.5
    is_whole = y.compare("==", block.call("floor", y))
    is_odd = is_whole & half.compare("!=", block.call("floor", half))
    result = is_odd.choose(block.call("copysign", result, x), result)
    has_root = x.compare("<", 0.0) & abs(x).compare("<", _INFINITY) & (is_whole ^ True)
    result = has_root.choose(x.lift(float("nan")), result)
    result = (x.is_nan() | y.is_nan()).choose(x + y, result)
    return (x.compare("==", 1.0) | y.compare("==", 0.0)).choose(x.lift(1.0), result)


@native
@outlined
@in_double
def hypot(x: Lanes, y: Lanes, *, bits: int) -> Lanes:
    """Return √(x² + y²); error below 1 ulp, subnormal results within 1; ∞ if either is."""
    x, y = abs(x), abs(y)
    swap = x.compare("<", y)
    long, short = swap.choose(y, x), swap.choose(x, y)
    if bits == 24:
        result = _root_of_squares(long, short)
    else:
        scale, inverse = _scale_of(long)
        result = _root_of_squares(long * inverse, short * inverse) * scale
    is_infinite = x.compare("==", _INFINITY) | y.compare("==", _INFINITY)
    return is_infinite.choose(x.lift(_INFINITY), result)


def _root_of_squares(long: Lanes, short: Lanes) -> Lanes:
    return long.block.call("sqrt", long.fused(long, short * short))


def _scale_of(x: Lanes) -> tuple[Lanes, Lanes]:
    """Return a power of two near x > 0, and one over it."""
    form = x.format
    field = x.convert("bitcast", form.integer) >> form.mantissa
    top = 2 * form.bias - 1
    field = field.at_least(1).at_most(top)
    inverse = (-field + (top + 1)) << form.mantissa
    return (field << form.mantissa).convert("bitcast", form.kind), inverse.convert(
        "bitcast", form.kind
    )


@native
@outlined
@in_double
def cbrt(x: Lanes, *, bits: int) -> Lanes:
    """Return the cube root; error below 0.51 ulp.

    x = 8ᵏ m with 1 ≤ m < 8. Two steps of Newton's method give r ≈ m^(-1/3), without a division. The
    root m r² is then improved by one step, in which the error of its cube is computed exactly.
    """
    form, size = x.format, abs(x)
    tiny = size.compare("<", 2.0 ** (1 - form.bias))
    whole = tiny.choose(size * 2.0**54, size).convert("bitcast", form.integer)
    exponent = (whole >> form.mantissa) - form.bias
    one = (whole - (exponent << form.mantissa)).convert("bitcast", form.kind)
    third, left = _thirds(exponent)
    m = one * power_of_two(left, x)
    r = polynomial(one - 1.5, _INVERSE_ROOT) * _inverse_root_of_two_to(left, x)
    for _ in range(2):
        r = r.times_plus((m * r).times_plus(-(r * r), 1.0) * (1 / 3), r)
    root = m * r * r
    square = product(root, root)
    excess = root.fused(square.high, -m) + root * square.low
    root = (excess * (r * r)).times_plus(-1 / 3, root)
    result = root * power_of_two(tiny.choose(third - 18, third), x)
    usual = size.compare("<", _INFINITY) & size.compare(">", 0.0)
    return x.block.call("copysign", usual.choose(result, size), x)


def _thirds(n: Lanes) -> tuple[Lanes, Lanes]:
    """Return a third of an exponent, rounded down, and what is left: 0, 1 or 2."""
    # 21846/65536 exceeds ⅓ by so little that the product rounds down to n // 3 for all exponents.
    third = (((n + 1200) * 21846) >> 16) - 400
    return third, n - third * 3


def _inverse_root_of_two_to(left: Lanes, like: Lanes) -> Lanes:
    """Return 2^(-left/3)."""
    two = left.compare("==", 2).choose(like.lift(2.0 ** (-2 / 3)), 2.0 ** (-1 / 3))
    return left.compare("==", 0).choose(like.lift(1.0), two)
