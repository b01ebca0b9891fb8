"""Elementwise primitives act on every entry alone: their derivatives are one-variable calculus.

The convention at each kink stands in the card's docstring. Where nothing else is said it follows
PyTorch: the derivative if there is one, else the sub-gradient of least norm.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import constant, elementwise
from .products import strong_multiply

# --- arithmetic


@elementwise(
    partials=[1, 1],
    source="{x} + {y}",
    latex="{x} + {y}",
    numpy=[np.add],
)
def add(x: Any, y: Any) -> Any:
    """Return x + y."""
    return np.add(x, y)


@elementwise(
    partials=[1, -1],
    source="{x} - {y}",
    latex="{x} - {y}",
    numpy=[np.subtract],
)
def subtract(x: Any, y: Any) -> Any:
    """Return x - y."""
    return np.subtract(x, y)


@elementwise(
    partials=[lambda out, x, y: y, lambda out, x, y: x],
    strong=True,
    source="{x} * {y}",
    latex=r"{x} \odot {y}",
    numpy=[np.multiply],
)
def multiply(x: Any, y: Any) -> Any:
    """Return x * y, entry by entry."""
    return np.multiply(x, y)


@elementwise(
    partials=[lambda out, x, y: divide(1.0, y), lambda out, x, y: -divide(out, y)],
    strong=True,
    source="{x} / {y}",
    latex=r"\frac{{{x}}}{{{y}}}",
    numpy=[np.divide],
    domain=[(-2, 2), (0.5, 2)],
)
def divide(x: Any, y: Any) -> Any:
    """Return x / y, entry by entry."""
    return np.true_divide(x, y)


@elementwise(
    partials=[0, 0],
    source="{x} // {y}",
    latex=r"\left\lfloor \frac{{{x}}}{{{y}}} \right\rfloor",
    numpy=[np.floor_divide],
    domain=[(0.1, 0.9), (1.0, 2.0)],
)
def floor_divide(x: Any, y: Any) -> Any:
    """Return the largest integer not above x / y; its derivative is 0, at the jumps too."""
    return np.floor_divide(x, y)


@elementwise(
    partials=[1, lambda out, x, y: -floor_divide(x, y)],
    source="{x} % {y}",
    latex=r"{x} \bmod {y}",
    numpy=[np.remainder],
    domain=[(2.1, 2.9), (0.6, 0.7)],
)
def remainder(x: Any, y: Any) -> Any:
    """Return x - y⌊x / y⌋, with the sign of y; at the jumps the derivative of the right piece."""
    return np.remainder(x, y)


@elementwise(partials=[-1], source="-{x}", latex="-{x}", numpy=[np.negative])
def negative(x: Any) -> Any:
    """Return -x."""
    return np.negative(x)


@elementwise(partials=[1], source="+{x}", latex="{x}", numpy=[np.positive])
def positive(x: Any) -> Any:
    """Return x itself, as a new value."""
    return np.positive(x)


def _power_by_base(out: Any, x: Any, y: Any) -> Any:
    """y xʸ⁻¹, and 0 where y is 0 (0·0⁻¹ counts as 0)."""
    return strong_multiply(y, power(x, subtract(y, 1)))


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


# --- powers, exponentials and logarithms


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
    partials=[lambda y, x: y + 1],
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


# --- trigonometric and sigmoid functions


@elementwise(
    partials=[lambda y, x: cos(x)],
    source="np.sin({x})",
    latex=r"\sin {x}",
    numpy=[np.sin],
    method=True,
)
def sin(x: Any) -> Any:
    """Return the sine of x in radians."""
    return np.sin(x)


@elementwise(
    partials=[lambda y, x: -sin(x)],
    source="np.cos({x})",
    latex=r"\cos {x}",
    numpy=[np.cos],
    method=True,
)
def cos(x: Any) -> Any:
    """Return the cosine of x in radians."""
    return np.cos(x)


@elementwise(
    partials=[lambda y, x: 1 - y * y],
    source="np.tanh({x})",
    latex=r"\tanh {x}",
    numpy=[np.tanh],
    method=True,
)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return np.tanh(x)


@elementwise(
    partials=[lambda y, x: y * (1 - y)],
    source="sigmoid({x})",
    latex=r"\sigma\left({x}\right)",
    method=True,
)
def sigmoid(x: Any) -> Any:
    """Return the logistic function 1 / (1 + e⁻ˣ), without overflow for any x."""
    # Where e⁻ˣ overflows to infinity the quotient is the right 0, so only the warning is wrong.
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


@elementwise(
    partials=[lambda y, x: sigmoid(x)],
    source="np.logaddexp({x}, 0)",
    latex=r"\operatorname{{softplus}}\left({x}\right)",
    method=True,
)
def softplus(x: Any) -> Any:
    """Return log(1 + eˣ), without overflow for any x."""
    return np.logaddexp(x, 0)


# --- piecewise functions


@elementwise(
    partials=[lambda y, x: greater(x, 0)],
    strong=True,
    source="np.maximum({x}, 0)",
    latex=r"\operatorname{{relu}}\left({x}\right)",
    method=True,
    kinks=[0],
)
def relu(x: Any) -> Any:
    """Return max(x, 0); the derivative at 0 is 0."""
    return np.maximum(x, 0)


@elementwise(
    partials=[lambda y, x: sign(x)],
    strong=True,
    source="np.abs({x})",
    latex=r"\left|{x}\right|",
    numpy=[np.absolute],
    kinks=[0],
)
def absolute(x: Any) -> Any:
    """Return |x|; the derivative at 0 is 0."""
    return np.absolute(x)


@elementwise(
    partials=[0],
    source="np.sign({x})",
    latex=r"\operatorname{{sign}}\left({x}\right)",
    numpy=[np.sign],
    method=True,
    kinks=[0],
)
def sign(x: Any) -> Any:
    """Return -1, 0 or 1; the derivative is 0, at the jump too."""
    return np.sign(x)


def _share(wins: Any, ties: Any) -> Any:
    """1 where an argument wins, one half where it ties."""
    return where(ties, 0.5, wins)


@elementwise(
    partials=[
        lambda out, x, y: _share(greater(x, y), equal(x, y)),
        lambda out, x, y: _share(greater(y, x), equal(x, y)),
    ],
    strong=True,
    source="np.maximum({x}, {y})",
    latex=r"\max\left({x}, {y}\right)",
    numpy=[np.maximum],
)
def maximum(x: Any, y: Any) -> Any:
    """Return the greater of x and y; where they are equal each gets half of the gradient."""
    return np.maximum(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _share(less(x, y), equal(x, y)),
        lambda out, x, y: _share(less(y, x), equal(x, y)),
    ],
    strong=True,
    source="np.minimum({x}, {y})",
    latex=r"\min\left({x}, {y}\right)",
    numpy=[np.minimum],
)
def minimum(x: Any, y: Any) -> Any:
    """Return the smaller of x and y; where they are equal each gets half of the gradient."""
    return np.minimum(x, y)


def _inside(out: Any, x: Any, min: Any = None, max: Any = None) -> Any:
    """1 within the bounds, ends included."""
    above = greater_equal(x, -np.inf if min is None else min)
    return bitwise_and(above, less_equal(x, np.inf if max is None else max))


@elementwise(
    partials=[
        _inside,
        lambda out, x, min, max=None: less(x, min),
        lambda out, x, min, max: greater(x, max),
    ],
    strong=True,
    source="np.clip({args})",
    latex=r"\operatorname{{clip}}\left({args}\right)",
    kinks=[-0.5, 0.5],
    domain=[(-2, 2), (-0.5, -0.5), (0.5, 0.5)],
    method=True,
)
def clip(x: Any, min: Any = None, max: Any = None) -> Any:
    """Return x limited to [min, max]; on a bound the gradient is x's."""
    return np.clip(x, min, max)


