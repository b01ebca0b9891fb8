"""Powers, exponentials and logarithms, and the sigmoids made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.facts import REALS, SMALL, Interval, Range, of_square
from ..core.kinds import elementwise
from ..core.registry import NUMPY
from ..core.spec import Spec
from .arithmetic import divide
from .logic import bitwise_and, bitwise_or, equal, greater, greater_equal, less
from .piecewise import absolute, maximum, sign, where
from .products import strong_multiply
from .structural import astype


def _power_by_base(out: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    """y xʸ⁻¹, and 0 where y is 0 (0·0⁻¹ counts as 0)."""
    return strong_multiply(y, power(x, y - 1))


def _power_by_exponent(out: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    """xʸ log x, and 0 at x = 0 for y ≥ 0, where only the right limit for y > 0 exists."""
    at_zero = bitwise_and(equal(x, 0), greater_equal(y, 0))
    return strong_multiply(out, where(at_zero, 0.0, log(where(at_zero, 1.0, x))))


def _power_bounds(x: Range, y: Range) -> Interval:
    """An even power is not negative, nor is one of a positive number."""
    is_even = y.low == y.high and y.low % 2 == 0
    return (0.0, np.inf) if is_even or x.low > 0 else REALS


def _is_power_of_nan(out: Any, x: Any, y: Any) -> bool:
    """NaN to a power is NaN, but for the power 0."""
    return not isinstance(y, Spec) and bool(np.all(np.not_equal(y, 0)))


@elementwise(
    partials=[_power_by_base, _power_by_exponent],
    strong=True,
    source="{x} ** {y}",
    latex="{{{x}}}^{{{y}}}",
    numpy=[np.power],
    domain=[(0.5, 2), (-2, 2)],
    bounds=_power_bounds,
    finite=lambda x, y: y.low == y.high and y.low in (0, 1, 2, 3),
    passes_nan=_is_power_of_nan,
)
def power(x: Array, y: Array) -> Array:
    """Return x raised to y; at x = y = 0 both derivatives are 0.

    >>> ad.power(np.array([2.0, 3.0]), 2.0)
    array([4., 9.])
    >>> ad.grad(ad.power, (0, 1))(np.array([0.0]), np.array([0.0]))
    (array([0.]), array([0.]))
    """
    # The operator, unlike np.power, squares and takes roots directly; it needs an array to do so.
    return x**y if isinstance(x, (np.ndarray, np.generic)) else np.power(x, y)


@elementwise(
    partials=[lambda y, x: 2 * x],
    strong=True,
    source="np.square({x})",
    latex="{{{x}}}^{{2}}",
    numpy=[np.square],
    method=True,
    bounds=of_square,
    finite=True,
    cheap=True,
)
def square(x: Array) -> Array:
    """Return x².

    >>> ad.square(np.array([2.0, -3.0]))
    array([4., 9.])
    >>> ad.grad(lambda x: ad.square(x).sum())(np.array([2.0, -3.0]))
    array([ 4., -6.])
    """
    return np.square(x)


@elementwise(
    # From the value, which is at hand, rather than another root.
    partials=[lambda y, x: divide(0.5, y)],
    strong=True,
    source="np.sqrt({x})",
    latex=r"\sqrt{{{x}}}",
    numpy=[np.sqrt],
    method=True,
    domain=[(0.2, 3)],
    bounds=(0, np.inf),
    finite=lambda x: x.low >= 0,
)
def sqrt(x: Array) -> Array:
    """Return the square root; its derivative at 0 is infinite.

    >>> ad.sqrt(np.array([0.0, 4.0]))
    array([0., 2.])
    >>> ad.grad(lambda x: ad.sqrt(x).sum())(np.array([0.0, 4.0]))
    array([ inf, 0.25])
    """
    return np.sqrt(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, 3 * (y * y))],
    strong=True,
    source="np.cbrt({x})",
    latex=r"\sqrt[3]{{{x}}}",
    numpy=[np.cbrt],
    method=True,
    domain=[(-2, 2)],
    kinks=[0],
    finite=True,
)
def cbrt(x: Array) -> Array:
    """Return the cube root; its derivative at 0 is infinite.

    >>> ad.cbrt(np.array([-8.0, 0.0]))
    array([-2.,  0.])
    >>> ad.grad(lambda x: ad.cbrt(x).sum())(np.array([-8.0, 0.0]))
    array([0.08333333,        inf])
    """
    return np.cbrt(x)


def _cosine_by_leg(c: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    """sin²/length: from x/length it would come as a difference, 1/length - x²/length³."""
    sine = cosine(y, x)
    return strong_multiply(sine, strong_multiply(sine, divide(1.0, hypot(x, y))))


def _cosine_by_other(c: AnyArray, x: AnyArray, y: AnyArray) -> AnyArray:
    return -strong_multiply(cosine(y, x), strong_multiply(c, divide(1.0, hypot(x, y))))


def _cosine(x: Any, y: Any) -> Any:
    """Write the cosine as one of numbers over the greater, so that the length is in range."""
    greatest = maximum(absolute(x), absolute(y))
    scale = where(bitwise_and(greater(greatest, 0.0), less(greatest, np.inf)), greatest, 1.0)
    leg = divide(x, scale)
    length = hypot(leg, divide(y, scale))
    special = bitwise_or(equal(length, 0.0), equal(length, np.inf))
    limit = where(equal(absolute(leg), length), sign(leg), 0.0)
    return where(special, limit, divide(leg, length))


@elementwise(
    public=False,
    partials=[_cosine_by_leg, _cosine_by_other],
    expand=_cosine,
    strong=True,
    source="cosine({x}, {y})",
    latex=r"\frac{{{x}}}{{\sqrt{{ {{{x}}}^{{2}} + {{{y}}}^{{2}} }}}}",
    bounds=(-1, 1),
    passes_nan=False,
)
def cosine(x: Array, y: Array) -> Array:
    """Return x / √(x² + y²), the cosine of the angle of the point (x, y), whatever its size.

    At the origin it is 0, with derivatives 0; for an infinite x it is ±1, its limit.
    """
    length = np.hypot(x, y)
    if np.all((length >= np.finfo(length.dtype).tiny) & (length < np.inf)):
        return np.true_divide(x, length)
    dtype = length.dtype  # of numbers, `where` makes float64
    greatest = np.maximum(np.abs(x), np.abs(y))
    scale = np.where((greatest > 0) & (greatest < np.inf), greatest, 1)
    leg = x / scale
    length = np.hypot(leg, y / scale)
    special = (length == 0) | (length == np.inf)
    limit = np.where(np.abs(leg) == length, np.sign(leg), 0)
    return np.where(special, limit, leg / np.where(special, 1, length)).astype(dtype)[()]


@elementwise(
    partials=[lambda out, x, y: cosine(x, y), lambda out, x, y: cosine(y, x)],
    strong=True,
    source="np.hypot({x}, {y})",
    latex=r"\sqrt{{ {{{x}}}^{{2}} + {{{y}}}^{{2}} }}",
    numpy=[np.hypot],
    bounds=lambda x, y: (max(x.least, y.least), np.inf),
    finite=True,
    passes_nan=False,
)
def hypot(x: Array, y: Array) -> Array:
    """Return √(x² + y²) without overflow of the squares; at the origin both derivatives are 0.

    >>> ad.hypot(np.array([3.0, 0.0]), np.array([4.0, 0.0]))
    array([5., 0.])
    >>> ad.grad(lambda x: ad.hypot(x, np.array([4.0, 0.0])).sum())(np.array([3.0, 0.0]))
    array([0.6, 0. ])
    """
    return np.hypot(x, y)


def float_power(x: ArrayLike, y: ArrayLike) -> AnyArray:
    """Return x raised to y, both taken as float64.

    >>> ad.float_power(np.array([2, 3]), -1)
    array([0.5       , 0.33333333])
    """
    return power(astype(x, dtype=np.float64), astype(y, dtype=np.float64))


@elementwise(
    partials=[lambda y, x: y],
    strong=True,
    source="np.exp({x})",
    latex=r"e^{{{x}}}",
    numpy=[np.exp],
    method=True,
    bounds=(0, np.inf),
    finite=lambda x: x.high <= 0,
    saturates=True,
)
def exp(x: Array) -> Array:
    """Return eˣ.

    >>> ad.exp(np.array([0.0, 1.0]))
    array([1.        , 2.71828183])
    >>> ad.grad(lambda x: ad.exp(x).sum())(np.array([0.0, 1.0]))
    array([1.        , 2.71828183])
    """
    return np.exp(x)


@elementwise(
    # Not y + 1, which is 0 where y has rounded to -1.
    partials=[lambda y, x: exp(x)],
    strong=True,
    source="np.expm1({x})",
    latex=r"e^{{{x}}} - 1",
    numpy=[np.expm1],
    bounds=(-1, np.inf),
    finite=lambda x: x.high <= 0,
    saturates=True,
)
def expm1(x: Array) -> Array:
    """Return eˣ - 1, exact for small x.

    >>> ad.expm1(np.array([1e-12, 1.0]))
    array([1.00000000e-12, 1.71828183e+00])
    """
    return np.expm1(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, x)],
    strong=True,
    source="np.log({x})",
    latex=r"\log\left({x}\right)",
    numpy=[np.log],
    method=True,
    domain=[(0.2, 3)],
    finite=lambda x: x.low > SMALL,
)
def log(x: Array) -> Array:
    """Return the natural logarithm; its derivative at 0 is infinite.

    >>> ad.log(np.array([1.0, 2.0]))
    array([0.        , 0.69314718])
    >>> ad.grad(lambda x: ad.log(x).sum())(np.array([1.0, 2.0]))
    array([1. , 0.5])
    """
    return np.log(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, 1 + x)],
    strong=True,
    source="np.log1p({x})",
    latex=r"\log\left(1 + {x}\right)",
    numpy=[np.log1p],
    domain=[(-0.8, 2)],
    finite=lambda x: x.low >= 0,
)
def log1p(x: Array) -> Array:
    """Return log(1 + x), exact for small x.

    >>> ad.log1p(np.array([1e-12, 1.0]))
    array([1.00000000e-12, 6.93147181e-01])
    """
    return np.log1p(x)


@elementwise(
    # The slope is made of the value alone, which costs no second exponential: see
    # docs/explanation/edges.md.
    partials=[lambda y, x: y * (1 - y)],
    strong=True,
    source="sigmoid({x})",
    latex=r"\sigma\left({x}\right)",
    method=True,
    bounds=(0, 1),
    saturates=True,
    activation=True,
)
@np.errstate(over="ignore")  # where e⁻ˣ overflows, 1 / ∞ is the right 0, and no warning is due
def sigmoid(x: Array) -> Array:
    """Return the logistic function 1 / (1 + e⁻ˣ), without overflow for any x.

    Its slope y (1 - y) is 0 where y has rounded to 1, from x = 37 on in float64; `logistic` is the
    same function with a slope that is exact in both tails, at the price of another exponential.

    >>> ad.sigmoid(np.array([-800.0, 0.0, 40.0]))
    array([0. , 0.5, 1. ])
    >>> ad.grad(lambda x: ad.sigmoid(x).sum())(np.array([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 2.50000000e-01, 0.00000000e+00])
    """
    return np.reciprocal(1 + np.exp(-x))


@elementwise(
    partials=[lambda y, x: y * logistic(-x)],
    strong=True,
    source="sigmoid({x})",
    latex=r"\sigma\left({x}\right)",
    helpers=[sigmoid.forward],
    bounds=(0, 1),
    saturates=True,
)
def logistic(x: Array) -> Array:
    """Return 1 / (1 + e⁻ˣ) for every entry x; `sigmoid` with an exact slope in both tails.

    >>> ad.grad(lambda x: ad.logistic(x).sum())(np.array([-40.0, 0.0, 40.0]))
    array([4.24835426e-18, 2.50000000e-01, 4.24835426e-18])
    """
    return sigmoid.forward(x)


@elementwise(
    partials=[lambda y, x: logistic(x)],
    strong=True,
    source="np.logaddexp({x}, 0)",
    latex=r"\operatorname{{softplus}}\left({x}\right)",
    method=True,
    bounds=(0, np.inf),
    finite=True,
    saturates=True,
    activation=True,
)
def softplus(x: Array) -> Array:
    """Return log(1 + eˣ), without overflow for any x.

    >>> ad.softplus(np.array([-800.0, 0.0, 800.0]))
    array([0.00000000e+00, 6.93147181e-01, 8.00000000e+02])
    >>> ad.grad(lambda x: ad.softplus(x).sum())(np.array([-800.0, 0.0, 800.0]))
    array([0. , 0.5, 1. ])
    """
    return np.logaddexp(x, 0)


NUMPY[np.float_power] = float_power
COMPOSITES = (float_power,)
