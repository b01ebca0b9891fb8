"""The gamma function, its logarithm and derivatives, and the beta function made of it.

At the poles 0, -1, -2 … values and derivatives are infinite or NaN, as SciPy gives them.
"""

from __future__ import annotations

import operator

import numpy as np
from scipy import special

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.kinds import elementwise
from ..core.value import Value
from ..ops.arithmetic import divide
from ..ops.exponential import expm1, log1p
from ..ops.logic import greater
from ..ops.piecewise import minimum, where

_POSITIVE = (0.2, 4)


@elementwise(
    partials=[lambda y, x: digamma(x)],
    strong=True,
    source="gammaln({x})",
    latex=r"\log\left|\Gamma\left({x}\right)\right|",
    numpy=[special.gammaln],
    domain=[_POSITIVE],
)
def gammaln(x: Array) -> Array:
    """Return log |Γ(x)|.

    >>> ad.special.gammaln(np.array([-0.5, 171.0]))
    array([  1.26551212, 706.57306225])
    >>> ad.grad(lambda x: ad.special.gammaln(x).sum())(np.array([1.0, 2.0]))
    array([-0.57721566,  0.42278434])
    """
    return special.gammaln(x)


@elementwise(
    partials=[lambda y, x: digamma(x)],
    strong=True,
    source="loggamma({x})",
    latex=r"\log\left(\Gamma\left({x}\right)\right)",
    numpy=[special.loggamma],
    domain=[_POSITIVE],
)
def loggamma(x: Array) -> Array:
    """Return log Γ(x), of real numbers; for x < 0 it is NaN.

    >>> ad.special.loggamma(np.array([0.5, 171.0]))
    array([5.72364943e-01, 7.06573062e+02])
    """
    return special.loggamma(x)


@elementwise(
    partials=[lambda y, x: y * digamma(x)],
    strong=True,
    source="gamma({x})",
    latex=r"\Gamma\left({x}\right)",
    numpy=[special.gamma],
    domain=[_POSITIVE],
)
def gamma(x: Array) -> Array:
    """Return Γ(x), which is (x - 1)! of whole numbers.

    >>> ad.special.gamma(np.array([0.5, 5.0]))
    array([ 1.77245385, 24.        ])
    >>> ad.grad(lambda x: ad.special.gamma(x).sum())(np.array([1.0, 2.0]))
    array([-0.57721566,  0.42278434])
    """
    return special.gamma(x)


@elementwise(
    partials=[lambda y, x: digamma_slope(x, order=1)],
    strong=True,
    source="digamma({x})",
    latex=r"\psi\left({x}\right)",
    numpy=[special.digamma],
    domain=[_POSITIVE],
)
def digamma(x: Array) -> Array:
    """Return ψ(x), the derivative of log Γ.

    >>> ad.special.digamma(np.array([1.0, 2.0]))
    array([-0.57721566,  0.42278434])
    """
    return special.digamma(x)


@elementwise(
    partials=[lambda y, x, *, order: digamma_slope(x, order=order + 1)],
    strong=True,
    # SciPy's polygamma gives float64 for every dtype; the card keeps that of x.
    source="polygamma({order}, {x}).astype(np.result_type({x}, np.float32), copy=False)",
    latex=r"\psi^{{\left({order}\right)}}\left({x}\right)",
    helpers=[special.polygamma],
    boxes=True,
    domain=[_POSITIVE],
    cases=[((2, 3), {"order": 1}), ((), {"order": 3}), ((0,), {"order": 2})],
)
def digamma_slope(x: Array, *, order: int) -> Array:
    """Return the derivative of ψ of an order above 0; `polygamma` with its arguments in our order.

    Parameters
    ----------
    x : array
    order : int
    """
    x = np.asarray(x)
    # SciPy's polygamma gives float64 for every dtype.
    return special.polygamma(order, x).astype(x.dtype if x.dtype.kind == "f" else np.float64)


def polygamma(n: int, x: ArrayLike) -> AnyArray:
    """Return the n-th derivative of ψ at x.

    Parameters
    ----------
    n : int
        At least 0, and a constant.
    x : array

    Raises
    ------
    TypeError, ValueError
        If n is not such a number.

    Examples
    --------
    >>> ad.special.polygamma(1, np.array([1.0, 2.0]))
    array([1.64493407, 0.64493407])
    """
    if isinstance(n, Value) or np.ndim(n):
        raise TypeError(f"polygamma: the order must be one whole number, got {n!r}")
    order = operator.index(n)
    if order < 0:
        raise ValueError(f"polygamma: the order must not be negative, got {order}")
    return digamma_slope(x, order=order) if order else digamma(x)


# B₂ₖ/2k of Bernoulli's numbers, from k = 1: the coefficients of ψ(x) - log x + 1/(2x) in -x⁻²ᵏ
# (DLMF 5.11.2); from x = 10 on, the first one left out adds less than 1e-16.
_BERNOULLI = [1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12]
_SHIFT = 10


def _rise(x: AnyArray, step: AnyArray) -> AnyArray:
    """ψ(x + step) - ψ(x), without the cancellation of a step that is small beside x.

    ψ(x + 1) = ψ(x) + 1/x brings both to the right of 10, where the asymptotic series are
    subtracted term by term. Left of 0 the two are subtracted.
    """
    end = x + step
    start = x + _SHIFT
    ratio = log1p(divide(step, start))
    total = ratio - 0.5 * divide(expm1(-ratio), start)
    for k, coefficient in enumerate(_BERNOULLI, 1):
        total = total - coefficient * expm1(-2 * k * ratio) * divide(1.0, start ** (2 * k))
    for n in range(_SHIFT):
        total = total + divide(step, (x + n) * (end + n))
    return where(greater(minimum(x, end), 0), total, digamma(end) - digamma(x))


@elementwise(
    partials=[lambda out, x, y: -_rise(x, y), lambda out, x, y: -_rise(y, x)],
    strong=True,
    source="betaln({x}, {y})",
    latex=r"\log\left|B\left({x}, {y}\right)\right|",
    numpy=[special.betaln],
    domain=[_POSITIVE],
    passes_nan=False,
)
def betaln(x: Array, y: Array) -> Array:
    """Return log |B(x, y)|.

    >>> ad.special.betaln(np.array([1.0, 1000.0]), 1000.0)
    array([   -6.90775528, -1388.48260164])
    """
    return special.betaln(x, y)


@elementwise(
    partials=[lambda out, x, y: -out * _rise(x, y), lambda out, x, y: -out * _rise(y, x)],
    strong=True,
    source="beta({x}, {y})",
    latex=r"B\left({x}, {y}\right)",
    numpy=[special.beta],
    domain=[_POSITIVE],
    passes_nan=False,
)
def beta(x: Array, y: Array) -> Array:
    """Return B(x, y) = Γ(x) Γ(y) / Γ(x + y).

    >>> ad.special.beta(np.array([1.0, 2.0]), 3.0)
    array([0.33333333, 0.08333333])
    """
    return special.beta(x, y)
