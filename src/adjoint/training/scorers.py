"""A scorer is scikit-learn's metric of an estimator; here it measures predictions already made.

It is handed an estimator whose predictions are these, whatever data it is asked about.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import ShapeError, require
from ..ops.exponential import sigmoid
from ..ops.softmax import softmax

# A scorer of scikit-learn's: a function of an estimator, rows and targets.
Scorer = Callable[..., Any]


def is_scorer(metric: object) -> bool:
    """Return whether an object is a scorer, without importing scikit-learn for the question."""
    return type(metric).__module__ == "sklearn.metrics._scorer"


def find_scorer(name: str) -> Any:
    """Return the scorer that scikit-learn has under a name; None if it has none, or is absent."""
    try:
        found = require("sklearn.metrics", extra="sklearn", purpose=f"the metric {name!r}")
    except ImportError:
        return None
    return found.get_scorer(name) if name in found.get_scorer_names() else None


def scorer_name(scorer: object) -> str | None:
    """Return what a scorer's function is called, if it has one."""
    return getattr(getattr(scorer, "_score_func", None), "__name__", None)


def as_metric(scorer: Callable[..., Any]) -> Callable[[Array, Array], float]:
    """Return a scorer as a function of predictions and targets."""

    def metric(prediction: Array, target: Array) -> float:
        estimator, target = _presented(prediction, target)
        return float(scorer(estimator, np.empty((len(target), 0)), target))

    return metric


def _presented(prediction: Array, target: Array) -> tuple[Any, Array]:
    """Return an estimator that made these predictions, and the targets as scikit-learn's."""
    if target.dtype.kind not in "iub":
        return _Regressor(_column(prediction)), _column(target)
    apart = target.shape == prediction.shape[:-1]
    if apart and prediction.shape[-1] > 1:
        scores = prediction.reshape(-1, prediction.shape[-1])
        return _Classifier(scores, np.arange(scores.shape[1])), target.ravel()
    if prediction.size == target.size and (apart or target.size == len(target)):
        first = -1 if (target == -1).any() else 0
        return _Classifier(prediction.ravel(), np.array([first, 1])), target.ravel()
    raise ShapeError(
        f"metrics: prediction of shape {prediction.shape}, integer target of shape "
        f"{target.shape}; a scorer of classes expects (n, classes) and (n,), or one score each"
    )


def _column(array: Array) -> Array:
    """Return an array (n, 1) as (n,), the shape that scikit-learn gives to a single output."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


class _Regressor:
    """An estimator that predicts numbers."""

    def __init__(self, prediction: Array) -> None:
        self.prediction = prediction

    def __sklearn_tags__(self) -> Any:
        return _tags("regressor")

    def fit(self, X: object, y: object) -> _Regressor:
        """Return itself; it is here because scikit-learn asks every estimator for `fit`."""
        return self

    def predict(self, X: object) -> Array:
        """Return the predictions."""
        return self.prediction


class _Classifier:
    """An estimator that gives every class a score, or the second of two."""

    def __init__(self, scores: Array, classes: Array) -> None:
        self.scores = scores
        self.classes_ = classes

    def __sklearn_tags__(self) -> Any:
        return _tags("classifier")

    def fit(self, X: object, y: object) -> _Classifier:
        """Return itself; it is here because scikit-learn asks every estimator for `fit`."""
        return self

    def predict(self, X: object) -> Array:
        """Return the class of the highest score."""
        one = self.scores.ndim == 1
        best: Array = (self.scores > 0).astype(int) if one else self.scores.argmax(-1)
        return np.take(self.classes_, best)

    def predict_proba(self, X: object) -> Array:
        """Return the softmax of the scores, or the logistic function of a single one."""
        # In double precision: scikit-learn refuses rows that miss the sum 1 by float16's rounding.
        scores = self.scores.astype(np.float64)
        if scores.ndim == 1:
            return np.stack([sigmoid(-scores), sigmoid(scores)], axis=-1)
        return np.asarray(softmax(scores, axis=-1))

    def decision_function(self, X: object) -> Array:
        """Return the scores; for two classes, by how much that of the second is greater."""
        two = self.scores.ndim == 2 and self.scores.shape[1] == 2
        return self.scores[:, 1] - self.scores[:, 0] if two else self.scores


def _tags(kind: str) -> Any:
    """Return what scikit-learn asks of an estimator."""
    tags = require("sklearn.utils", extra="sklearn", purpose="a scorer")
    return tags.Tags(estimator_type=kind, target_tags=tags.TargetTags(required=True))
