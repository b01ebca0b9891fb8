"""Hyperbolic functions and their inverses."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import elementwise
from .arithmetic import divide
from .exponential import hypot, sqrt
from .piecewise import one_minus_square


@elementwise(
    partials=[lambda y, x: cosh(x)],
    strong=True,
    source="np.sinh({x})",
    latex=r"\sinh\left({x}\right)",
    numpy=[np.sinh],
    method=True,
)
def sinh(x: Any) -> Any:
    """Return the hyperbolic sine."""
    return np.sinh(x)


@elementwise(
    partials=[lambda y, x: sinh(x)],
    strong=True,
    source="np.cosh({x})",
    latex=r"\cosh\left({x}\right)",
    numpy=[np.cosh],
    method=True,
)
def cosh(x: Any) -> Any:
    """Return the hyperbolic cosine."""
    return np.cosh(x)


@elementwise(
    partials=[lambda y, x: 1 - y * y],
    strong=True,
    source="np.tanh({x})",
    latex=r"\tanh\left({x}\right)",
    numpy=[np.tanh],
    method=True,
)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return np.tanh(x)


@elementwise(
    # The hypotenuse is √(1 + x²) without the overflow of x².
    partials=[lambda y, x: divide(1.0, hypot(1.0, x))],
    strong=True,
    source="np.arcsinh({x})",
    latex=r"\operatorname{{arsinh}}\left({x}\right)",
    numpy=[np.arcsinh],
    method=True,
)
def arcsinh(x: Any) -> Any:
    """Return the inverse of the hyperbolic sine."""
    return np.arcsinh(x)


@elementwise(
    # Two roots instead of √(x² - 1): exact near 1, no overflow, and NaN below 1 as the value is.
    partials=[lambda y, x: divide(1.0, sqrt(x - 1) * sqrt(x + 1))],
    strong=True,
    source="np.arccosh({x})",
    latex=r"\operatorname{{arcosh}}\left({x}\right)",
    numpy=[np.arccosh],
    method=True,
    domain=[(1.2, 3)],
)
def arccosh(x: Any) -> Any:
    """Return the inverse of the hyperbolic cosine, x ≥ 1; its derivative at 1 is infinite."""
    return np.arccosh(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, one_minus_square(x))],
    strong=True,
    source="np.arctanh({x})",
    latex=r"\operatorname{{artanh}}\left({x}\right)",
    numpy=[np.arctanh],
    method=True,
    domain=[(-0.8, 0.8)],
)
def arctanh(x: Any) -> Any:
    """Return the inverse of the hyperbolic tangent, |x| ≤ 1; at ±1 both it and its slope are ∞."""
    return np.arctanh(x)
