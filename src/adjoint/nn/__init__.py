"""Layers and networks: modules that own their parameters, and losses as functions."""

from __future__ import annotations

from . import functional, initialise
from .activation import ACTIVATIONS, ReLU, Sigmoid, Softmax, Tanh
from .container import Sequential
from .linear import Linear
from .mlp import MLP
from .module import Module, Parameter

__all__ = [
    "ACTIVATIONS",
    "MLP",
    "Linear",
    "Module",
    "Parameter",
    "ReLU",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "Tanh",
    "functional",
    "initialise",
]
