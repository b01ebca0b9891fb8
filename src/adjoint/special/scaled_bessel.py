"""Modified Bessel functions times e^(-|x|), which stay finite for large x."""

from __future__ import annotations

import math

import numpy as np
from scipy import special

from ..core.annotations import AnyArray, Array
from ..core.kinds import elementwise
from ..ops.arithmetic import divide, polynomial
from ..ops.exponential import sqrt
from ..ops.logic import greater
from ..ops.piecewise import absolute, sign, where

_WHOLE_ORDERS = [((2, 3), {"order": 2}), (np.array([-60.0, 55.0, 90.0]), {"order": 3})]

# From |x| = 50 + 2 order² on, the first term left out of the series below is less than 1e-16.
_TERMS = 14


def _series(order: int) -> list[float]:
    """Return the coefficients of -√(2πx) x ive'(x) in 1/x, for large x.

    ive(x) = Σ (-1)ᵏ aₖ x⁻ᵏ / √(2πx) with aₖ = Π (4 order² - (2j - 1)²) / 8j: DLMF 10.40.1.
    """
    terms = [1.0]
    for j in range(1, _TERMS):
        terms.append(-terms[-1] * (4 * order**2 - (2 * j - 1) ** 2) / (8 * j))
    return [(k + 0.5) * term for k, term in enumerate(terms)]


def _scaled_slope(y: AnyArray, x: AnyArray, order: int) -> AnyArray:
    """The derivative of e^(-|x|) I(x), and its asymptotic series where the difference cancels."""
    neighbours = 0.5 * (bessel_ie(x, order=abs(order - 1)) + bessel_ie(x, order=order + 1))
    side = sign(x)
    inverse = divide(1.0, absolute(x))
    tail = -polynomial(_series(order), inverse) * inverse * sqrt(inverse / (2 * math.pi))
    far = greater(absolute(x), 50 + 2 * order**2)
    return where(far, tail if order % 2 else side * tail, neighbours - side * y)


@elementwise(
    partials=[lambda y, x, *, order: _scaled_slope(y, x, order)],
    strong=True,
    source="ive({order}, {x})",
    latex=r"e^{{-\left|{x}\right|}} \odot I_{{{order}}}\left({x}\right)",
    helpers=[special.ive],
    kinks=[0],
    cases=_WHOLE_ORDERS,
    bounds=(-1, 1),
    finite=False,
)
def bessel_ie(x: Array, *, order: int) -> Array:
    """Return e^(-|x|) I(x), of whole order; at 0 that of order 0 has derivative 0."""
    return special.ive(order, x)


@elementwise(
    partials=[lambda y, x: _scaled_slope(y, x, 0)],
    strong=True,
    source="i0e({x})",
    latex=r"e^{{-\left|{x}\right|}} \odot I_{{0}}\left({x}\right)",
    numpy=[special.i0e],
    kinks=[0],
    bounds=(0, 1),
)
def i0e(x: Array) -> Array:
    """Return e^(-|x|) I₀(x); its derivative at 0 is 0.

    >>> ad.special.i0e(np.array([0.0, 1e6]))
    array([1.0000000e+00, 3.9894233e-04])
    >>> ad.grad(lambda x: ad.special.i0e(x).sum())(np.array([0.0, 1e6]))
    array([ 0.00000000e+00, -1.99471215e-10])
    """
    return special.i0e(x)


@elementwise(
    partials=[lambda y, x: _scaled_slope(y, x, 1)],
    strong=True,
    source="i1e({x})",
    latex=r"e^{{-\left|{x}\right|}} \odot I_{{1}}\left({x}\right)",
    numpy=[special.i1e],
    kinks=[0],
    bounds=(-1, 1),
)
def i1e(x: Array) -> Array:
    """Return e^(-|x|) I₁(x).

    >>> ad.special.i1e(np.array([0.0, 1e6]))
    array([0.        , 0.00039894])
    """
    return special.i1e(x)
