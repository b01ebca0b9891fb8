"""An objective is what an estimator minimises: a loss, and a penalty on large weights."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.value import Value
from ..graphs.tensor import tensor
from ..nn import functional
from ..nn.module import Module, Parameter
from ..ops.exponential import log, square
from ..ops.piecewise import where
from ..ops.reductions import mean, sum
from ..ops.structural import as_array, reshape, stop_gradient

RowLoss = Callable[..., Any]
# A traced value or an array, with one row for each row of the batch.
Rows = Value | Array


class Objective(Module):
    """A loss of a batch and α/2 Σ ‖W‖² over its rows, or over their total weight.

    scikit-learn divides the penalty so, and with it a smaller batch has a larger penalty.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, sample_weight=None)``.
    weights : sequence of Parameter
        The parameters that are penalised.
    alpha : float
    """

    def __init__(self, loss: RowLoss, weights: Sequence[Parameter], alpha: float) -> None:
        self.loss, self.weights, self.is_penalised = loss, list(weights), alpha != 0
        # A tensor is an argument of the graph, while a Python number would be a constant in it. So
        # networks that differ in their penalty share compiled code.
        dtype = self.weights[0].dtype if self.weights else np.dtype(float)
        self.alpha = tensor(np.array(alpha, dtype))

    def forward(self, prediction: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return one number."""
        if sample_weight is None:
            value, count = self.loss(prediction, target), prediction.shape[0]
        else:
            value = self.loss(prediction, target, sample_weight=sample_weight)
            count = sum(sample_weight)
        if not self.is_penalised:
            return value
        squares = [sum(square(weight)) for weight in self.weights]
        total = squares[0]
        for term in squares[1:]:
            total = total + term
        return value + (0.5 * self.alpha) * total / count


class LogLoss(Module):
    """Cross-entropy of classes, by their numbers."""

    def __init__(self, label_smoothing: float = 0.0) -> None:
        self.label_smoothing = float(label_smoothing)

    def forward(self, logits: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return the mean over the rows."""
        return functional.cross_entropy(
            logits, target, label_smoothing=self.label_smoothing, sample_weight=sample_weight
        )


class BinaryLogLoss(Module):
    """Cross-entropy of independent yes-or-no targets (n, k), summed over the k."""

    def __init__(self, label_smoothing: float = 0.0, gamma: float | None = None) -> None:
        self.label_smoothing = float(label_smoothing)
        self.gamma = gamma

    def forward(self, logits: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return the mean over the rows; with ``gamma`` that of the focal loss."""
        if self.label_smoothing:
            target = (1 - self.label_smoothing) * as_array(target) + self.label_smoothing / 2
        if self.gamma is None:
            value = functional.binary_cross_entropy(logits, target, sample_weight=sample_weight)
        else:
            value = functional.focal_loss(
                logits, target, gamma=self.gamma, sample_weight=sample_weight
            )
        return logits.shape[-1] * value


class SquaredError(Module):
    """Half the squared error, summed over the outputs; its value is that of their mean.

    scikit-learn takes the gradient of the one and records the other.
    """

    def forward(self, prediction: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return the mean over the rows."""
        each = 0.5 * functional.mse_loss(prediction, target, sample_weight=sample_weight)
        outputs = prediction.shape[-1]
        return each if outputs == 1 else each + (outputs - 1) * (each - stop_gradient(each))


class PoissonDeviance(Module):
    """Half the Poisson deviance y log(y / ŷ) - y + ŷ of ŷ = exp(prediction)."""

    def forward(self, prediction: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return the mean over the rows."""
        target = as_array(target)
        value = functional.poisson_loss(prediction, target, sample_weight=sample_weight)
        positive = target > 0
        known = where(positive, target * log(where(positive, target, 1.0)), 0.0) - target
        rows = mean(known, axis=-1)
        if sample_weight is None:
            constant = mean(rows)
        else:
            constant = sum(sample_weight * rows) / sum(sample_weight)
        return prediction.shape[-1] * (value + stop_gradient(constant))


class QuantileError(Module):
    """The loss that several quantiles of one number minimise, a column of the prediction each."""

    def __init__(self, levels: Sequence[float]) -> None:
        self.levels = tuple(levels)

    def forward(self, prediction: Value, target: Rows, sample_weight: Rows | None = None) -> Any:
        """Return the mean over the rows."""
        column = reshape(as_array(target), shape=(target.shape[0],))
        return functional.quantile_loss(
            prediction, column, levels=self.levels, sample_weight=sample_weight
        )
