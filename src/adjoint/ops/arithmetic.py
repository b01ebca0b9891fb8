"""Arithmetic: Python's operators on numbers, entry by entry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core import NUMPY, Operand, attach
from ..facts import SMALL, Moves, of_difference, of_negative, of_product, of_sum
from ..kinds import elementwise, zeros_like
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
def add(x: Any, y: Any) -> Any:
    """Return x + y."""
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
def subtract(x: Any, y: Any) -> Any:
    """Return x - y."""
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
    finite=lambda x, y: y.least > SMALL,
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
    strong=True,
    source="{x} % {y}",
    latex=r"{x} \bmod {y}",
    numpy=[np.remainder],
    domain=[(2.1, 2.9), (0.6, 0.7)],
)
def remainder(x: Any, y: Any) -> Any:
    """Return x - y⌊x / y⌋, with the sign of y; at the jumps the derivative of the right piece."""
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
def negative(x: Any) -> Any:
    """Return -x."""
    return np.negative(x)


@elementwise(
    partials=[1],
    source="+{x}",
    latex="{x}",
    numpy=[np.positive],
    moves=Moves(),
)
def positive(x: Any) -> Any:
    """Return x itself, as a new value."""
    return np.positive(x)


@elementwise(
    # The quotient towards zero; (x - out)/y is an integer up to rounding, x / y may be just below.
    partials=[1, lambda out, x, y: -rint(divide(x - out, y))],
    strong=True,
    source="np.fmod({x}, {y})",
    latex=r"\operatorname{{fmod}}\left({x}, {y}\right)",
    numpy=[np.fmod],
    domain=[(-2.9, -2.1), (0.6, 0.7)],
)
def fmod(x: Any, y: Any) -> Any:
    """Return x - y trunc(x / y), with the sign of x; at the jumps x has derivative 1."""
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
def reciprocal(x: Any) -> Any:
    """Return 1 / x; its derivative at 0 is -∞."""
    return np.reciprocal(x)


def mod(x: Operand, y: Operand) -> Any:
    """Return x - y⌊x / y⌋; another name of `remainder`."""
    return remainder(x, y)


def true_divide(x: Operand, y: Operand) -> Any:
    """Return x / y; another name of `divide`."""
    return divide(x, y)


def divmod(x: Operand, y: Operand) -> tuple[Any, Any]:
    """Return the pair ⌊x / y⌋ and x - y⌊x / y⌋."""
    return floor_divide(x, y), remainder(x, y)


def conjugate(x: Operand) -> Any:
    """Return x: numbers are real here."""
    return positive(x)


def real(x: Operand) -> Any:
    """Return x: numbers are real here."""
    return positive(x)


def imag(x: Operand) -> Any:
    """Return zeros of x's shape: numbers are real here."""
    return zeros_like(x)


def polynomial(coefficients: Sequence[float], x: Any) -> Any:
    """Return Σ cₖ xᵏ by Horner's scheme; the rules' series are written with it."""
    *rest, total = coefficients
    for coefficient in reversed(rest):
        total = total * x + coefficient
    return total


def _reflected_divmod(y: Operand, x: Operand) -> tuple[Any, Any]:
    return divmod(x, y)


NUMPY.update({np.divmod: divmod, np.conjugate: conjugate, np.real: real, np.imag: imag})
attach("__divmod__", divmod)
attach("__rdivmod__", _reflected_divmod)
attach("conj", conjugate)
attach("conjugate", conjugate)
COMPOSITES = (mod, true_divide, divmod, conjugate, real, imag)
