"""Features are columns made of two coordinates; each is a name, a formula and a line of NumPy."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from ..core.annotations import Array


class Feature(NamedTuple):
    """A column of x1 and x2: how it is written for readers, as NumPy, and what computes it."""

    formula: str
    source: str
    compute: Callable[[Array], Array]


FEATURES: dict[str, Feature] = {
    "x1": Feature("x₁", "X[:, 0]", lambda X: X[:, 0]),
    "x2": Feature("x₂", "X[:, 1]", lambda X: X[:, 1]),
    "x1_squared": Feature("x₁²", "X[:, 0] * X[:, 0]", lambda X: X[:, 0] * X[:, 0]),
    "x2_squared": Feature("x₂²", "X[:, 1] * X[:, 1]", lambda X: X[:, 1] * X[:, 1]),
    "product": Feature("x₁x₂", "X[:, 0] * X[:, 1]", lambda X: X[:, 0] * X[:, 1]),
    "sin_x1": Feature("sin x₁", "np.sin(X[:, 0])", lambda X: np.sin(X[:, 0])),
    "sin_x2": Feature("sin x₂", "np.sin(X[:, 1])", lambda X: np.sin(X[:, 1])),
}
PLAIN = ("x1", "x2")


def columns(X: Array, names: Sequence[str]) -> Array:
    """Return the features of (n, 2) points, one column each."""
    return np.column_stack([FEATURES[name].compute(X) for name in names])


def source(names: Sequence[str]) -> str:
    """Return the line that makes ``X`` its features; none where they are the coordinates."""
    if tuple(names) == PLAIN:
        return ""
    inner = ", ".join(FEATURES[name].source for name in names)
    return f"X = np.column_stack([{inner}])"
