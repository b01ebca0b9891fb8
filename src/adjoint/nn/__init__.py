"""Layers and networks: modules that own their parameters, and losses as functions."""

from __future__ import annotations

from . import functional, initialise
from .activation import (
    ACTIVATIONS,
    ELU,
    GELU,
    GLU,
    SELU,
    Hardtanh,
    LeakyReLU,
    Mish,
    PReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Softsign,
    Tanh,
)
from .container import Flatten, Residual, Sequential
from .embedding import Embedding
from .linear import Linear
from .mlp import MLP
from .module import Module, Parameter
from .normalisation import GroupNorm, LayerNorm, RMSNorm

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "GLU",
    "MLP",
    "SELU",
    "Embedding",
    "Flatten",
    "GroupNorm",
    "Hardtanh",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Mish",
    "Module",
    "PReLU",
    "Parameter",
    "RMSNorm",
    "ReLU",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Softsign",
    "Tanh",
    "functional",
    "initialise",
]
