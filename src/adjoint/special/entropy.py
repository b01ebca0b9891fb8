"""Entropies: x log x and its kin, which are 0 where x is 0."""

from __future__ import annotations

import math

from scipy import special

from ..core.annotations import AnyArray, Array
from ..core.kinds import elementwise
from ..ops.arithmetic import divide
from ..ops.exponential import log, log1p
from ..ops.logic import bitwise_and, equal, greater, less, less_equal
from ..ops.piecewise import where
from ..ops.products import strong_multiply

_POSITIVE = (0.2, 2)


def _where_counted(x: AnyArray, y: AnyArray, logarithm: AnyArray) -> AnyArray:
    """The logarithm of y; 0 where it multiplies x = 0 and y is not positive."""
    return where(bitwise_and(equal(x, 0), less_equal(y, 0)), 0.0, logarithm)


def _share(x: AnyArray, y: AnyArray) -> AnyArray:
    """x / y, and 0 where both are 0; there too the derivative by x is 1 / y."""
    return where(equal(y, 0), strong_multiply(x, divide(1.0, y)), divide(x, y))


@elementwise(
    partials=[
        lambda out, x, y: _where_counted(x, y, log(y)),
        lambda out, x, y: _share(x, y),
    ],
    strong=True,
    source="xlogy({x}, {y})",
    latex=r"{x} \odot \log\left({y}\right)",
    numpy=[special.xlogy],
    domain=[(-2, 2), _POSITIVE],
)
def xlogy(x: Array, y: Array) -> Array:
    """Return x log y, which is 0 for x = 0; where y ≤ 0 too, both derivatives are 0.

    >>> ad.special.xlogy(np.array([0.0, 2.0]), np.array([0.0, np.e]))
    array([0., 2.])
    >>> ad.grad(lambda x: ad.special.xlogy(x, np.array([0.0, np.e])).sum())(np.array([0.0, 2.0]))
    array([0., 1.])
    """
    return special.xlogy(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _where_counted(x, 1 + y, log1p(y)),
        lambda out, x, y: _share(x, 1 + y),
    ],
    strong=True,
    source="xlog1py({x}, {y})",
    latex=r"{x} \odot \log\left(1 + {y}\right)",
    numpy=[special.xlog1py],
    domain=[(-2, 2), (-0.8, 2)],
)
def xlog1py(x: Array, y: Array) -> Array:
    """Return x log(1 + y), which is 0 for x = 0; where y ≤ -1 too, both derivatives are 0.

    >>> ad.special.xlog1py(np.array([0.0, 2.0]), np.array([-1.0, 1e-12]))
    array([0.e+00, 2.e-12])
    >>> ad.grad(lambda x: ad.special.xlog1py(x, np.array([-1.0, 0.0])).sum())(np.array([0.0, 2.0]))
    array([0., 0.])
    """
    return special.xlog1py(x, y)


@elementwise(
    partials=[lambda y, x: -log(x) - 1],
    strong=True,
    source="entr({x})",
    latex=r"-{x} \odot \log\left({x}\right)",
    numpy=[special.entr],
    domain=[_POSITIVE],
)
def entr(x: Array) -> Array:
    """Return -x log x, 0 at 0 and -∞ for x < 0; its derivative at 0 is infinite.

    >>> ad.special.entr(np.array([0.0, 0.5]))
    array([0.        , 0.34657359])
    >>> ad.grad(lambda x: ad.special.entr(x).sum())(np.array([0.0, 0.5, 1.0]))
    array([        inf, -0.30685282, -1.        ])
    """
    return special.entr(x)


def _log_ratio(x: AnyArray, y: AnyArray) -> AnyArray:
    """log(x / y), and 0 where both are 0.

    Near 1 it is the logarithm of the quotient, since the difference of two logarithms cancels
    there; elsewhere it is that difference, since the quotient or its slope may overflow.
    """
    ratio = divide(x, y)
    near = bitwise_and(greater(ratio, 0.5), less(ratio, 2))
    nothing = bitwise_and(equal(x, 0), equal(y, 0))
    return where(nothing, 0.0, where(near, log(ratio), log(x) - log(y)))


@elementwise(
    partials=[
        lambda out, x, y: 1 + _log_ratio(x, y),
        lambda out, x, y: -_share(x, y),
    ],
    strong=True,
    source="rel_entr({x}, {y})",
    latex=r"{x} \odot \log\left(\frac{{{x}}}{{{y}}}\right)",
    numpy=[special.rel_entr],
    domain=[_POSITIVE],
)
def rel_entr(x: Array, y: Array) -> Array:
    """Return x log(x / y), 0 at x = 0 and ∞ where an argument is negative.

    By x the derivative at x = 0 is -∞; where both are 0 it is 1 by x and 0 by y.

    >>> ad.special.rel_entr(np.array([0.0, 2.0]), np.array([1.0, 1.0]))
    array([0.        , 1.38629436])
    >>> ad.grad(lambda x: ad.special.rel_entr(x, np.array([1.0, 0.0])).sum())(np.array([0.0, 0.0]))
    array([-inf,   1.])
    """
    return special.rel_entr(x, y)


@elementwise(
    partials=[
        lambda out, x, y: _log_ratio(x, y),
        lambda out, x, y: 1 - _share(x, y),
    ],
    strong=True,
    source="kl_div({x}, {y})",
    latex=r"{x} \odot \log\left(\frac{{{x}}}{{{y}}}\right) - {x} + {y}",
    numpy=[special.kl_div],
    domain=[_POSITIVE],
    bounds=(0, math.inf),
)
def kl_div(x: Array, y: Array) -> Array:
    """Return x log(x / y) - x + y, the part of a divergence that is never negative.

    By x the derivative at x = 0 is -∞; where both are 0 it is 0 by x and 1 by y.

    >>> ad.special.kl_div(np.array([0.0, 1.0, 2.0]), 1.0)
    array([1.        , 0.        , 0.38629436])
    >>> ad.grad(lambda x: ad.special.kl_div(x, np.array([1.0, 0.0])).sum())(np.array([0.0, 0.0]))
    array([-inf,   0.])
    """
    return special.kl_div(x, y)
