"""A tabular network's score is scikit-learn's, by the name that `adjoint fit --metric` has."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from sklearn import metrics

from ..core.annotations import Array, ArrayLike


def score_of_classes(
    metric: str | None, outputs: Array, y: Any, classes: Array, sample_weight: ArrayLike | None
) -> float:
    """Return a score of probabilities, of which more is better.

    Parameters
    ----------
    metric : str, optional
        One of `settings.METRICS`; by default accuracy.
    outputs : (n, classes) array
    y : (n,) array
    classes : (classes,) array
        In the order of the outputs.
    sample_weight : (n,) array, optional
    """
    weigh = {"sample_weight": sample_weight}
    is_binary = len(classes) == 2
    if metric == "log_loss":
        return -float(metrics.log_loss(y, outputs, labels=classes, **weigh))
    if metric == "roc_auc" and is_binary:
        return float(metrics.roc_auc_score(np.asarray(y) == classes[1], outputs[:, 1], **weigh))
    if metric == "roc_auc":
        several = {"multi_class": "ovr", "labels": classes}
        return float(metrics.roc_auc_score(y, outputs, **several, **weigh))
    found = classes[outputs.argmax(axis=1)]
    if metric == "f1":
        which = {"pos_label": classes[1]} if is_binary else {"average": "macro"}
        return float(metrics.f1_score(y, found, zero_division=0.0, **which, **weigh))
    measure = (
        metrics.balanced_accuracy_score if metric == "balanced_accuracy" else metrics.accuracy_score
    )
    return float(measure(y, found, **weigh))


_OF_NUMBERS: dict[str, tuple[int, Callable[..., Any]]] = {
    "r2": (1, metrics.r2_score),
    "mae": (-1, metrics.mean_absolute_error),
    "rmse": (-1, metrics.root_mean_squared_error),
}


def score_of_numbers(
    metric: str | None,
    outputs: Array,
    y: Any,
    levels: Sequence[float],
    sample_weight: ArrayLike | None,
) -> float:
    """Return a score of numbers, of which more is better.

    Parameters
    ----------
    metric : str, optional
        One of `settings.METRICS`; by default R², or its like for quantiles.
    outputs : (n,), (n, targets) or (n, quantiles) array
    y : (n,) or (n, targets) array
    levels : sequence of float
        Which quantiles these are; none for means.
    sample_weight : (n,) array, optional
    """
    if not levels:
        sign, measure = _OF_NUMBERS[metric or "r2"]
        return sign * float(measure(y, outputs, sample_weight=sample_weight))
    is_loss = metric == "pinball_loss"
    each = metrics.mean_pinball_loss if is_loss else metrics.d2_pinball_score
    values = [
        each(y, own, alpha=level, sample_weight=sample_weight)
        for level, own in zip(levels, outputs.T, strict=True)
    ]
    return float(np.mean(values)) * (-1 if is_loss else 1)
