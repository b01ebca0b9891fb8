"""A column's importance is what a model loses where the column's values change rows."""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array
from .model import TableModel
from .scores import headline, score

_MOST_ROWS = 2000
_REPEATS = 3


def importances(model: TableModel, X: Array, y: Array, *, seed: int) -> dict[str, float]:
    """Return by how much the headline score falls, by column, most important first.

    The mean of three permutations: Breiman, "Random forests", Machine Learning 45, 2001. At most
    2,000 rows are asked.

    Parameters
    ----------
    X : (n, width) array
        Held-out rows, encoded.
    y : (n,) array
    """
    X, y = X[:_MOST_ROWS], y[:_MOST_ROWS]
    rng = np.random.default_rng(seed)
    name = headline(model.target.task)
    best = score(model.outputs(X), y, model.target.task)[name]
    found, start = {}, 0
    for column in model.encoder.columns:
        own = slice(start, start + column.width)
        start += column.width
        losses = []
        for _ in range(_REPEATS):
            changed = X.copy()
            # All numbers that a column becomes move together, as a value and the mark of a missing
            # one do.
            changed[:, own] = X[rng.permutation(len(X)), own]
            losses.append(best - score(model.outputs(changed), y, model.target.task)[name])
        found[column.name] = float(np.mean(losses))
    return dict(sorted(found.items(), key=lambda item: -item[1]))
