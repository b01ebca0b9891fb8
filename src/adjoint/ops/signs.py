"""Signs, steps and whole parts: between their jumps these functions are lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, Described
from ..core.axis import AxisRule
from ..core.facts import of_magnitude
from ..core.kinds import elementwise, general
from ..core.registry import NUMPY
from .logic import equal, isinf
from .piecewise import sign, where
from .rounding import trunc
from .structural import axis_index


@elementwise(
    partials=[lambda y, x: sign(x)],
    strong=True,
    source="np.fabs({x})",
    latex=r"\left|{x}\right|",
    numpy=[np.fabs],
    kinks=[0],
    bounds=of_magnitude,
    finite=True,
    cheap=True,
)
def fabs(x: Array) -> Array:
    """Return |x|, as a float; the derivative at 0 is 0.

    >>> ad.fabs(np.array([-1, 0, 2]))
    array([1., 0., 2.])
    >>> ad.grad(lambda x: ad.fabs(x).sum())(np.array([-1.0, 0.0, 2.0]))
    array([-1.,  0.,  1.])
    """
    return np.fabs(x)


@elementwise(
    partials=[lambda out, x, y: sign(x) * sign(out), 0],
    strong=True,
    source="np.copysign({x}, {y})",
    latex=r"\left|{x}\right| \odot \operatorname{{sign}}\left({y}\right)",
    numpy=[np.copysign],
    kinks=[0],
    finite=True,
    passes_nan=(True,),
)
def copysign(x: Array, y: Array) -> Array:
    """Return |x| with the sign of y; the derivative by x at 0, and by y everywhere, is 0.

    >>> ad.copysign(np.array([1.0, 2.0]), np.array([-3.0, 3.0]))
    array([-1.,  2.])
    >>> ad.grad(lambda x: ad.copysign(x, -1.0).sum())(np.array([-1.0, 0.0, 2.0]))
    array([ 1.,  0., -1.])
    """
    return np.copysign(x, y)


@elementwise(
    partials=[0, lambda out, x, y: equal(x, 0)],
    strong=True,
    source="np.heaviside({x}, {y})",
    latex=r"\operatorname{{heaviside}}\left({x}, {y}\right)",
    numpy=[np.heaviside],
    kinks=[0],
    bounds=lambda x, y: (min(y.low, 0.0), max(y.high, 1.0)),
    finite=True,
    passes_nan=(True,),
)
def heaviside(x: Array, y: Array) -> Array:
    """Return 0 for x < 0, y at x = 0 and 1 for x > 0; the derivative by x is 0, at the jump too.

    >>> ad.heaviside(np.array([-1.0, 0.0, 2.0]), 0.5)
    array([0. , 0.5, 1. ])
    >>> ad.grad(lambda x: ad.heaviside(x, 0.5).sum())(np.array([-1.0, 0.0, 2.0]))
    array([0., 0., 0.])
    """
    return np.heaviside(x, y)


def _along_axis(x: Described, *, axis: int, **_: object) -> tuple[int, ...]:
    axis_index(axis, x)
    return tuple(x.shape)


@general(
    vjp=lambda g, y, x, **_: [g],
    jvp=lambda tangents, y, x, **_: tangents[0],
    shape=_along_axis,
    dtype=lambda x, **_: np.unwrap(np.ones(2, x.dtype)).dtype,
    source="np.unwrap({x}{params})",
    latex=r"\operatorname{{unwrap}}\left({x}{params}\right)",
    numpy=[np.unwrap],
    axis=AxisRule(several=False),
    domain=[(-9, 9)],
    cases=[((7,), {}), ((4, 3), {"axis": 0, "period": 1.5, "discont": 1.0})],
)
def unwrap(
    x: Array, *, discont: float | None = None, axis: int = -1, period: float = 2 * np.pi
) -> Array:
    """Add multiples of ``period`` along ``axis`` so that no step is longer than half of it.

    Steps up to ``discont``, if it is greater, are left alone. What is added is constant between the
    jumps, so the gradient passes unchanged, at them too.

    >>> ad.unwrap(np.array([0.0, 0.9, 0.1]), period=1.0)
    array([ 0. , -0.1,  0.1])
    """
    return np.unwrap(x, discont, axis, period=period)


def modf(x: ArrayLike) -> tuple[Any, Any]:
    """Return the fractional and the whole part of x; at the jumps the fraction has derivative 1.

    >>> ad.modf(np.array([-1.25, 2.5]))
    (array([-0.25,  0.5 ]), array([-1.,  2.]))
    >>> ad.grad(lambda x: ad.modf(x)[0].sum())(np.array([-1.25, 2.0]))
    array([1., 1.])
    """
    whole = trunc(x)
    # An infinite x has no fraction, and ∞ - ∞ would be NaN.
    return where(isinf(x), 0.0, x - whole), whole


NUMPY[np.modf] = modf
COMPOSITES = (modf,)
