"""The gamma function, its logarithm and derivatives, and the beta function made of it.

At the poles 0, -1, -2 … values and derivatives are infinite or NaN, as SciPy gives them.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from scipy import special

from ..core import Operand, Value
from ..kinds import elementwise
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
def gammaln(x: Any) -> Any:
    """Return log |Γ(x)|."""
    return special.gammaln(x)


@elementwise(
    partials=[lambda y, x: digamma(x)],
    strong=True,
    source="loggamma({x})",
    latex=r"\log\left(\Gamma\left({x}\right)\right)",
    numpy=[special.loggamma],
    domain=[_POSITIVE],
)
def loggamma(x: Any) -> Any:
    """Return log Γ(x), of real numbers; for x < 0 it is NaN."""
    return special.loggamma(x)


@elementwise(
    partials=[lambda y, x: y * digamma(x)],
    strong=True,
    source="gamma({x})",
    latex=r"\Gamma\left({x}\right)",
    numpy=[special.gamma],
    domain=[_POSITIVE],
)
def gamma(x: Any) -> Any:
    """Return Γ(x), which is (x - 1)! of whole numbers."""
    return special.gamma(x)


@elementwise(
    partials=[lambda y, x: digamma_slope(x, order=1)],
    strong=True,
    source="digamma({x})",
    latex=r"\psi\left({x}\right)",
    numpy=[special.digamma],
    domain=[_POSITIVE],
)
def digamma(x: Any) -> Any:
    """Return ψ(x), the derivative of log Γ."""
    return special.digamma(x)


@elementwise(
    partials=[lambda y, x, *, order: digamma_slope(x, order=order + 1)],
    strong=True,
    # In the dtype of x, which SciPy would make float64.
    source="polygamma({order}, {x}).astype(np.result_type({x}, np.float32), copy=False)",
    latex=r"\psi^{{\left({order}\right)}}\left({x}\right)",
    helpers=[special.polygamma],
    domain=[_POSITIVE],
    cases=[((2, 3), {"order": 1}), ((), {"order": 3}), ((0,), {"order": 2})],
)
def digamma_slope(x: Any, *, order: int) -> Any:
    """Return the derivative of ψ of an order above 0; `polygamma` with its arguments in our order.

    Parameters
    ----------
    x : array
    order : int
    """
    x = np.asarray(x)
    # SciPy's result is always float64.
    return special.polygamma(order, x).astype(x.dtype if x.dtype.kind == "f" else np.float64)


def polygamma(n: int, x: Operand) -> Any:
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


def _rise(x: Any, step: Any) -> Any:
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
)
def betaln(x: Any, y: Any) -> Any:
    """Return log |B(x, y)|."""
    return special.betaln(x, y)


@elementwise(
    partials=[lambda out, x, y: -out * _rise(x, y), lambda out, x, y: -out * _rise(y, x)],
    strong=True,
    source="beta({x}, {y})",
    latex=r"B\left({x}, {y}\right)",
    numpy=[special.beta],
    domain=[_POSITIVE],
)
def beta(x: Any, y: Any) -> Any:
    """Return B(x, y) = Γ(x) Γ(y) / Γ(x + y)."""
    return special.beta(x, y)