@elementwise(
    partials=[
        0,
        lambda out, condition, x, y: not_equal(condition, 0),
        lambda out, condition, x, y: equal(condition, 0),
    ],
    strong=True,
    source="np.where({condition}, {x}, {y})",
    latex=r"\begin{{cases}} {x} & {condition} \\ {y} & \text{{otherwise}} \end{{cases}}",
    cases=[
        (np.array([True, False, True]), (3,), (3,), {}),
        (np.array([[True], [False]]), (2, 3), (), {}),
        (np.array(False), (2, 1), (3,), {}),
    ],
)
def where(condition: Any, x: Any, y: Any) -> Any:
    """Return ``x`` where ``condition`` holds and ``y`` elsewhere.

    The branch not taken gets gradient 0, also where its own derivative is infinite or undefined:
    ``where(x > 0, sqrt(x), 0)`` has gradient 0 at 0.
    """
    return np.where(condition, x, y)


# --- constants: comparisons and logic


@constant(source="{x} < {y}", latex="{x} < {y}", numpy=[np.less])
def less(x: Any, y: Any) -> Any:
    """Return where x < y."""
    return np.less(x, y)


@constant(source="{x} <= {y}", latex=r"{x} \le {y}", numpy=[np.less_equal])
def less_equal(x: Any, y: Any) -> Any:
    """Return where x ≤ y."""
    return np.less_equal(x, y)


