"""A loss is a function of predictions and targets: one number, the mean over the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .losses.binary import binary_cross_entropy, focal_loss, hinge_loss
from .losses.classification import cross_entropy, kl_divergence
from .losses.distance import cosine_loss, triplet_loss
from .losses.regression import huber_loss, mae_loss, mse_loss, poisson_loss, quantile_loss

__all__ = [
    "LOSSES",
    "binary_cross_entropy",
    "cosine_loss",
    "cross_entropy",
    "focal_loss",
    "hinge_loss",
    "huber_loss",
    "kl_divergence",
    "mae_loss",
    "mse_loss",
    "poisson_loss",
    "quantile_loss",
    "triplet_loss",
]

# The losses that `fit` knows by name: those of a prediction and a target.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": cross_entropy,
    "mse_loss": mse_loss,
    "mae_loss": mae_loss,
    "huber_loss": huber_loss,
    "quantile_loss": quantile_loss,
    "binary_cross_entropy": binary_cross_entropy,
    "poisson_loss": poisson_loss,
    "kl_divergence": kl_divergence,
    "focal_loss": focal_loss,
    "hinge_loss": hinge_loss,
    "cosine_loss": cosine_loss,
}
