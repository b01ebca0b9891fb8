"""Signs, steps and whole parts: between their jumps these functions are lines."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..axis import AxisRule
from ..core import NUMPY, Operand
from ..kinds import elementwise, general
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
)
def fabs(x: Any) -> Any:
    """Return |x|, as a float; the derivative at 0 is 0."""
    return np.fabs(x)


@elementwise(
    partials=[lambda out, x, y: sign(x) * sign(out), 0],
    strong=True,
    source="np.copysign({x}, {y})",
    latex=r"\left|{x}\right| \odot \operatorname{{sign}}\left({y}\right)",
    numpy=[np.copysign],
    kinks=[0],
)
def copysign(x: Any, y: Any) -> Any:
    """Return |x| with the sign of y; the derivative by x at 0, and by y everywhere, is 0."""
    return np.copysign(x, y)


@elementwise(
    partials=[0, lambda out, x, y: equal(x, 0)],
    strong=True,
    source="np.heaviside({x}, {y})",
    latex=r"\operatorname{{heaviside}}\left({x}, {y}\right)",
    numpy=[np.heaviside],
    kinks=[0],
)
def heaviside(x: Any, y: Any) -> Any:
    """Return 0 for x < 0, y at x = 0 and 1 for x > 0; the derivative by x is 0, at the jump too."""
    return np.heaviside(x, y)


def _along_axis(x: Operand, *, axis: int, **_: Any) -> tuple[int, ...]:
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
    x: Any, *, discont: float | None = None, axis: int = -1, period: float = 2 * np.pi
) -> Any:
    """Add multiples of ``period`` along ``axis`` so that no step is longer than half of it.

    What is added is constant between the jumps, so the gradient passes unchanged, at them too.
    """
    return np.unwrap(x, discont, axis, period=period)


def modf(x: Operand) -> tuple[Any, Any]:
    """Return the fractional and the whole part of x; at the jumps the fraction has derivative 1."""
    whole = trunc(x)
    # An infinite x has no fraction, and ∞ - ∞ would be NaN.
    return where(isinf(x), 0.0, x - whole), whole


NUMPY[np.modf] = modf
COMPOSITES = (modf,)
