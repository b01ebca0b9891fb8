"""Settings of optimisers are checked by their names: the usual names have usual ranges."""

from __future__ import annotations

import math
from typing import Any

from ..core.checks import as_float, in_range, positive

# Settings that are positive and finite.
_POSITIVE = {"lr", "epsilon"}
# Settings that go from 0 to below a bound: the bound.
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


def checked_number(name: str, value: object) -> Any:
    """Return a setting within the range that is usual for its name, as a Python float."""
    if name not in _POSITIVE and name not in _RANGES:
        return value
    try:
        as_float(name, value)
    except TypeError:
        # A setting may be a schedule as well, which `as_float` does not know.
        raise TypeError(
            f"{name}: expected a number, or a function of the steps taken, got {value!r}"
        ) from None
    if name in _POSITIVE:
        return positive(name, value)
    return in_range(name, value, below=_RANGES[name])
