"""Layers and networks: modules that own their parameters, and losses."""

from __future__ import annotations

from . import functional, initialise
from .activation import ACTIVATIONS, ReLU, Sigmoid, Softmax, Tanh
from .container import Sequential
from .linear import Linear
from .loss import (
    BinaryCrossEntropy,
    CosineLoss,
    CrossEntropyLoss,
    FocalLoss,
    HingeLoss,
    HuberLoss,
    KLDivergence,
    MAELoss,
    MSELoss,
    PoissonLoss,
    QuantileLoss,
    TripletLoss,
)
from .mlp import MLP
from .module import Module, Parameter

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "BinaryCrossEntropy",
    "CosineLoss",
    "CrossEntropyLoss",
    "FocalLoss",
    "HingeLoss",
    "HuberLoss",
    "KLDivergence",
    "Linear",
    "MAELoss",
    "MSELoss",
    "Module",
    "Parameter",
    "PoissonLoss",
    "QuantileLoss",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "TripletLoss",
    "functional",
    "initialise",
]
