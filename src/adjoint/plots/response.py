"""A response is what an estimator says of rows: the probability of each class."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..core.annotations import Array
from . import style
from .scatter import check_class_count


def respond(
    estimator: object, points: Sequence[Any] | Array, labels: NDArray[Any] | None
) -> tuple[Array, NDArray[Any]]:
    """Return the (n, c) probabilities and the c classes they are for.

    An estimator without `predict_proba` is certain of the class that it predicts. One whose
    training diverged may answer NaN.
    """
    if hasattr(estimator, "predict_proba"):
        response = np.asarray(estimator.predict_proba(points), dtype=np.float64)
        _check_probabilities(response, len(points))
        return response, _classes(estimator, response.shape[1], labels)
    if hasattr(estimator, "predict"):
        return _one_hot(estimator, np.asarray(estimator.predict(points)), len(points), labels)
    raise TypeError(
        f"{type(estimator).__name__} has neither predict_proba nor predict; pass a fitted "
        "classifier, or an object with one of the two"
    )


def _check_probabilities(response: Array, count: int) -> None:
    if response.ndim != 2 or len(response) != count or response.shape[1] < 2:
        raise ValueError(
            f"predict_proba returned shape {response.shape} for {count} points; expected "
            f"({count}, c), a column for each of at least two classes"
        )


def _one_hot(
    estimator: object, predicted: NDArray[Any], count: int, labels: NDArray[Any] | None
) -> tuple[Array, NDArray[Any]]:
    """Return certainty, 0 or 1, for an estimator that only names the class."""
    if predicted.shape != (count,):
        raise ValueError(f"predict returned shape {predicted.shape}; expected ({count},)")
    seen = np.unique(predicted if labels is None else np.concatenate([predicted, labels]))
    classes = np.asarray(getattr(estimator, "classes_", seen))
    if len(classes) > style.MOST_CLASSES:
        raise ValueError(
            f"predict returned {len(classes)} different values; expected class labels, at most "
            f"{style.MOST_CLASSES}: a regressor has no decision boundary, ResidualsDisplay shows it"
        )
    _check_labels(seen, classes)
    return (predicted[:, None] == classes).astype(np.float64), classes


def _classes(estimator: object, count: int, labels: NDArray[Any] | None) -> NDArray[Any]:
    """Return the names of ``count`` classes: the estimator's, else 0 to count - 1, else y's."""
    numbers = np.arange(count)
    seen = numbers if labels is None else np.unique(labels)
    unnamed = seen if len(seen) == count else numbers
    classes = np.asarray(getattr(estimator, "classes_", unnamed))
    check_class_count(count, "predict_proba")
    if len(classes) != count:
        raise ValueError(f"predict_proba has {count} columns, but classes_ has {len(classes)}")
    if labels is not None:
        _check_labels(seen, classes)
    return classes


def _check_labels(seen: NDArray[Any], classes: NDArray[Any]) -> None:
    # Python's sets tell '0' from 0; NumPy would turn the numbers into strings and find it.
    strangers = set(seen.tolist()) - set(classes.tolist())
    if strangers:
        raise ValueError(
            f"the labels {sorted(strangers)} are none of the estimator's classes "
            f"{classes.tolist()}; pass labels of the kind it was fitted on"
        )
