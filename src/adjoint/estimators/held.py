"""Rows that are held out, and how a network does on them after each epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from sklearn.metrics import accuracy_score, r2_score

from ..compiler.compiled import compile
from ..core.annotations import Array
from ..core.reproducibility import is_reproducible, ordered_sum
from ..network import Perceptron

# Rows that are evaluated at a time.
_BLOCK = 4096


class Held:
    """Rows that are held out, and how the estimator does on them.

    Parameters
    ----------
    score : callable
        Returns the score of the network as it is; greater is better.
    loss : callable
        Returns the loss of the network as it is.
    """

    def __init__(self, score: Callable[[], float], loss: Callable[[], float]) -> None:
        self.score, self.loss = score, loss


def outputs_and_loss(
    network: Perceptron, loss: Callable[..., Any]
) -> tuple[Callable[[Array], Array], Callable[..., Any]]:
    """Return what gives the outputs of a network, and the loss of outputs, as native code if asked.

    It is asked for where the same bits on every machine are.
    """
    if not is_reproducible():
        return network.outputs, loss
    forward, of_outputs = (compile(f, reproducible=True) for f in (network.forward, loss))

    def outputs(X: Array) -> Array:
        network.eval()
        blocks = [forward(X[start : start + _BLOCK]) for start in range(0, len(X), _BLOCK)]
        return np.concatenate(blocks)

    return outputs, of_outputs


def accuracy(targets: Array, found: Array, sample_weight: Array | None) -> float:
    """Return the share of right rows, or of their weights."""
    if sample_weight is None or not is_reproducible():
        return float(accuracy_score(targets, found, sample_weight=sample_weight))
    right = (targets == found).reshape(len(targets), -1).all(axis=1)
    return float(ordered_sum(np.where(right, sample_weight, 0.0)) / ordered_sum(sample_weight))


def determination(targets: Array, found: Array, sample_weight: Array | None) -> float:
    """Return r², the mean over the outputs; NaN for one row, which has no variance."""
    if not is_reproducible():
        return float(r2_score(targets, found, sample_weight=sample_weight))
    if len(targets) < 2:
        return math.nan
    y = targets.reshape(len(targets), -1).astype(float)
    errors = (y - found.reshape(y.shape)) ** 2
    weights = np.ones((len(y), 1)) if sample_weight is None else sample_weight[:, np.newaxis]
    center = ordered_sum(weights * y) / ordered_sum(weights)
    residual, total = (ordered_sum(weights * x) for x in (errors, (y - center) ** 2))
    varies = total > 0
    share = np.where(varies, residual / np.where(varies, total, 1.0), residual > 0)
    return float(ordered_sum(1 - share) / share.size)
