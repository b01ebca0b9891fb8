"""A baseline is what a network must beat: no features at all, and a linear model."""

from __future__ import annotations

import warnings
from functools import partial
from typing import Any

import numpy as np
from sklearn.compose import make_column_transformer
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, QuantileRegressor, Ridge
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder

from ..core.annotations import Array
from ..core.magnitude import magnitude
from ..network import Perceptron
from .encoder import Encoder
from .target import mean_and_deviation
from .targets import AnyTarget, Targets

# Models that read no column.
CONSTANT = ("mean", "majority class", "constant quantiles")
# A linear quantile regression takes time by the rows squared, and more by its columns.
_MOST_ROWS, _MOST_COLUMNS = 2000, 100


def baselines(
    encoder: Encoder,
    target: AnyTarget,
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
    y : (n,) or (n, targets) array
    class_weight : {"balanced"}, optional

    Returns
    -------
    dict of str to array
        Probabilities or numbers of the rows ``asked``, by the model's name.
    """
    if isinstance(target, Targets):
        pairs = zip(target.columns, y.T, strict=True)
        each = [baselines(encoder, one, X, own, asked) for one, own in pairs]
        return {name: np.column_stack([found[name] for found in each]) for name in each[0]}
    if target.task == "regression":
        exponent = magnitude(y)
        of_numbers = _of_quantiles if target.quantiles else _of_means
        found = of_numbers(encoder, target, X, np.ldexp(y, -exponent), asked)
        return {name: np.ldexp(numbers, exponent) for name, numbers in found.items()}
    chances = np.bincount(y, minlength=target.outputs) / len(y)
    majority = {"majority class": np.tile(chances, (len(asked), 1))}
    if (chances == 1).any():  # the others are only among the rows held out
        return majority
    linear = linear_model(encoder, target, X, y, class_weight=class_weight)
    return majority | {"logistic regression": _spread(linear, asked, target.outputs)}


def _of_means(
    encoder: Encoder, target: AnyTarget, X: Array, y: Array, asked: Array
) -> dict[str, Array]:
    linear = linear_model(encoder, target, X, y)
    return {
        "mean": np.full(len(asked), y.mean()),
        "linear regression": linear.predict(asked).astype(np.float64),
    }


def _of_quantiles(
    encoder: Encoder, target: AnyTarget, X: Array, y: Array, asked: Array
) -> dict[str, Array]:
    """Return the quantiles of all rows, and those of a linear model: of at most 2,000 rows.

    With many columns it is a linear regression, to which the quantiles of what it leaves over are
    added.
    """
    levels = target.quantiles
    found = {"constant quantiles": np.tile(np.quantile(y, levels), (len(asked), 1))}
    if _width(encoder) > _MOST_COLUMNS:
        linear = linear_model(encoder, target, X, y)
        left = np.quantile(y - linear.predict(X), levels)
        return found | {"shifted linear regression": linear.predict(asked)[:, np.newaxis] + left}
    rows = np.random.default_rng(0).permutation(len(y))[:_MOST_ROWS]
    mean, deviation = mean_and_deviation(y)
    scaled = (y[rows] - mean) / (deviation or 1.0)
    lines = [
        _fitted(encoder, QuantileRegressor(quantile=q, alpha=0.0), X[rows], scaled).predict(asked)
        for q in levels
    ]
    # Lines may cross, and are put in order as the network's quantiles are.
    line = np.sort(np.column_stack(lines), axis=1) * (deviation or 1.0) + mean
    return found | {"linear quantile regression": line}


def _width(encoder: Encoder) -> int:
    """Return how many columns a linear model of encoded rows has."""
    categories = encoder.categories().values()
    return encoder.width - len(categories) + sum(column.count for column in categories)


def _spread(model: Pipeline, X: Array, count: int) -> Array:
    """Return probabilities of all classes, 0 for those that were not there in the fit."""
    found = np.zeros((len(X), count))
    found[:, model.classes_] = model.predict_proba(X)
    return found


def linear_model(
    encoder: Encoder,
    target: AnyTarget,
    X: Array,
    y: Array,
    *,
    class_weight: str | None = None,
    weights: Array | None = None,
) -> Pipeline:
    """Return a linear or logistic regression of encoded rows, categories one-hot."""
    logistic = LogisticRegression(max_iter=200, class_weight=class_weight)
    model = Ridge() if target.task == "regression" else logistic
    return _fitted(encoder, model, X, y, weights)


def _fitted(
    encoder: Encoder, model: Any, X: Array, y: Array, weights: Array | None = None
) -> Pipeline:
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=1)
    columns = make_column_transformer(
        (one_hot, list(encoder.categories())), remainder="passthrough"
    )
    given = {} if weights is None else {"sample_weight": weights}
    with warnings.catch_warnings():
        # A linear model that has not quite converged is good enough to compare or to start with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        # Not by a pipeline, which names weights in another way where metadata are routed.
        model.fit(columns.fit_transform(X), y, **given)
    return make_pipeline(columns, model)


def start_from_linear(
    network: Perceptron,
    encoder: Encoder,
    target: AnyTarget,
    X: Array,
    y: Array,
    weights: Array | None = None,
    *,
    class_weight: str | None = None,
) -> None:
    """Make a network answer as a linear model of the rows does, before it is trained.

    Parameters
    ----------
    network : Perceptron
        With a linear path. Its last layer becomes 0, so that the hidden layers add nothing yet.
    X : (n, width) array
    y : (n, ...) array
        As the network is trained on, without a number's scale.
    weights : (n,) array, optional
        How much each row counts.
    class_weight : {"balanced"}, optional
    """
    for parameter in (network.coefs[-1], network.intercepts[-1]):
        parameter.data[...] = 0
    if network.linear_path is None:
        return
    if len(np.unique(y)) < 2:
        if target.labels:
            _start_from_one(network, encoder, target, int(y[0]))
        return
    y = y.ravel() if target.outputs == 1 else y
    fitted = linear_model(encoder, target, X, y, class_weight=class_weight, weights=weights)
    coefs, bias = _of_all_outputs(fitted[-1], target)
    if target.quantiles:
        # One slope for all of them, and what the linear model leaves over for each.
        coefs = np.repeat(coefs, target.outputs, axis=1)
        left = y - fitted.predict(X)
        # Only this way of NumPy's takes weights.
        cut = partial(np.quantile, weights=weights, method="inverted_cdf")
        bias = bias + cut(left, target.quantiles)
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


def _start_from_one(network: Perceptron, encoder: Encoder, target: AnyTarget, code: int) -> None:
    """Let a network start with the only class that there is."""
    assert network.linear_path is not None
    bias = np.full(target.outputs, _ABSENT)
    bias[code] = 0.0
    levels = [np.zeros((one.count, target.outputs)) for one in encoder.categories().values()]
    width = encoder.width - len(levels)
    network.linear_path.set(np.zeros((width, target.outputs)), levels, bias)


def _of_all_outputs(fitted: Any, target: AnyTarget) -> tuple[Array, Array]:
    """Return a linear model's weights, (columns, outputs), and its biases."""
    coefs, bias = np.atleast_2d(fitted.coef_).T, np.atleast_1d(fitted.intercept_)
    if target.task == "regression":
        return coefs, bias
    if coefs.shape[1] == 1:  # of two classes it has the difference of their logits
        coefs, bias = np.hstack([-coefs, coefs]) / 2, np.hstack([-bias, bias]) / 2
    wide, biases = np.zeros((len(coefs), target.outputs)), np.full(target.outputs, _ABSENT)
    wide[:, fitted.classes_], biases[fitted.classes_] = coefs, bias
    return wide, biases
