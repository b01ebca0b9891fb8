"""Losses, activations and attention as functions; a loss is one number, the mean over the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .activations import (
    elu,
    gelu,
    glu,
    hardtanh,
    leaky_relu,
    mish,
    prelu,
    selu,
    silu,
    softplus,
    softsign,
)
from .attention import scaled_dot_product_attention
from .losses.binary import binary_cross_entropy, focal_loss, hinge_loss
from .losses.classification import cross_entropy, kl_divergence
from .losses.distance import cosine_loss, triplet_loss
from .losses.regression import huber_loss, mae_loss, mse_loss, poisson_loss, quantile_loss

__all__ = [
    "LOSSES",
    "binary_cross_entropy",
    "cosine_loss",
    "cross_entropy",
    "elu",
    "focal_loss",
    "gelu",
    "glu",
    "hardtanh",
    "hinge_loss",
    "huber_loss",
    "kl_divergence",
    "leaky_relu",
    "mae_loss",
    "mish",
    "mse_loss",
    "poisson_loss",
    "prelu",
    "quantile_loss",
    "scaled_dot_product_attention",
    "selu",
    "silu",
    "softplus",
    "softsign",
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
