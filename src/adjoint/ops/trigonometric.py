"""Trigonometric functions, of angles in radians, and their inverses."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..kinds import elementwise
from .arithmetic import divide, polynomial
from .exponential import hypot, sqrt
from .logic import bitwise_or, equal, less
from .piecewise import absolute, one_minus_square, where


@elementwise(
    partials=[lambda y, x: cos(x)],
    strong=True,
    source="np.sin({x})",
    latex=r"\sin\left({x}\right)",
    numpy=[np.sin],
    method=True,
)
def sin(x: Any) -> Any:
    """Return the sine of x in radians."""
    return np.sin(x)


@elementwise(
    partials=[lambda y, x: -sin(x)],
    strong=True,
    source="np.cos({x})",
    latex=r"\cos\left({x}\right)",
    numpy=[np.cos],
    method=True,
)
def cos(x: Any) -> Any:
    """Return the cosine of x in radians."""
    return np.cos(x)


@elementwise(
    partials=[lambda y, x: 1 + y * y],
    strong=True,
    source="np.tan({x})",
    latex=r"\tan\left({x}\right)",
    numpy=[np.tan],
    method=True,
    domain=[(-1.2, 1.2)],
)
def tan(x: Any) -> Any:
    """Return the tangent of x in radians."""
    return np.tan(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, sqrt(one_minus_square(x)))],
    strong=True,
    source="np.arcsin({x})",
    latex=r"\arcsin\left({x}\right)",
    numpy=[np.arcsin],
    method=True,
    domain=[(-0.8, 0.8)],
)
def arcsin(x: Any) -> Any:
    """Return the angle in [-π/2, π/2] whose sine is x; its derivative at ±1 is infinite."""
    return np.arcsin(x)


@elementwise(
    partials=[lambda y, x: divide(-1.0, sqrt(one_minus_square(x)))],
    strong=True,
    source="np.arccos({x})",
    latex=r"\arccos\left({x}\right)",
    numpy=[np.arccos],
    method=True,
    domain=[(-0.8, 0.8)],
)
def arccos(x: Any) -> Any:
    """Return the angle in [0, π] whose cosine is x; its derivative at ±1 is -∞."""
    return np.arccos(x)


def _arctan_slope(y: Any, x: Any) -> Any:
    """1/(1 + x²), without the overflow of squares, which would zero the second derivative too."""
    radius = hypot(1.0, x)
    return divide(divide(1.0, radius), radius)


@elementwise(
    partials=[_arctan_slope],
    strong=True,
    source="np.arctan({x})",
    latex=r"\arctan\left({x}\right)",
    numpy=[np.arctan],
    method=True,
)
def arctan(x: Any) -> Any:
    """Return the angle in [-π/2, π/2] whose tangent is x."""
    return np.arctan(x)


def _over_square(leg: Any, y: Any, x: Any) -> Any:
    """leg / (x² + y²), without overflow or underflow of the squares; 0 at the origin and at ∞.

    It is at most 1 over the radius, so it vanishes at infinity in whatever direction.
    """
    radius = hypot(y, x)
    undefined = bitwise_or(equal(radius, 0), equal(radius, np.inf))
    return where(undefined, 0.0, divide(divide(leg, radius), radius))


@elementwise(
    partials=[
        lambda angle, y, x: _over_square(x, y, x),
        lambda angle, y, x: -_over_square(y, y, x),
    ],
    strong=True,
    source="np.arctan2({y}, {x})",
    latex=r"\operatorname{{arctan2}}\left({y}, {x}\right)",
    numpy=[np.arctan2],
    domain=[(-2, 2), (0.3, 2)],
)
def arctan2(y: Any, x: Any) -> Any:
    """Return the angle of the point (x, y), in [-π, π]; at the origin both derivatives are 0."""
    return np.arctan2(y, x)


# sin(u)/u = Σ (-1)ᵏ u²ᵏ/(2k+1)!, so its derivative by u over u has these coefficients in u²;
# for |u| < 1 the first one left out is below 1e-18.
_SINC_SLOPE = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 11)]


def _sinc_slope(y: Any, x: Any) -> Any:
    """(cos πx - sinc x)/x, and its Taylor series near 0, where that cancels."""
    angle = np.pi * x
    near_zero = angle * polynomial(_SINC_SLOPE, angle * angle)
    return np.pi * where(less(absolute(angle), 1), near_zero, divide(cos(angle) - y, angle))


@elementwise(
    partials=[_sinc_slope],
    strong=True,
    source="np.sinc({x})",
    latex=r"\operatorname{{sinc}}\left({x}\right)",
    numpy=[np.sinc],
    method=True,
)
def sinc(x: Any) -> Any:
    """Return sin(πx)/(πx), which is 1 at 0; smooth there, to all orders."""
    return np.sinc(x)


@elementwise(
    partials=[lambda y, x: math.pi / 180],
    source="np.deg2rad({x})",
    latex=r"\frac{{\pi}}{{180}} \cdot {x}",
    numpy=[np.deg2rad, np.radians],
    method=True,
)
def deg2rad(x: Any) -> Any:
    """Return an angle given in degrees in radians."""
    return np.deg2rad(x)


@elementwise(
    partials=[lambda y, x: 180 / math.pi],
    source="np.rad2deg({x})",
    latex=r"\frac{{180}}{{\pi}} \cdot {x}",
    numpy=[np.rad2deg, np.degrees],
    method=True,
)
def rad2deg(x: Any) -> Any:
    """Return an angle given in radians in degrees."""
    return np.rad2deg(x)


def radians(x: Any) -> Any:
    """Return an angle given in degrees in radians; another name of `deg2rad`."""
    return deg2rad(x)


def degrees(x: Any) -> Any:
    """Return an angle given in radians in degrees; another name of `rad2deg`."""
    return rad2deg(x)


COMPOSITES = (radians, degrees)
