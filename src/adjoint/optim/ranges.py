"""The settings of optimisers that have a usual range."""

from __future__ import annotations

import math
from typing import Any

_POSITIVE = {"lr", "epsilon"}
# From 0 to below a bound.
_RANGES = {
    "alpha": 1.0,
    "beta1": 1.0,
    "beta2": 1.0,
    "lr_decay": math.inf,
    "momentum": 1.0,
    "momentum_decay": math.inf,
    "rho": 1.0,
    "weight_decay": math.inf,
}


def checked_number(name: str, value: Any) -> Any:
    """Return a setting within the range that is usual for its name, as a Python float."""
    if name in _POSITIVE:
        return positive(name, value)
    return in_range(name, value, below=_RANGES[name]) if name in _RANGES else value


def positive(name: str, number: Any) -> float:
    """Return a positive number as a Python float.

    It does not promote float32 arrays; a NumPy float64 would.
    """
    if 0 < _as_float(name, number) < math.inf:
        return float(number)
    raise ValueError(f"{name} must be positive and finite, got {number}")


def in_range(name: str, number: Any, *, below: float = math.inf) -> float:
    """Return a number from 0 to below a bound as a Python float."""
    if 0 <= _as_float(name, number) < below:
        return float(number)
    raise ValueError(f"{name} must be at least 0 and below {below}, got {number}")


def _as_float(name: str, number: Any) -> float:
    try:
        return float(number)
    except (TypeError, ValueError):
        raise TypeError(
            f"{name}: expected a number, or a function of the steps taken, got {number!r}"
        ) from None
