"""The error function and the normal distribution, which is it in other units.

φ(x) = e^(-x²/2)/√(2π) is the distribution's density and Φ its integral.
"""

from __future__ import annotations

import math

from scipy import special

from ..core.annotations import AnyArray, Array
from ..core.kinds import elementwise
from ..ops.arithmetic import divide, polynomial
from ..ops.exponential import exp
from ..ops.logic import greater, less
from ..ops.piecewise import where

_TWO_OVER_ROOT_PI = 2 / math.sqrt(math.pi)
_ROOT_TWO_PI = math.sqrt(2 * math.pi)
_INSIDE = (-0.9, 0.9)
_PROBABILITY = (0.05, 0.95)


@elementwise(
    partials=[lambda y, x: _TWO_OVER_ROOT_PI * exp(-x * x)],
    strong=True,
    source="erf({x})",
    latex=r"\operatorname{{erf}}\left({x}\right)",
    numpy=[special.erf],
    bounds=(-1, 1),
    saturates=True,
)
def erf(x: Array) -> Array:
    """Return the error function, 2/√π ∫₀ˣ e^(-t²) dt.

    >>> ad.special.erf(np.array([0.0, 1.0]))
    array([0.        , 0.84270079])
    >>> ad.grad(lambda x: ad.special.erf(x).sum())(np.array([0.0, 1.0]))
    array([1.12837917, 0.4151075 ])
    """
    return special.erf(x)


@elementwise(
    partials=[lambda y, x: -_TWO_OVER_ROOT_PI * exp(-x * x)],
    strong=True,
    source="erfc({x})",
    latex=r"\operatorname{{erfc}}\left({x}\right)",
    numpy=[special.erfc],
    bounds=(0, 2),
    saturates=True,
)
def erfc(x: Array) -> Array:
    """Return 1 - erf x, exact also where it is tiny.

    >>> ad.special.erfc(np.array([0.0, 10.0]))
    array([1.00000000e+00, 2.08848758e-45])
    """
    return special.erfc(x)


# erfcx'(x) = -1/(√π x²) Σ (-1)ᵏ (2k+1)!!/(2x²)ᵏ for large x: the derivative of DLMF 7.12.1. From
# x = 8 on, the first term left out is below 1e-17.
_TAIL_FROM = 8
_TAIL = [(-1) ** k * float(math.prod(range(1, 2 * k + 2, 2))) for k in range(21)]


def _erfcx_slope(y: AnyArray, x: AnyArray) -> AnyArray:
    """2x erfcx x - 2/√π, and its asymptotic series for large x, where that cancels."""
    tail = divide(divide(-1 / math.sqrt(math.pi), x), x) * polynomial(_TAIL, divide(0.5, x * x))
    return where(greater(x, _TAIL_FROM), tail, 2 * x * y - _TWO_OVER_ROOT_PI)


@elementwise(
    partials=[_erfcx_slope],
    strong=True,
    source="erfcx({x})",
    latex=r"\operatorname{{erfcx}}\left({x}\right)",
    numpy=[special.erfcx],
    domain=[(-2, 12)],
    bounds=(0, math.inf),
    saturates=True,
)
def erfcx(x: Array) -> Array:
    """Return e^(x²) erfc x, which neither overflows nor vanishes for x > 0.

    >>> ad.special.erfcx(np.array([0.0, 1e10]))
    array([1.00000000e+00, 5.64189584e-11])
    """
    return special.erfcx(x)


@elementwise(
    partials=[lambda y, x: exp(y * y) / _TWO_OVER_ROOT_PI],
    strong=True,
    source="erfinv({x})",
    latex=r"\operatorname{{erf}}^{{-1}}\left({x}\right)",
    numpy=[special.erfinv],
    domain=[_INSIDE],
)
def erfinv(x: Array) -> Array:
    """Return the inverse of `erf`, |x| ≤ 1; at ±1 both it and its slope are infinite.

    >>> ad.special.erfinv(np.array([0.0, 0.5, 1.0]))
    array([0.        , 0.47693628,        inf])
    >>> ad.grad(lambda x: ad.special.erfinv(x).sum())(np.array([0.0, 0.5, 1.0]))
    array([0.88622693, 1.11258482,        inf])
    """
    return special.erfinv(x)


