"""Arithmetic: Python's operators on numbers, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Params
from ..core.facts import SMALL, Moves, of_difference, of_negative, of_product, of_sum
from ..core.kinds import elementwise, zeros_like
from ..core.registry import NUMPY, PRIMITIVES
from ..core.value import attach
from .rounding import rint


@elementwise(
    partials=[1, 1],
    source="{x} + {y}",
    latex="{x} + {y}",
    numpy=[np.add],
    bounds=of_sum,
    finite=True,
    commutes=True,
    cheap=True,
)
def add(x: Array, y: Array) -> Array:
    """Return x + y.

    >>> ad.add(np.array([1.0, 2.0]), 3.0)
    array([4., 5.])
    >>> float(ad.grad(lambda y: ad.add(np.array([1.0, 2.0]), y).sum())(3.0))  # y entered twice
    2.0
    """
    return np.add(x, y)


@elementwise(
    partials=[1, -1],
    source="{x} - {y}",
    latex="{x} - {y}",
    numpy=[np.subtract],
    bounds=of_difference,
    finite=True,
    cheap=True,
)
def subtract(x: Array, y: Array) -> Array:
    """Return x - y.

    >>> ad.subtract(np.array([1.0, 2.0]), 3.0)
    array([-2., -1.])
    >>> float(ad.grad(lambda y: ad.subtract(np.array([1.0, 2.0]), y).sum())(3.0))
    -2.0
    """
    return np.subtract(x, y)


@elementwise(
    partials=[lambda out, x, y: y, lambda out, x, y: x],
    strong=True,
    source="{x} * {y}",
    latex=r"{x} \odot {y}",
    numpy=[np.multiply],
    bounds=of_product,
    finite=True,
    commutes=True,
    cheap=True,
)
def multiply(x: Array, y: Array) -> Array:
    """Return x * y, entry by entry.

    >>> ad.multiply(np.array([1.0, 2.0]), 3.0)
    array([3., 6.])
    >>> ad.grad(lambda x: ad.multiply(x, x).sum())(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return np.multiply(x, y)


def _quotient_series(order: int, y: Any, args: Any, params: Params) -> Any:
    """Return a coefficient of x / y: that of x, less what those of lower orders make with y's."""
    (dividend, divisor), strong_product = args, PRIMITIVES["strong_multiply"]
    rest = dividend(order)
    for n in range(1, order + 1):
        part, lower = divisor(n), y(order - n)
        if part is not None and lower is not None:
            term = strong_product(part, lower)
            rest = -term if rest is None else rest - term
    return None if rest is None else strong_product(rest, divide(1.0, divisor(0)))


@elementwise(
    # By y it is -out / y rather than -x / y², whose square may over- or underflow.
    series=_quotient_series,
    partials=[lambda out, x, y: divide(1.0, y), lambda out, x, y: -divide(out, y)],
    strong=True,
    source="{x} / {y}",
    latex=r"\frac{{{x}}}{{{y}}}",
    numpy=[np.divide],
    domain=[(-2, 2), (0.5, 2)],
    finite=lambda x, y: y.least > SMALL,
)
def divide(x: Array, y: Array) -> Array:
    """Return x / y, entry by entry.

    >>> ad.divide(1.0, np.array([2.0, 4.0]))
    array([0.5 , 0.25])
    >>> ad.grad(lambda y: ad.divide(1.0, y).sum())(np.array([2.0, 4.0]))
    array([-0.25  , -0.0625])
    """
    return np.true_divide(x, y)


@elementwise(
    partials=[0, 0],
    source="{x} // {y}",
    latex=r"\left\lfloor \frac{{{x}}}{{{y}}} \right\rfloor",
    numpy=[np.floor_divide],
    domain=[(0.1, 0.9), (1.0, 2.0)],
)
def floor_divide(x: Array, y: Array) -> Array:
    """Return the largest integer not above x / y; its derivative is 0, at the jumps too.

    >>> ad.floor_divide(np.array([-7.0, 6.0, 7.0]), 2.0)
    array([-4.,  3.,  3.])
    >>> ad.grad(lambda x: ad.floor_divide(x, 2.0).sum())(np.array([-7.0, 6.0, 7.0]))
    array([0., 0., 0.])
    """
    return np.floor_divide(x, y)


@elementwise(
    partials=[1, lambda out, x, y: -floor_divide(x, y)],
    strong=True,
    source="{x} % {y}",
    latex=r"{x} \bmod {y}",
    numpy=[np.remainder],
    domain=[(2.1, 2.9), (0.6, 0.7)],
)
def remainder(x: Array, y: Array) -> Array:
    """Return x - y⌊x / y⌋, with the sign of y; at the jumps the derivative of the right piece.

    >>> ad.remainder(np.array([-7.0, 6.0, 7.0]), 4.0)
    array([1., 2., 3.])
    >>> ad.grad(lambda x, y: ad.remainder(x, y).sum(), (0, 1))(np.array([8.0]), np.array([4.0]))
    (array([1.]), array([-2.]))
    """
    return np.remainder(x, y)


@elementwise(
    partials=[-1],
    source="-{x}",
    latex="-{x}",
    numpy=[np.negative],
    bounds=of_negative,
    finite=True,
    cheap=True,
)
def negative(x: Array) -> Array:
    """Return -x.

    >>> ad.negative(np.array([1.0, -2.0]))
    array([-1.,  2.])
    """
    return np.negative(x)


@elementwise(
    partials=[1],
    source="+{x}",
    latex="{x}",
    numpy=[np.positive],
    moves=Moves(),
)
def positive(x: Array) -> Array:
    """Return x itself, as a new value.

    >>> x = ad.tensor([1.0, -2.0], requires_grad=True)
    >>> ad.positive(x) is x, ad.positive(x)
    (False, tensor([ 1., -2.], from=positive))
    """
    return np.positive(x)


@elementwise(
    # The quotient rounded towards zero. (x - out) / y is that integer but for rounding, so that the
    # nearest one is right; x / y may lie just below it, and be cut off to the one before.
    partials=[1, lambda out, x, y: -rint(divide(x - out, y))],
    strong=True,
    source="np.fmod({x}, {y})",
    latex=r"\operatorname{{fmod}}\left({x}, {y}\right)",
    numpy=[np.fmod],
    domain=[(-2.9, -2.1), (0.6, 0.7)],
)
def fmod(x: Array, y: Array) -> Array:
    """Return x - y trunc(x / y), with the sign of x; at the jumps x has derivative 1.

    >>> ad.fmod(np.array([-7.0, 7.0]), 4.0)
    array([-3.,  3.])
    >>> ad.grad(lambda x, y: ad.fmod(x, y).sum(), (0, 1))(np.array([8.0]), np.array([-4.0]))
    (array([1.]), array([2.]))
    """
    return np.fmod(x, y)


@elementwise(
    partials=[lambda y, x: -(y * y)],
    strong=True,
    source="np.reciprocal({x})",
    latex=r"\frac{{1}}{{{x}}}",
    numpy=[np.reciprocal],
    method=True,
    domain=[(0.5, 2)],
    finite=lambda x: x.least > SMALL,
)
def reciprocal(x: Array) -> Array:
    """Return 1 / x; its derivative at 0 is -∞.

    >>> ad.reciprocal(np.array([2.0, 4.0]))
    array([0.5 , 0.25])
    >>> ad.grad(lambda x: ad.reciprocal(x).sum())(np.array([2.0, 4.0]))
    array([-0.25  , -0.0625])
    """
    return np.reciprocal(x)


def mod(x: ArrayLike, y: ArrayLike) -> AnyArray:
    """Return x - y⌊x / y⌋; another name of `remainder`.

    >>> ad.mod(np.array([-7.0, 6.0, 7.0]), 4.0)
    array([1., 2., 3.])
    """
    return remainder(x, y)


def true_divide(x: ArrayLike, y: ArrayLike) -> AnyArray:
    """Return x / y; another name of `divide`.

    >>> ad.true_divide(np.array([1.0, 2.0]), 4.0)
    array([0.25, 0.5 ])
    """
    return divide(x, y)


def divmod(x: ArrayLike, y: ArrayLike) -> tuple[Any, Any]:
    """Return the pair ⌊x / y⌋ and x - y⌊x / y⌋.

    >>> ad.divmod(np.array([-7.0, 7.0]), 4.0)
    (array([-2.,  1.]), array([1., 3.]))
    """
    return floor_divide(x, y), remainder(x, y)


def conjugate(x: ArrayLike) -> AnyArray:
    """Return x: numbers are real here.

    >>> ad.conjugate(np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    return positive(x)


def real(x: ArrayLike) -> AnyArray:
    """Return x: numbers are real here.

    >>> ad.real(np.array([1.0, -2.0]))
    array([ 1., -2.])
    """
    return positive(x)


def imag(x: AnyArray) -> AnyArray:
    """Return zeros of x's shape: numbers are real here.

    >>> ad.imag(np.array([1.0, 2.0]))
    array([0., 0.])
    """
    return zeros_like(x)


def polynomial(coefficients: Sequence[float], x: AnyArray) -> AnyArray:
    """Return Σ cₖ xᵏ by Horner's scheme; the rules' series are written with it."""
    *rest, last = coefficients
    total: Any = last
    for coefficient in reversed(rest):
        total = total * x + coefficient
    return total


def _reflected_divmod(y: ArrayLike, x: ArrayLike) -> tuple[Any, Any]:
    return divmod(x, y)


NUMPY.update({np.divmod: divmod, np.conjugate: conjugate, np.real: real, np.imag: imag})
attach("__divmod__", divmod)
attach("__rdivmod__", _reflected_divmod)
attach("conj", conjugate)
attach("conjugate", conjugate)
COMPOSITES = (mod, true_divide, divmod, conjugate, real, imag)
