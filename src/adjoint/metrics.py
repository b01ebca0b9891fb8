"""A metric measures predictions by a number that people understand; it has no gradient."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from .errors import ShapeError, choose

Array = np.ndarray[Any, Any]
Metric = Callable[[Array, Array], Any]


def accuracy(prediction: Array, target: Array) -> float:
    """Return the share of rows whose greatest entry is that of the target's class.

    Parameters
    ----------
    prediction : (..., c) array
        Scores or probabilities.
    target : (...) integer array, or (..., c) array of probabilities

    Raises
    ------
    ShapeError
        If the shapes do not fit, or there is only one class.

    Examples
    --------
    >>> import numpy as np
    >>> accuracy(np.array([[2.0, 1.0], [0.0, 1.0]]), np.array([0, 0]))
    0.5
    """
    fitting = (prediction.shape, prediction.shape[:-1])
    if prediction.ndim < 2 or prediction.shape[-1] < 2 or target.shape not in fitting:
        raise ShapeError(
            f"accuracy: prediction of shape {prediction.shape}, target of shape {target.shape}; "
            "expected (n, classes) with at least two classes, and (n,) or the same"
        )
    classes = target.argmax(-1) if target.shape == prediction.shape else target
    return float(np.mean(prediction.argmax(-1) == classes))


# The metrics that `fit` knows by name.
METRICS: dict[str, Metric] = {"accuracy": accuracy}


def as_metrics(metrics: Any) -> dict[str, Metric]:
    """Return the metrics by name."""
    if isinstance(metrics, str) or callable(metrics):
        metrics = (metrics,)
    if not isinstance(metrics, Mapping):
        metrics = {_metric_name(metric): metric for metric in metrics}
    named = {
        name: metric if callable(metric) else METRICS[choose("metric", metric, METRICS)]
        for name, metric in metrics.items()
    }
    if "loss" in named or "epoch" in named:
        raise ValueError('metrics: "loss" and "epoch" are recorded already; choose another name')
    return named


def _metric_name(metric: Any) -> str:
    name = metric if isinstance(metric, str) else getattr(metric, "__name__", "<lambda>")
    if name == "<lambda>":
        raise ValueError(f"metrics: {metric!r} has no name; pass a dict, as {{'name': function}}")
    return str(name)