@elementwise(
    partials=[lambda y, x: -exp(y * y) / _TWO_OVER_ROOT_PI],
    strong=True,
    source="erfcinv({x})",
    latex=r"\operatorname{{erfc}}^{{-1}}\left({x}\right)",
    numpy=[special.erfcinv],
    domain=[(0.1, 1.9)],
)
def erfcinv(x: Array) -> Array:
    """Return the inverse of `erfc`, 0 ≤ x ≤ 2; at 0 and 2 both it and its slope are infinite.

    >>> ad.special.erfcinv(np.array([0.5, 1e-20]))
    array([0.47693628, 6.60158062])
    """
    return special.erfcinv(x)


@elementwise(
    partials=[lambda y, x: exp(-0.5 * x * x) / _ROOT_TWO_PI],
    strong=True,
    source="ndtr({x})",
    latex=r"\Phi\left({x}\right)",
    numpy=[special.ndtr],
    bounds=(0, 1),
    saturates=True,
)
def ndtr(x: Array) -> Array:
    """Return Φ(x), the probability that a standard normal number is below x.

    >>> ad.special.ndtr(np.array([0.0, 1.96]))
    array([0.5      , 0.9750021])
    """
    return special.ndtr(x)


def _hazard_series(count: int) -> list[float]:
    """Return the coefficients c of φ(x)/Φ(x) = -x Σ cₖ x⁻²ᵏ for large -x.

    They are those of one over Mills's ratio, Σ (-1)ᵏ (2k-1)!! x⁻²ᵏ (DLMF 7.12.1).
    """
    ratio = [(-1) ** k * math.prod(range(1, 2 * k, 2)) for k in range(count)]
    found = [1]
    for n in range(1, count):
        found.append(-sum(ratio[k] * found[n - k] for k in range(1, n + 1)))
    return [float(c) for c in found]


# From x = -14 on, the first term left out is below 1e-18, also in third derivatives.
_LEFT_FROM = -14
_LEFT = _hazard_series(24)[1:]


def _log_ndtr_slope(y: AnyArray, x: AnyArray) -> AnyArray:
    """φ/Φ, in forms of which further derivatives neither cancel, nor over- nor underflow.

    Far left its series, else without the underflow of both Φ(x) = e^(-x²/2) erfcx(-x/√2) / 2, and
    on the right, where erfcx is as great as φ is small, the quotient itself.
    """
    series = -x - divide(polynomial(_LEFT, divide(divide(1.0, x), x)), x)
    scaled = divide(2 / _ROOT_TWO_PI, erfcx(-math.sqrt(0.5) * x))
    plain = divide(exp(-0.5 * x * x), _ROOT_TWO_PI * ndtr(x))
    return where(less(x, _LEFT_FROM), series, where(greater(x, 0), plain, scaled))


@elementwise(
    partials=[_log_ndtr_slope],
    strong=True,
    source="log_ndtr({x})",
    latex=r"\log\left(\Phi\left({x}\right)\right)",
    numpy=[special.log_ndtr],
    domain=[(-18, 2)],
    bounds=(-math.inf, 0),
    finite=True,
    saturates=True,
)
def log_ndtr(x: Array) -> Array:
    """Return log Φ(x), also where Φ underflows; far left its slope is |x|.

    >>> ad.special.log_ndtr(np.array([0.0, -40.0]))
    array([-6.93147181e-01, -8.04608442e+02])
    >>> ad.grad(lambda x: ad.special.log_ndtr(x).sum())(np.array([0.0, -40.0]))
    array([ 0.79788456, 40.02496885])
    """
    return special.log_ndtr(x)


@elementwise(
    partials=[lambda y, x: _ROOT_TWO_PI * exp(0.5 * y * y)],
    strong=True,
    source="ndtri({x})",
    latex=r"\Phi^{{-1}}\left({x}\right)",
    numpy=[special.ndtri],
    domain=[_PROBABILITY],
)
def ndtri(x: Array) -> Array:
    """Return the inverse of Φ, 0 ≤ x ≤ 1; at 0 and 1 both it and its slope are infinite.

    >>> ad.special.ndtri(np.array([0.5, 0.975]))
    array([0.        , 1.95996398])
    """
    return special.ndtri(x)
