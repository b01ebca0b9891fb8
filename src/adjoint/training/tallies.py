"""A tally is a metric as sums over rows, which a training step adds up without its predictions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from ..core.annotations import Array
from ..core.reproducibility import is_reproducible, ordered_sum
from ..core.value import Value
from ..ops.piecewise import where
from ..ops.reductions import max as greatest
from ..ops.reductions import min as least
from ..ops.reductions import sum as total
from ..ops.structural import astype
from .metrics import Metric, accuracy, mae, r2, rmse
from .targets import check_classes, errors_of

# A metric of more outputs than these is computed from predictions.
_MOST_OUTPUTS = 64


class Tally(Protocol):
    """How a metric is made of sums."""

    def count(self, target: Any) -> int:
        """Return how many sums there are for such targets."""

    def sums(self, prediction: Any, target: Any) -> list[Any]:
        """Return sums over the rows of a batch, each a single number of the prediction's dtype."""

    def numbers(self, means: Array, target: Array) -> Array:
        """Return the metric of each epoch.

        Parameters
        ----------
        means : (epochs, k) array
            The sums over all rows, divided by the number of these.
        target : (n, …) array
            The targets of these rows.
        """


class _Accuracy:
    def count(self, target: Any) -> int:
        """Return 1."""
        return 1

    def sums(self, prediction: Any, target: Any) -> list[Any]:
        """Return how many rows have their greatest entry at the target's class."""
        check_classes(prediction, target)
        target = astype(target, dtype=prediction.dtype)
        known = _first_greatest(target) if target.shape == prediction.shape else target
        size = max(1, math.prod(known.shape[1:]))
        return [total(astype(_first_greatest(prediction) == known, dtype=prediction.dtype)) / size]

    def numbers(self, means: Array, target: Array) -> Array:
        """Return the share of right rows."""
        return means[:, 0]


def _first_greatest(x: Any) -> Any:
    """Return the place of the greatest entry along the last axis, of equal ones the first."""
    count = x.shape[-1]
    places = np.arange(count, dtype=x.dtype)
    beyond = x.dtype.type(count)
    return least(where(x == greatest(x, axis=-1, keepdims=True), places, beyond), axis=-1)


class _MeanError:
    """The mean of a power of the absolute errors.

    Parameters
    ----------
    name : str
    power : {1, 2}
    """

    def __init__(self, name: str, power: int) -> None:
        self.name, self.power = name, power

    def count(self, target: Any) -> int:
        """Return 1."""
        return 1

    def sums(self, prediction: Any, target: Any) -> list[Any]:
        """Return the sum of the errors; that of a row is the mean of its outputs."""
        errors = errors_of(self.name, prediction, target)
        size = max(1, math.prod(errors.shape[1:]))
        return [total(abs(errors) if self.power == 1 else errors * errors) / size]

    def numbers(self, means: Array, target: Array) -> Array:
        """Return the mean, or its root."""
        return means[:, 0] if self.power == 1 else np.sqrt(means[:, 0])


class _Determination:
    def count(self, target: Any) -> int:
        """Return how many outputs there are."""
        return math.prod(target.shape[1:])

    def sums(self, prediction: Any, target: Any) -> list[Any]:
        """Return the sum of the squared errors of each output."""
        errors = errors_of("r2", prediction, target)
        if math.prod(errors.shape[1:]) > _MOST_OUTPUTS:
            raise ValueError(f"r2 of more than {_MOST_OUTPUTS} outputs")
        residual = total(errors * errors, axis=0)
        return [residual[place] for place in np.ndindex(residual.shape)]

    def numbers(self, means: Array, target: Array) -> Array:
        """Return 1 - Σ (y - p)² / Σ (y - ȳ)², the mean over the outputs."""
        varying = _mean((target - _mean(target)) ** 2).ravel()
        varies = varying > 0
        share = np.where(varies, means / np.where(varies, varying, 1.0), means > 0)
        return np.asarray(_mean((1 - share).T))


def _mean(x: Array) -> Array:
    """Return the mean over the first axis."""
    if is_reproducible():
        return np.asarray(ordered_sum(x) / x.dtype.type(len(x)))
    return np.asarray(x.mean(axis=0))


_TALLIES: dict[Metric, Tally] = {
    accuracy: _Accuracy(),
    mae: _MeanError("mae", 1),
    rmse: _MeanError("rmse", 2),
    r2: _Determination(),
}


class Tallies:
    """The metrics of a training as tallies.

    Parameters
    ----------
    metrics : mapping of str to callable

    Raises
    ------
    ValueError
        If one of them is none of adjoint's own.
    """

    def __init__(self, metrics: Mapping[str, Metric]) -> None:
        unknown = [name for name, metric in metrics.items() if _tally(metric) is None]
        if unknown:
            raise ValueError(f"the metric {unknown[0]!r} needs the predictions of every step")
        self._tallies = {name: _TALLIES[metric] for name, metric in metrics.items()}

    def sums(self, prediction: Any, target: Any) -> list[Any]:
        """Return the sums of all metrics over the rows of a batch."""
        if not isinstance(target, Value):
            target = np.asarray(target)
        return [
            number for tally in self._tallies.values() for number in tally.sums(prediction, target)
        ]

    def records(self, means: Array, target: Array) -> dict[str, list[float]]:
        """Return each metric for each epoch, of the means over the rows as a row for an epoch."""
        found, start = {}, 0
        for name, tally in self._tallies.items():
            stop = start + tally.count(target)
            found[name] = tally.numbers(means[:, start:stop], target).tolist()
            start = stop
        return found

    def column(self, name: str, target: Array) -> int | None:
        """Return which of the means is that metric; None if it is not a mean as it stands."""
        before = list(self._tallies).index(name)
        if self._tallies[name] not in _MEANS:
            return None
        return sum(tally.count(target) for tally in list(self._tallies.values())[:before])


_MEANS = [_TALLIES[accuracy], _TALLIES[mae]]


def _tally(metric: Metric) -> Tally | None:
    try:
        return _TALLIES.get(metric)
    except TypeError:  # what has no hash is none of adjoint's own
        return None


def sums_as_floats(sums: Sequence[Any]) -> Array:
    """Return sums of plain arrays as floats."""
    return np.array([float(np.asarray(number)) for number in sums])
