"""A metric measures predictions by a number that people understand; it has no gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..extras import command, package_of
from .scorers import as_metric, find_scorer, is_scorer, scorer_name
from .targets import check_classes, errors_of

Metric = Callable[[Array, Array], Any]
# What `fit` takes: one or several, by name or as they are, or under names of their own.
Metrics = str | Metric | Iterable[str | Metric] | Mapping[str, str | Metric]


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
    check_classes(prediction, target)
    classes = target.argmax(-1) if target.shape == prediction.shape else target
    return float(np.mean(prediction.argmax(-1) == classes))


def mae(prediction: Array, target: Array) -> float:
    """Return the mean absolute error.

    >>> import numpy as np
    >>> mae(np.array([[1.0], [2.0]]), np.array([1.0, 4.0]))
    1.0
    """
    return float(np.mean(np.abs(errors_of("mae", prediction, target))))


def rmse(prediction: Array, target: Array) -> float:
    """Return the root of the mean squared error.

    >>> import numpy as np
    >>> rmse(np.array([0.0, 0.0]), np.array([3.0, 3.0]))
    3.0
    """
    return float(np.sqrt(np.mean(errors_of("rmse", prediction, target) ** 2)))


def r2(prediction: Array, target: Array) -> float:
    """Return the coefficient of determination, 1 - Σ (y - p)² / Σ (y - ȳ)².

    For several outputs it is the mean of theirs. Where the targets do not vary it is 1 for
    predictions that are right and 0 for others, as in scikit-learn.

    >>> import numpy as np
    >>> r2(np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.0, 6.0]))
    0.357...
    """
    errors = errors_of("r2", prediction, target)
    residual = (errors**2).sum(axis=0)
    total = ((target - target.mean(axis=0)) ** 2).sum(axis=0)
    varies = total > 0
    share = np.where(varies, residual / np.where(varies, total, 1.0), residual > 0)
    return float(np.mean(1 - share))


# A metric stands in one of the two, so that early stopping cannot take one way for the other.
_LESS_IS_BETTER: dict[str, Metric] = {"mae": mae, "rmse": rmse}
_MORE_IS_BETTER: dict[str, Metric] = {"accuracy": accuracy, "r2": r2}
# The metrics that `fit` knows by name.
METRICS = dict(sorted((_LESS_IS_BETTER | _MORE_IS_BETTER).items()))


def direction(record: str) -> str:
    """Return "min" or "max": which of the two is better for what a history recorded.

    Raises
    ------
    ValueError
        If the name is not that of a loss, of a metric of adjoint's, or of a scorer.

    Examples
    --------
    >>> direction("val_loss"), direction("val_accuracy")
    ('min', 'max')
    """
    name = record.removeprefix("val_")
    if name == "loss" or name in _LESS_IS_BETTER:
        return "min"
    # Scikit-learn negates what is better when less, as "neg_log_loss": of all scorers more is
    # better.
    if name in _MORE_IS_BETTER or find_scorer(name) is not None:
        return "max"
    raise ValueError(
        f'monitor {record!r}: pass mode="min" or mode="max"; it is not known which is better'
    )


def as_metrics(metrics: Metrics) -> dict[str, Metric]:
    """Return the metrics by name, each as a function of predictions and targets.

    Parameters
    ----------
    metrics : str, callable, iterable of these, or dict of name to one of these
        A metric is a function of predictions and targets; a name of `METRICS`; or a scorer of
        scikit-learn, either its name, as "roc_auc", or the object, as ``make_scorer(f1_score)``.
        Where the targets are integers, a scorer takes these for classes, and the predictions for
        scores before the softmax or, if there is one score for each row, before the logistic
        function. All else is a regression to it.

    Raises
    ------
    ValueError
        If a name is unknown, a metric has none, or it is "loss" or "epoch", which a history uses.

    Examples
    --------
    >>> found = as_metrics(["mae", "rmse"])
    >>> {name: metric(np.array([0.0, 2.0]), np.array([0.0, 0.0])) for name, metric in found.items()}
    {'mae': 1.0, 'rmse': 1.4142135623730951}
    >>> list(as_metrics({"median": lambda prediction, target: np.median(prediction - target)}))
    ['median']
    """
    if isinstance(metrics, str) or callable(metrics):
        metrics = (metrics,)
    if isinstance(metrics, Mapping):
        named = {str(name): _as_metric(metric) for name, metric in metrics.items()}
    else:
        named = {_metric_name(metric): _as_metric(metric) for metric in metrics}
    if "loss" in named or "epoch" in named:
        raise ValueError('metrics: "loss" and "epoch" are recorded already; choose another name')
    return named


def _as_metric(metric: object) -> Metric:
    found = _find(metric) if isinstance(metric, str) else metric
    if callable(found):
        return as_metric(found) if is_scorer(found) else found
    raise ValueError(
        f"unknown metric {metric!r}; choose one of {', '.join(METRICS)}, or, with scikit-learn "
        f"({command([package_of('sklearn')])}), one of sklearn.metrics.get_scorer_names()"
    )


def _find(name: str) -> Any:
    return METRICS[name] if name in METRICS else find_scorer(name)


def _metric_name(metric: object) -> str:
    named = scorer_name(metric) if is_scorer(metric) else getattr(metric, "__name__", "<lambda>")
    name = metric if isinstance(metric, str) else named
    if name is None or name == "<lambda>":
        raise ValueError(f"metrics: {metric!r} has no name; pass a dict, as {{'name': function}}")
    return str(name)
