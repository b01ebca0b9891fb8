"""Trigonometric and hyperbolic functions, of angles in radians."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..kinds import elementwise


@elementwise(
    partials=[lambda y, x: cos(x)],
    source="np.sin({x})",
    latex=r"\sin {x}",
    numpy=[np.sin],
    method=True,
)
def sin(x: Any) -> Any:
    """Return the sine of x in radians."""
    return np.sin(x)


@elementwise(
    partials=[lambda y, x: -sin(x)],
    source="np.cos({x})",
    latex=r"\cos {x}",
    numpy=[np.cos],
    method=True,
)
def cos(x: Any) -> Any:
    """Return the cosine of x in radians."""
    return np.cos(x)


@elementwise(
    partials=[lambda y, x: 1 - y * y],
    source="np.tanh({x})",
    latex=r"\tanh {x}",
    numpy=[np.tanh],
    method=True,
)
def tanh(x: Any) -> Any:
    """Return the hyperbolic tangent."""
    return np.tanh(x)
