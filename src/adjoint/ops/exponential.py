"""Powers, exponentials and logarithms, and the sigmoids made of them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import NUMPY, Operand
from ..kinds import elementwise
from .arithmetic import divide
from .logic import bitwise_and, bitwise_or, equal, greater, greater_equal, less
from .piecewise import absolute, maximum, sign, where
from .products import strong_multiply
from .structural import astype


def _power_by_base(out: Any, x: Any, y: Any) -> Any:
    """y xʸ⁻¹, and 0 where y is 0 (0·0⁻¹ counts as 0)."""
    return strong_multiply(y, power(x, y - 1))


def _power_by_exponent(out: Any, x: Any, y: Any) -> Any:
    """xʸ log x, and 0 at x = 0 for y ≥ 0, where only the right limit for y > 0 exists."""
    at_zero = bitwise_and(equal(x, 0), greater_equal(y, 0))
    return strong_multiply(out, where(at_zero, 0.0, log(where(at_zero, 1.0, x))))


@elementwise(
    partials=[_power_by_base, _power_by_exponent],
    strong=True,
    source="{x} ** {y}",
    latex="{x}^{{{y}}}",
    numpy=[np.power],
    domain=[(0.5, 2), (-2, 2)],
)
def power(x: Any, y: Any) -> Any:
    """Return x raised to y; at x = y = 0 both derivatives are 0."""
    # The operator, unlike np.power, squares and takes roots directly; it needs an array to do so.
    return x**y if isinstance(x, (np.ndarray, np.generic)) else np.power(x, y)


@elementwise(
    partials=[lambda y, x: 2 * x],
    strong=True,
    source="np.square({x})",
    latex="{x}^2",
    numpy=[np.square],
    method=True,
)
def square(x: Any) -> Any:
    """Return x²."""
    return np.square(x)


@elementwise(
    partials=[lambda y, x: divide(0.5, y)],
    strong=True,
    source="np.sqrt({x})",
    latex=r"\sqrt{{{x}}}",
    numpy=[np.sqrt],
    method=True,
    domain=[(0.2, 3)],
)
def sqrt(x: Any) -> Any:
    """Return the square root; its derivative at 0 is infinite."""
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
)
def cbrt(x: Any) -> Any:
    """Return the cube root; its derivative at 0 is infinite."""
    return np.cbrt(x)


def _cosine_by_leg(c: Any, x: Any, y: Any) -> Any:
    """sin²/length: from x/length it would come as a difference, 1/length - x²/length³."""
    sine = cosine(y, x)
    return strong_multiply(sine, strong_multiply(sine, divide(1.0, hypot(x, y))))


def _cosine_by_other(c: Any, x: Any, y: Any) -> Any:
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
    partials=[_cosine_by_leg, _cosine_by_other],
    expand=_cosine,
    strong=True,
    source="cosine({x}, {y})",
    latex=r"\frac{{{x}}}{{\sqrt{{{x}^2 + {y}^2}}}}",
)
def cosine(x: Any, y: Any) -> Any:
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
    latex=r"\sqrt{{{x}^2 + {y}^2}}",
    numpy=[np.hypot],
)
def hypot(x: Any, y: Any) -> Any:
    """Return √(x² + y²) without overflow of the squares; at the origin both derivatives are 0."""
    return np.hypot(x, y)


def float_power(x: Operand, y: Operand) -> Any:
    """Return x raised to y, both taken as float64."""
    return power(astype(x, dtype=np.float64), astype(y, dtype=np.float64))


@elementwise(
    partials=[lambda y, x: y],
    strong=True,
    source="np.exp({x})",
    latex=r"e^{{{x}}}",
    numpy=[np.exp],
    method=True,
)
def exp(x: Any) -> Any:
    """Return eˣ."""
    return np.exp(x)


@elementwise(
    # Not y + 1, which is 0 where y has rounded to -1.
    partials=[lambda y, x: exp(x)],
    strong=True,
    source="np.expm1({x})",
    latex=r"e^{{{x}}} - 1",
    numpy=[np.expm1],
)
def expm1(x: Any) -> Any:
    """Return eˣ - 1, exact for small x."""
    return np.expm1(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, x)],
    strong=True,
    source="np.log({x})",
    latex=r"\log {x}",
    numpy=[np.log],
    method=True,
    domain=[(0.2, 3)],
)
def log(x: Any) -> Any:
    """Return the natural logarithm; its derivative at 0 is infinite."""
    return np.log(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, 1 + x)],
    strong=True,
    source="np.log1p({x})",
    latex=r"\log\left(1 + {x}\right)",
    numpy=[np.log1p],
    domain=[(-0.8, 2)],
)
def log1p(x: Any) -> Any:
    """Return log(1 + x), exact for small x."""
    return np.log1p(x)


@elementwise(
    # Made of the value alone, the slope takes no other exponential; see docs/edges.md.
    partials=[lambda y, x: y * (1 - y)],
    strong=True,
    source="sigmoid({x})",
    latex=r"\sigma\left({x}\right)",
    method=True,
)
def sigmoid(x: Any) -> Any:
    """Return the logistic function 1 / (1 + e⁻ˣ), without overflow for any x.

    Its slope y (1 - y) is 0 where y has rounded to 1, from x = 37 on in float64; `logistic` is the
    same function with a slope that is exact in both tails, at the price of another exponential.
    """
    # Where e⁻ˣ overflows to infinity the quotient is the right 0, so only the warning is wrong.
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@elementwise(
    partials=[lambda y, x: y * logistic(-x)],
    strong=True,
    source="sigmoid({x})",
    latex=r"\sigma\left({x}\right)",
    helpers=[sigmoid.forward],
)
def logistic(x: Any) -> Any:
    """Return 1 / (1 + e⁻ˣ); `sigmoid` with an exact slope in both tails."""
    return sigmoid.forward(x)


@elementwise(
    partials=[lambda y, x: logistic(x)],
    strong=True,
    source="np.logaddexp({x}, 0)",
    latex=r"\operatorname{{softplus}}\left({x}\right)",
    method=True,
)
def softplus(x: Any) -> Any:
    """Return log(1 + eˣ), without overflow for any x."""
    return np.logaddexp(x, 0)


NUMPY[np.float_power] = float_power
COMPOSITES = (float_power,)
