"""A loss as a module: its settings are attributes, its call takes prediction and target."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from ..ops.reductions import mean
from . import functional
from .module import Module


class _Loss(Module):
    """A loss; abstract."""

    def extra_repr(self) -> str:
        """Return the settings."""
        own = (pair for pair in vars(self).items() if pair[0] != "training")
        return ", ".join(f"{name}={value}" for name, value in own)


class MSELoss(_Loss):
    """The mean of squared differences: see `functional.mse_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.MSELoss()([1.0, 3.0], [1.0, 1.0])), 4))
    2.0
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.mse_loss(prediction, target, sample_weight=sample_weight)


class MAELoss(_Loss):
    """The mean of absolute differences: see `functional.mae_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.MAELoss()([1.0, 3.0], [1.0, 1.0])), 4))
    1.0
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.mae_loss(prediction, target, sample_weight=sample_weight)


class HuberLoss(_Loss):
    """Squares of small differences, multiples of large ones: see `functional.huber_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.HuberLoss(delta=2.0)([4.0], [0.0])), 4))
    6.0
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = delta

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.huber_loss(
            prediction, target, delta=self.delta, sample_weight=sample_weight
        )


class QuantileLoss(_Loss):
    """What a quantile makes least, or several quantiles: see `functional.quantile_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.QuantileLoss(0.75)([0.0], [4.0])), 4))
    3.0
    """

    def __init__(self, levels: float | Sequence[float] = 0.5) -> None:
        self.levels = levels

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.quantile_loss(
            prediction, target, levels=self.levels, sample_weight=sample_weight
        )


class PoissonLoss(_Loss):
    """For counts, of the logarithms of what is expected: see `functional.poisson_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.PoissonLoss()([0.0, 0.0], [0, 3])), 4))
    1.0
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.poisson_loss(prediction, target, sample_weight=sample_weight)


class CrossEntropyLoss(_Loss):
    """For one class of several, of scores before the softmax: see `functional.cross_entropy`.

    >>> from adjoint import nn
    >>> loss = nn.CrossEntropyLoss(ignore_index=-1)
    >>> print(round(float(loss([[0.0, 1e4], [0.0, 0.0]], [1, -1])), 4))
    0.0
    """

    def __init__(
        self,
        class_weight: Any = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
    ) -> None:
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.cross_entropy(
            prediction,
            target,
            class_weight=self.class_weight,
            label_smoothing=self.label_smoothing,
            ignore_index=self.ignore_index,
            sample_weight=sample_weight,
        )


class BinaryCrossEntropy(_Loss):
    """For yes or no, of scores before the logistic function: see `functional.binary_cross_entropy`.

    >>> from adjoint import nn
    >>> print(round(float(nn.BinaryCrossEntropy()([1e4, -1e4], [1, 1])), 4))
    5000.0
    """

    def __init__(self, pos_weight: Any = None) -> None:
        self.pos_weight = pos_weight

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.binary_cross_entropy(
            prediction, target, pos_weight=self.pos_weight, sample_weight=sample_weight
        )


class FocalLoss(_Loss):
    """For yes or no where one of them is rare: see `functional.focal_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.FocalLoss()([1e4, -1e4], [1, 1])), 4))
    5000.0
    """

    def __init__(self, gamma: float = 2.0) -> None:
        self.gamma = gamma

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.focal_loss(
            prediction, target, gamma=self.gamma, sample_weight=sample_weight
        )


class HingeLoss(_Loss):
    """For signs, up to a margin of 1: see `functional.hinge_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.HingeLoss()([0.5, -3.0], [1, -1])), 4))
    0.25
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.hinge_loss(prediction, target, sample_weight=sample_weight)


class KLDivergence(_Loss):
    """For probabilities, of the logarithms of those predicted: see `functional.kl_divergence`.

    >>> from adjoint import nn
    >>> print(round(float(nn.KLDivergence()([[0.0, -1.0]], [[0.0, 1.0]])), 4))
    1.0
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.kl_divergence(prediction, target, sample_weight=sample_weight)


class CosineLoss(_Loss):
    """For directions: see `functional.cosine_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.CosineLoss()([[1.0, 0.0], [2.0, 0.0]], [[0, 1], [1, 0]])), 4))
    0.5
    """

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.cosine_loss(prediction, target, sample_weight=sample_weight)


class TripletLoss(_Loss):
    """For distances from an anchor: see `functional.triplet_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.TripletLoss()([[0.0]], [[2.0]], [[2.5]])), 4))
    0.5
    """

    def __init__(self, margin: float = 1.0) -> None:
        self.margin = margin

    def forward(self, anchor: Any, positive: Any, negative: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        return functional.triplet_loss(
            anchor, positive, negative, margin=self.margin, sample_weight=sample_weight
        )


class Weighted(_Loss):
    """A loss of rows with weights: Σ w l / n, where the loss itself returns Σ w l / Σ w.

    So steps on batches of other total weight are of other length, and where the weights of all data
    have the mean 1 so has the mean of this loss. Without weights it is the loss itself.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, sample_weight=weights)``.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> from adjoint.nn.loss import Weighted
    >>> loss = Weighted(nn.functional.mse_loss)
    >>> print(loss(np.array([1.0, 3.0]), np.zeros(2), np.array([1.5, 0.5])))
    3.0
    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        self.loss = loss

    def forward(self, prediction: Any, target: Any, sample_weight: Any = None) -> Any:
        """Return the mean over the rows."""
        if sample_weight is None:
            return self.loss(prediction, target)
        value = self.loss(prediction, target, sample_weight=sample_weight)
        return value * mean(sample_weight)