@constant(source="{x} > {y}", latex="{x} > {y}", numpy=[np.greater])
def greater(x: Any, y: Any) -> Any:
    """Return where x > y."""
    return np.greater(x, y)


@constant(source="{x} >= {y}", latex=r"{x} \ge {y}", numpy=[np.greater_equal])
def greater_equal(x: Any, y: Any) -> Any:
    """Return where x ≥ y."""
    return np.greater_equal(x, y)


@constant(source="{x} == {y}", latex="{x} = {y}", numpy=[np.equal])
def equal(x: Any, y: Any) -> Any:
    """Return where x = y."""
    return np.equal(x, y)


@constant(source="{x} != {y}", latex=r"{x} \ne {y}", numpy=[np.not_equal])
def not_equal(x: Any, y: Any) -> Any:
    """Return where x ≠ y."""
    return np.not_equal(x, y)


_MASKS: list[tuple[Any, ...]] = [
    (np.array([True, True, False]), np.array([True, False, False]), {})
]


@constant(
    source="{x} & {y}",
    latex=r"{x} \land {y}",
    numpy=[np.bitwise_and],
    cases=_MASKS,
)
def bitwise_and(x: Any, y: Any) -> Any:
    """Return x & y, of booleans or the bits of integers."""
    return np.bitwise_and(x, y)


@constant(
    source="{x} | {y}",
    latex=r"{x} \lor {y}",
    numpy=[np.bitwise_or],
    cases=_MASKS,
)
def bitwise_or(x: Any, y: Any) -> Any:
    """Return x | y, of booleans or the bits of integers."""
    return np.bitwise_or(x, y)


@constant(
    source="{x} ^ {y}",
    latex=r"{x} \oplus {y}",
    numpy=[np.bitwise_xor],
    cases=_MASKS,
)
def bitwise_xor(x: Any, y: Any) -> Any:
    """Return x ^ y, of booleans or the bits of integers."""
    return np.bitwise_xor(x, y)


@constant(
    source="~{x}",
    latex=r"\lnot {x}",
    numpy=[np.invert],
    cases=[(np.array([True, False]), {}), (np.array([1, -2]), {})],
)
def invert(x: Any) -> Any:
    """Return ~x, of booleans or the bits of integers."""
    return np.invert(x)


@constant(source="np.logical_not({x})", latex=r"\lnot {x}", numpy=[np.logical_not])
def logical_not(x: Any) -> Any:
    """Return where x is zero or false."""
    return np.logical_not(x)
