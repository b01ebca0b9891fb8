"""A record is what a training kept of every epoch, and who kept it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ..core.annotations import Array


def recorder(estimator: object) -> Any:
    """Return the estimator that recorded its losses: this one, or one within it."""
    found = estimator
    while not hasattr(found, "loss_curve_"):
        if hasattr(found, "steps"):
            found = found.steps[-1][1]
            continue
        inner = [name for name in ("best_estimator_", "regressor_") if hasattr(found, name)]
        if not inner:
            raise TypeError(
                f"{type(found).__name__} has no loss_curve_; pass a fitted estimator that records "
                "one at every epoch, which solver='lbfgs' of scikit-learn does not"
            )
        found = getattr(found, inner[0])
    return found


def at_the_end(values: Sequence[float] | None, count: int) -> Array | None:
    """Return records as those of the last epochs: a fit may go on with validation rows."""
    if values is None or len(values) == 0:
        return None
    return np.concatenate([np.full(max(count - len(values), 0), np.nan), values])


def column(values: ArrayLike, name: str, count: int | None) -> Array:
    """Return the values as an (n,) float array; infinities become NaN, which leaves a gap."""
    found = np.asarray(values, dtype=np.float64)
    if found.ndim != 1 or (count is not None and len(found) != count):
        expected = "one value per epoch" if count is None else f"({count},), as many as losses"
        raise ValueError(f"{name} has shape {found.shape}; expected {expected}")
    if not found.size:
        raise ValueError(f"{name} is empty: there is no epoch to draw; train at least one")
    return np.where(np.isfinite(found), found, np.nan)
