"""Scores say how good predictions are, each under the name that a table of results gives it."""

from __future__ import annotations

import numpy as np
from sklearn import metrics

from ..core.annotations import Array
from ..core.magnitude import magnitude


def score(outputs: Array, y: Array, task: str) -> dict[str, float]:
    """Return the scores of a network's predictions.

    Parameters
    ----------
    outputs : (n, classes) or (n,) array
        Probabilities, or numbers.
    y : (n,) array
        The classes' numbers, or the numbers.
    """
    if task == "regression":
        exponent = magnitude(y, outputs)
        y, outputs = np.ldexp(y, -exponent), np.ldexp(outputs, -exponent)
        off = metrics.mean_absolute_error(y, outputs), metrics.root_mean_squared_error(y, outputs)
        mae, rmse = np.ldexp(off, exponent).tolist()
        r2 = float(metrics.r2_score(y, outputs)) if len(y) > 1 else float("nan")
        return {"r2": r2, "mae": mae, "rmse": rmse}
    chances = np.clip(outputs, 1e-15, 1.0)
    found = {
        "accuracy": float(np.mean(outputs.argmax(axis=1) == y)),
        "log_loss": float(-np.mean(np.log(chances[np.arange(len(y)), y]))),
    }
    if outputs.shape[1] == 2 and len(np.unique(y)) == 2:
        found["roc_auc"] = float(metrics.roc_auc_score(y, outputs[:, 1]))
    return found


def headline(task: str) -> str:
    """Return the name of the score that sums up the others."""
    return "r2" if task == "regression" else "accuracy"
