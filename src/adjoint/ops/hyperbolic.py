"""Hyperbolic functions and their inverses."""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array
from ..core.kinds import elementwise
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
def sinh(x: Array) -> Array:
    """Return the hyperbolic sine.

    >>> ad.sinh(np.array([0.0, 1.0]))
    array([0.        , 1.17520119])
    """
    return np.sinh(x)


@elementwise(
    partials=[lambda y, x: sinh(x)],
    strong=True,
    source="np.cosh({x})",
    latex=r"\cosh\left({x}\right)",
    numpy=[np.cosh],
    method=True,
    bounds=(1, np.inf),
)
def cosh(x: Array) -> Array:
    """Return the hyperbolic cosine.

    >>> ad.cosh(np.array([0.0, 1.0]))
    array([1.        , 1.54308063])
    """
    return np.cosh(x)


@elementwise(
    # 1 / cosh² x, from the value alone; it is 0 where y has rounded to ±1, from |x| = 19.1 on in
    # float64.
    partials=[lambda y, x: 1 - y * y],
    strong=True,
    source="np.tanh({x})",
    latex=r"\tanh\left({x}\right)",
    numpy=[np.tanh],
    method=True,
    bounds=(-1, 1),
    saturates=True,
    activation=True,
)
def tanh(x: Array) -> Array:
    """Return the hyperbolic tangent.

    >>> ad.tanh(np.array([0.0, 1.0, 20.0]))
    array([0.        , 0.76159416, 1.        ])
    >>> ad.grad(lambda x: ad.tanh(x).sum())(np.array([0.0, 1.0, 20.0]))  # saturated at 20
    array([1.        , 0.41997434, 0.        ])
    """
    return np.tanh(x)


@elementwise(
    # The hypotenuse is √(1 + x²) without the overflow of x².
    partials=[lambda y, x: divide(1.0, hypot(1.0, x))],
    strong=True,
    source="np.arcsinh({x})",
    latex=r"\operatorname{{arsinh}}\left({x}\right)",
    numpy=[np.arcsinh],
    method=True,
    finite=True,
)
def arcsinh(x: Array) -> Array:
    """Return the inverse of the hyperbolic sine.

    >>> ad.arcsinh(np.array([0.0, 1e300]))
    array([  0.        , 691.46867508])
    >>> ad.grad(lambda x: ad.arcsinh(x).sum())(np.array([0.0, 1e300]))
    array([1.e+000, 1.e-300])
    """
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
    bounds=(0, np.inf),
    finite=lambda x: x.low >= 1,
)
def arccosh(x: Array) -> Array:
    """Return the inverse of the hyperbolic cosine, x ≥ 1; its derivative at 1 is infinite.

    >>> ad.arccosh(np.array([1.0, 2.0]))
    array([0.       , 1.3169579])
    >>> ad.grad(lambda x: ad.arccosh(x).sum())(np.array([1.0, 2.0]))
    array([       inf, 0.57735027])
    """
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
def arctanh(x: Array) -> Array:
    """Return the inverse of the hyperbolic tangent, |x| ≤ 1; at ±1 both it and its slope are ∞.

    >>> ad.arctanh(np.array([0.0, 0.5]))
    array([0.        , 0.54930614])
    >>> ad.grad(lambda x: ad.arctanh(x).sum())(np.array([0.0, 0.5]))
    array([1.        , 1.33333333])
    """
    return np.arctanh(x)
