"""A partial dependence is what a model predicts on average where one column has a given value."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from .column import Column
from .model import TableModel

if TYPE_CHECKING:
    import pyarrow

_MOST_ROWS = 200
_MOST_VALUES = 25
_MOST_LEVELS = 12


@dataclass(frozen=True)
class Dependence:
    """What a model predicts by the values of one column, on average over rows.

    Friedman, "Greedy function approximation", Annals of Statistics 29, 2001.

    Attributes
    ----------
    column : Column
    values : list
        Numbers, the names of categories, or moments.
    outputs : (values, k) array
        The classes' probabilities, numbers, or quantiles.
    """

    column: Column
    values: list[Any]
    outputs: Array

    def of_output(self, place: int) -> Dependence:
        """Return the same of one of several outputs."""
        return replace(self, outputs=self.outputs[:, place : place + 1])


def dependence(model: TableModel, X: Array, name: str) -> Dependence:
    """Return how the predictions for rows depend on a column.

    Parameters
    ----------
    X : (n, width) array
        Encoded rows, of which at most 200 are asked.
    name : str
        One that the model reads.
    """
    start = 0
    for column in model.encoder.columns:
        if column.name == name:
            break
        start += column.width
    else:
        raise ValueError(f"no column {name!r} among those that the model reads")
    values = _values(column)
    encoded = column.encode(values, Counter())
    rows = X[:_MOST_ROWS].copy()
    outputs = []
    for value in encoded:
        rows[:, start : start + column.width] = value
        outputs.append(model.outputs(rows).reshape(len(rows), -1).mean(axis=0))
    return Dependence(column, values.to_pylist(), np.array(outputs))


def _values(column: Column) -> pyarrow.Array:
    """Return values of a column, from its least to its greatest, or its first categories."""
    import pyarrow

    if column.kind == "category":
        return pyarrow.array(column.levels[:_MOST_LEVELS], pyarrow.string())
    quantiles = np.asarray(column.quantiles)
    # Between the outermost of a hundred, beyond which one row may lie far away.
    inner = quantiles[1:-1] if len(quantiles) > 50 else quantiles
    found = np.unique(np.quantile(inner, np.linspace(0, 1, _MOST_VALUES)))
    if len(quantiles) <= _MOST_VALUES:
        found = quantiles
    if column.kind == "number":
        return pyarrow.array(found)
    micros = np.round(found * 1e6).astype(np.int64)
    if column.dates is not None and column.dates.is_time:
        return pyarrow.array(micros % 86_400_000_000, pyarrow.time64("us"))
    return pyarrow.array(micros, pyarrow.timestamp("us"))
