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
from .encoder import Encoder
from .target import Target


def baselines(encoder: Encoder, target: Target, X: Array, y: Array, asked: Array) -> dict[str, Any]:
    """Return what simple models, fitted to rows, predict of others.

    Parameters
    ----------
    X, asked : (n, width) and (m, width) array
        As an encoder gives them.
    y : (n,) array

    Returns
    -------
    dict of str to array
        Probabilities or numbers of the rows ``asked``, by the model's name.
    """
    places = list(encoder.categories())
    one_hot = OneHotEncoder(handle_unknown="ignore", min_frequency=1)
    columns = make_column_transformer((one_hot, places), remainder="passthrough")
    if target.task == "regression":
        exponent = magnitude(y)
        y = np.ldexp(y, -exponent)
        linear = make_pipeline(columns, Ridge()).fit(X, y)
        found = {
            "mean": np.full(len(asked), y.mean()),
            "linear regression": linear.predict(asked).astype(np.float64),
        }
        return {name: np.ldexp(numbers, exponent) for name, numbers in found.items()}
    chances = np.bincount(y, minlength=target.outputs) / len(y)
    majority = {"majority class": np.tile(chances, (len(asked), 1))}
    if (chances == 1).any():  # the others are only among the rows held out
        return majority
    with warnings.catch_warnings():
        # A baseline that has not quite converged is good enough to compare with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        linear = make_pipeline(columns, LogisticRegression(max_iter=200)).fit(X, y)
    return majority | {"logistic regression": _spread(linear, asked, target.outputs)}


def _spread(model: Pipeline, X: Array, count: int) -> Array:
    """Return probabilities of all classes, 0 for those that were not there in the fit."""
    found = np.zeros((len(X), count))
    found[:, model.classes_] = model.predict_proba(X)
    return found
