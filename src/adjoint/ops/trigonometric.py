"""Trigonometric functions, of angles in radians, and their inverses."""

from __future__ import annotations

import math

import numpy as np

from ..core.annotations import AnyArray, Array
from ..core.kinds import elementwise
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
    bounds=(-1, 1),
)
def sin(x: Array) -> Array:
    """Return the sine of x in radians.

    >>> ad.sin(np.array([0.0, np.pi / 6]))
    array([0. , 0.5])
    >>> ad.grad(lambda x: ad.sin(x).sum())(np.array([0.0, np.pi / 3]))
    array([1. , 0.5])
    """
    return np.sin(x)


@elementwise(
    partials=[lambda y, x: -sin(x)],
    strong=True,
    source="np.cos({x})",
    latex=r"\cos\left({x}\right)",
    numpy=[np.cos],
    method=True,
    bounds=(-1, 1),
)
def cos(x: Array) -> Array:
    """Return the cosine of x in radians.

    >>> ad.cos(np.array([0.0, np.pi / 3]))
    array([1. , 0.5])
    """
    return np.cos(x)


@elementwise(
    # 1 / cos² x, from the value, which is at hand.
    partials=[lambda y, x: 1 + y * y],
    strong=True,
    source="np.tan({x})",
    latex=r"\tan\left({x}\right)",
    numpy=[np.tan],
    method=True,
    domain=[(-1.2, 1.2)],
)
def tan(x: Array) -> Array:
    """Return the tangent of x in radians.

    >>> ad.tan(np.array([0.0, np.pi / 4]))
    array([0., 1.])
    >>> ad.grad(lambda x: ad.tan(x).sum())(np.array([0.0, np.pi / 4]))
    array([1., 2.])
    """
    return np.tan(x)


@elementwise(
    partials=[lambda y, x: divide(1.0, sqrt(one_minus_square(x)))],
    strong=True,
    source="np.arcsin({x})",
    latex=r"\arcsin\left({x}\right)",
    numpy=[np.arcsin],
    method=True,
    domain=[(-0.8, 0.8)],
    bounds=(-math.pi / 2, math.pi / 2),
    finite=False,
)
def arcsin(x: Array) -> Array:
    """Return the angle in [-π/2, π/2] whose sine is x; its derivative at ±1 is infinite.

    >>> ad.arcsin(np.array([0.0, 1.0]))
    array([0.        , 1.57079633])
    >>> ad.grad(lambda x: ad.arcsin(x).sum())(np.array([0.0, 1.0]))
    array([ 1., inf])
    """
    return np.arcsin(x)


@elementwise(
    partials=[lambda y, x: divide(-1.0, sqrt(one_minus_square(x)))],
    strong=True,
    source="np.arccos({x})",
    latex=r"\arccos\left({x}\right)",
    numpy=[np.arccos],
    method=True,
    domain=[(-0.8, 0.8)],
    bounds=(0, math.pi),
    finite=False,
)
def arccos(x: Array) -> Array:
    """Return the angle in [0, π] whose cosine is x; its derivative at ±1 is -∞.

    >>> ad.arccos(np.array([0.0, 1.0]))
    array([1.57079633, 0.        ])
    >>> ad.grad(lambda x: ad.arccos(x).sum())(np.array([0.0, 1.0]))
    array([ -1., -inf])
    """
    return np.arccos(x)


def _arctan_slope(y: AnyArray, x: AnyArray) -> AnyArray:
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
    bounds=(-math.pi / 2, math.pi / 2),
    saturates=True,
)
def arctan(x: Array) -> Array:
    """Return the angle in [-π/2, π/2] whose tangent is x.

    >>> ad.arctan(np.array([0.0, 1.0, np.inf]))
    array([0.        , 0.78539816, 1.57079633])
    >>> ad.grad(lambda x: ad.arctan(x).sum())(np.array([0.0, 1.0, 1e200]))
    array([1. , 0.5, 0. ])
    """
    return np.arctan(x)


def _over_square(leg: AnyArray, y: AnyArray, x: AnyArray) -> AnyArray:
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
    bounds=(-math.pi, math.pi),
)
def arctan2(y: Array, x: Array) -> Array:
    """Return the angle of the point (x, y), in [-π, π]; at the origin both derivatives are 0.

    >>> ad.arctan2(np.array([1.0, 0.0]), np.array([0.0, 0.0]))
    array([1.57079633, 0.        ])
    >>> ad.grad(lambda y: ad.arctan2(y, np.array([2.0, 0.0])).sum())(np.array([0.0, 0.0]))
    array([0.5, 0. ])
    """
    return np.arctan2(y, x)


# sin(u)/u = Σ (-1)ᵏ u²ᵏ/(2k+1)!, so its derivative by u over u has these coefficients in u²;
# for |u| < 1 the first one left out is below 1e-18.
_SINC_SLOPE = [(-1) ** k * 2 * k / math.factorial(2 * k + 1) for k in range(1, 11)]


def _sinc_slope(y: AnyArray, x: AnyArray) -> AnyArray:
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
    bounds=(-0.21724, 1),
)
def sinc(x: Array) -> Array:
    """Return sin(πx)/(πx), which is 1 at 0; smooth there, to all orders.

    >>> ad.sinc(np.array([0.0, 0.5]))
    array([1.        , 0.63661977])
    >>> round(float(ad.grad(ad.grad(ad.sinc))(0.0)), 6)  # -π² / 3
    -3.289868
    """
    return np.sinc(x)


@elementwise(
    partials=[lambda y, x: math.pi / 180],
    source="np.deg2rad({x})",
    latex=r"\frac{{\pi}}{{180}} \cdot {x}",
    numpy=[np.deg2rad, np.radians],
    method=True,
    finite=True,
)
def deg2rad(x: Array) -> Array:
    """Return an angle given in degrees in radians.

    >>> ad.deg2rad(np.array([0.0, 180.0]))
    array([0.        , 3.14159265])
    """
    return np.deg2rad(x)


@elementwise(
    partials=[lambda y, x: 180 / math.pi],
    source="np.rad2deg({x})",
    latex=r"\frac{{180}}{{\pi}} \cdot {x}",
    numpy=[np.rad2deg, np.degrees],
    method=True,
    finite=True,
)
def rad2deg(x: Array) -> Array:
    """Return an angle given in radians in degrees.

    >>> ad.rad2deg(np.array([0.0, np.pi]))
    array([  0., 180.])
    """
    return np.rad2deg(x)


def radians(x: AnyArray) -> AnyArray:
    """Return an angle given in degrees in radians; another name of `deg2rad`.

    >>> ad.radians(np.array([0.0, 180.0]))
    array([0.        , 3.14159265])
    """
    return deg2rad(x)


def degrees(x: AnyArray) -> AnyArray:
    """Return an angle given in radians in degrees; another name of `rad2deg`.

    >>> ad.degrees(np.array([0.0, np.pi]))
    array([  0., 180.])
    """
    return rad2deg(x)


COMPOSITES = (radians, degrees)
