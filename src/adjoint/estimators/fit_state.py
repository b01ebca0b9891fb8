"""A fit state is what one call of ``fit`` or ``partial_fit`` leaves for the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.annotations import Array


@dataclass
class FitState:
    """Where the training of an estimator stands, beside scikit-learn's public records.

    Attributes
    ----------
    order : (n,) array of int
        The order of the rows in the latest epoch; the next one is shuffled from it.
    worse : int
        How many epochs in a row were no better than the best.
    best_weights : dict of str to array, or None
        The network's state at its best validation score.
    report : str
        In which tier the latest call ran, and why in no faster one.
    """

    order: Array = field(default_factory=lambda: np.arange(0))
    worse: int = 0
    best_weights: dict[str, Array] | None = None
    report: str = ""


# What the fields were called when they were attributes of the estimator itself.
_BEFORE = {
    "order": "_order",
    "worse": "_no_improvement_count",
    "best_weights": "_best_state",
    "report": "_report",
}


def with_fit_state(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return the attributes of a pickled estimator, with a fit state in the place of its fields."""
    own = dict(attributes)
    found = {field: own.pop(name) for field, name in _BEFORE.items() if name in own}
    return own | {"_fit_state": FitState(**found)} if found else own
