"""A baseline is what a network must beat: no features at all, and a linear model."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..core.annotations import Array
from ..core.magnitude import magnitude
from ..network import Perceptron
from .encoder import Encoder
from .target import Target


def baselines(
    encoder: Encoder,
    target: Target,
    X: Array,
    y: Array,
    asked: Array,
    *,
    class_weight: str | None = None,
) -> dict[str, Any]:
    """Return what simple models, fitted to rows, predict of others.

    Parameters
    ----------
    X, asked : (n, width) and (m, width) array
        As an encoder gives them.
    y : (n,) array
    class_weight : {"balanced"}, optional

    Returns
    -------
    dict of str to array
        Probabilities or numbers of the rows ``asked``, by the model's name.
    """
    if target.task == "regression":
        exponent = magnitude(y)
        y = np.ldexp(y, -exponent)
        linear = linear_model(encoder, target, X, y)
        found = {
            "mean": np.full(len(asked), y.mean()),
            "linear regression": linear.predict(asked).astype(np.float64),
        }
        return {name: np.ldexp(numbers, exponent) for name, numbers in found.items()}
    chances = np.bincount(y, minlength=target.outputs) / len(y)
    majority = {"majority class": np.tile(chances, (len(asked), 1))}
    if (chances == 1).any():  # the others are only among the rows held out
        return majority
    linear = linear_model(encoder, target, X, y, class_weight=class_weight)
    return majority | {"logistic regression": _spread(linear, asked, target.outputs)}


def _spread(model: Pipeline, X: Array, count: int) -> Array:
    """Return probabilities of all classes, 0 for those that were not there in the fit."""
    found = np.zeros((len(X), count))
    found[:, model.classes_] = model.predict_proba(X)
    return found


def linear_model(
    encoder: Encoder, target: Target, X: Array, y: Array, *, class_weight: str | None = None
) -> Pipeline:
    """Return a linear or logistic regression of encoded rows, categories one-hot."""
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=1)
    columns = make_column_transformer(
        (one_hot, list(encoder.categories())), remainder="passthrough"
    )
    is_number = target.task == "regression"
    logistic = LogisticRegression(max_iter=200, class_weight=class_weight)
    model = make_pipeline(columns, Ridge() if is_number else logistic)
    with warnings.catch_warnings():
        # A linear model that has not quite converged is good enough to compare or to start with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        return model.fit(X, y)


def start_from_linear(
    network: Perceptron,
    encoder: Encoder,
    target: Target,
    X: Array,
    y: Array,
    *,
    class_weight: str | None = None,
) -> None:
    """Make a network answer as a linear model of the rows does, before it is trained.

    Parameters
    ----------
    network : Perceptron
        With a linear path. Its last layer becomes 0, so that the hidden layers add nothing yet.
    X : (n, width) array
    y : (n,) array
        As the network is trained on, without a number's scale.
    class_weight : {"balanced"}, optional
    """
    for parameter in (network.coefs[-1], network.intercepts[-1]):
        parameter.data[...] = 0
    if network.linear_path is None or len(np.unique(y)) < 2:
        return
    fitted = linear_model(encoder, target, X, y.ravel(), class_weight=class_weight)
    coefs, bias = _of_all_outputs(fitted[-1], target)
    levels, start = [], 0
    one_hot = fitted[0].named_transformers_.get("onehotencoder") if encoder.categories() else None
    for column, codes in zip(
        encoder.categories().values(), one_hot.categories_ if one_hot else [], strict=True
    ):
        level = np.zeros((column.count, target.outputs))
        level[codes.astype(int)] = coefs[start : start + len(codes)]
        levels.append(level)
        start += len(codes)
    network.linear_path.set(coefs[start:], levels, bias)


# What the logit of a class starts with that is not among the rows.
_ABSENT = -6.0


def _of_all_outputs(fitted: Any, target: Target) -> tuple[Array, Array]:
    """Return a linear model's weights, (columns, outputs), and its biases."""
    coefs, bias = np.atleast_2d(fitted.coef_).T, np.atleast_1d(fitted.intercept_)
    if target.task == "regression":
        return coefs, bias
    if coefs.shape[1] == 1:  # of two classes it has the difference of their logits
        coefs, bias = np.hstack([-coefs, coefs]) / 2, np.hstack([-bias, bias]) / 2
    wide, biases = np.zeros((len(coefs), target.outputs)), np.full(target.outputs, _ABSENT)
    wide[:, fitted.classes_], biases[fitted.classes_] = coefs, bias
    return wide, biases
