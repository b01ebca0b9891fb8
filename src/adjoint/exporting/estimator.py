"""An estimator, or a pipeline of scalers before one, as one function of the columns."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..estimators.classifier import MLPClassifier
from ..estimators.regressor import MLPRegressor
from ..estimators.tables import TableEncoder
from ..estimators.tabular_estimator import TabularEstimator
from ..network import Perceptron
from ..ops.exponential import sigmoid
from ..ops.softmax import softmax
from ..ops.structural import astype
from .frame_reader import FrameReader, reads_texts
from .refusal import ExportError
from .subject import Subject
from .table_reader import of_tabular

Step = Callable[[Any], Any]


def of_estimator(estimator: Any) -> Subject:
    """Return a fitted estimator of ours, or a pipeline that ends in one, as a subject.

    Raises
    ------
    ExportError
        If it is none, is not fitted, or has a step that is not known here, which is named.
    """
    steps = estimator.steps if hasattr(estimator, "steps") else [("", estimator)]
    *before, (_, last) = steps
    if isinstance(last, TabularEstimator):
        if any(step not in (None, "passthrough") for _, step in before):
            raise ExportError(
                f"export: {type(last).__name__} reads columns as they are; export it without the "
                "steps before it"
            )
        return of_tabular(last)
    if not isinstance(last, (MLPClassifier, MLPRegressor)):
        raise ExportError(
            f"export: {type(last).__name__} cannot be exported; expected an MLPClassifier, "
            "MLPRegressor, TabularClassifier or TabularRegressor, or a pipeline that ends in one"
        )
    if not hasattr(last, "coefs_"):
        raise ExportError(f"export: this {type(last).__name__} is not fitted yet; call fit first")
    network: Perceptron = last._network
    network.eval()
    dtype = network.coefs[0].dtype
    reads_frame = any(map(reads_texts, last._table.levels.values()))
    scaling = [_scaler(name, step) for name, step in before if step not in (None, "passthrough")]
    coding = _coding(last._table)
    ending = _ending(last)

    def predict(x: Any) -> Any:
        for step in scaling:
            x = step(x)
        return ending(network.forward(coding(x)))

    first = before[0][1] if before else last
    example = np.zeros((1, int(first.n_features_in_)), dtype)
    classes = getattr(last, "classes_", None)
    labels = () if classes is None else tuple(map(str, classes))
    is_classifier = isinstance(last, MLPClassifier) and not last._is_multilabel
    told = [type(step).__name__ for _, step in steps if step not in (None, "passthrough")]
    subject = Subject(
        predict,
        (example,),
        f"{' and '.join(told)}, as fitted",
        has_rows=True,
        labels=labels,
        is_classifier=is_classifier,
        names=("x",),
        classes=classes,
        results=("variable",),
        columns=tuple(map(str, getattr(first, "feature_names_in_", ()))),
    )
    if not reads_frame:
        return subject
    count = int(first.n_features_in_)
    names = [str(name) for name in getattr(first, "feature_names_in_", range(count))]
    return replace(subject, reader=FrameReader.of(last._table, names, subject))


def _scaler(name: str, step: Any) -> Step:
    """Return what a scaler of scikit-learn does: x · factor + shift, or (x - mean) / scale."""
    kind = type(step).__name__
    width = getattr(step, "n_features_in_", None)
    if width is None:
        raise ExportError(f"export: the step {name!r} ({kind}) is not fitted yet")
    if kind in ("StandardScaler", "RobustScaler"):
        mean = step.mean_ if kind == "StandardScaler" else step.center_
        middle = np.zeros(width) if mean is None else np.asarray(mean)
        scale = np.ones(width) if step.scale_ is None else np.asarray(step.scale_)
        return lambda x: (x - middle.astype(x.dtype)) / scale.astype(x.dtype)
    if kind == "MinMaxScaler" and not step.clip:
        factor, shift = np.asarray(step.scale_), np.asarray(step.min_)
        return lambda x: x * factor.astype(x.dtype) + shift.astype(x.dtype)
    if kind == "MaxAbsScaler":
        largest = np.asarray(step.scale_)
        return lambda x: x / largest.astype(x.dtype)
    raise ExportError(
        f"export: the step {name!r} is a {kind}, which is not known here; known are "
        "StandardScaler, RobustScaler, MinMaxScaler without clip, and MaxAbsScaler"
    )


def _coding(table: TableEncoder) -> Step:
    """Return how categories become their numbers, and missing numbers a mean and a mark.

    Those that are texts are numbers already, see `FrameReader`.
    """
    levels = {
        place: np.array(found, np.float64)
        for place, found in table.levels.items()
        if not reads_texts(found)
    }
    means: Array | None = table.means
    marked = () if table.marked is None else tuple(int(place) for place in table.marked)

    def code(x: Any) -> Any:
        columns = [x[:, place : place + 1] for place in range(x.shape[1])]
        for place, found in levels.items():
            columns[place] = _numbered(columns[place], found)
        marks = [astype(np.isnan(columns[place]), dtype=x.dtype) for place in marked]
        if means is not None:
            columns = [
                np.where(np.isnan(column), float(mean), column)
                for column, mean in zip(columns, means, strict=True)
            ]
        return np.concatenate([*columns, *marks], axis=1) if levels or means is not None else x

    return code


def _numbered(column: Any, levels: Array) -> Any:
    """Return the number of each category, from 1; 0 for one that is unknown."""
    found = np.where(column == levels[0], 1.0, 0.0) if len(levels) else column * 0
    for number, level in enumerate(levels[1:].tolist(), 2):
        found = np.where(column == level, float(number), found)
    return astype(found, dtype=column.dtype)


def _ending(estimator: Any) -> Step:
    """Return what follows the network: probabilities of classes, or numbers."""
    kind = estimator.out_activation_
    if isinstance(estimator, MLPClassifier):
        if kind == "softmax":
            return lambda z: softmax(z, axis=1)
        if estimator.n_outputs_ > 1:
            return sigmoid
        return _both
    return np.exp if kind == "exp" else lambda z: z


def _both(z: Any) -> Any:
    probability = sigmoid(z)
    return np.concatenate([1 - probability, probability], axis=1)
