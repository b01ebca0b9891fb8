"""Arithmetic: Python's operators on numbers, entry by entry."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import elementwise


@elementwise(
    partials=[1, 1],
    source="{x} + {y}",
    latex="{x} + {y}",
    numpy=[np.add],
)
def add(x: Any, y: Any) -> Any:
    """Return x + y."""
    return np.add(x, y)


@elementwise(
    partials=[1, -1],
    source="{x} - {y}",
    latex="{x} - {y}",
    numpy=[np.subtract],
)
def subtract(x: Any, y: Any) -> Any:
    """Return x - y."""
    return np.subtract(x, y)


@elementwise(
    partials=[lambda out, x, y: y, lambda out, x, y: x],
    strong=True,
    source="{x} * {y}",
    latex=r"{x} \odot {y}",
    numpy=[np.multiply],
)
def multiply(x: Any, y: Any) -> Any:
    """Return x * y, entry by entry."""
    return np.multiply(x, y)


@elementwise(
    partials=[lambda out, x, y: divide(1.0, y), lambda out, x, y: -divide(out, y)],
    strong=True,
    source="{x} / {y}",
    latex=r"\frac{{{x}}}{{{y}}}",
    numpy=[np.divide],
    domain=[(-2, 2), (0.5, 2)],
)
def divide(x: Any, y: Any) -> Any:
    """Return x / y, entry by entry."""
    return np.true_divide(x, y)


@elementwise(
    partials=[0, 0],
    source="{x} // {y}",
    latex=r"\left\lfloor \frac{{{x}}}{{{y}}} \right\rfloor",
    numpy=[np.floor_divide],
    domain=[(0.1, 0.9), (1.0, 2.0)],
)
def floor_divide(x: Any, y: Any) -> Any:
    """Return the largest integer not above x / y; its derivative is 0, at the jumps too."""
    return np.floor_divide(x, y)


@elementwise(
    partials=[1, lambda out, x, y: -floor_divide(x, y)],
    source="{x} % {y}",
    latex=r"{x} \bmod {y}",
    numpy=[np.remainder],
    domain=[(2.1, 2.9), (0.6, 0.7)],
)
def remainder(x: Any, y: Any) -> Any:
    """Return x - y⌊x / y⌋, with the sign of y; at the jumps the derivative of the right piece."""
    return np.remainder(x, y)


@elementwise(partials=[-1], source="-{x}", latex="-{x}", numpy=[np.negative])
def negative(x: Any) -> Any:
    """Return -x."""
    return np.negative(x)


@elementwise(partials=[1], source="+{x}", latex="{x}", numpy=[np.positive])
def positive(x: Any) -> Any:
    """Return x itself, as a new value."""
    return np.positive(x)
