"""Layers and networks: modules that own their parameters, and losses."""

from __future__ import annotations

from typing import NoReturn

from ..errors import missing_attribute
from . import functional, initialise
from .activations import ACTIVATIONS
from .activations.bounded import Hardtanh, Sigmoid, Softmax, Softsign, Tanh
from .activations.gated import GELU, GLU, Mish, SiLU
from .activations.rectified import ELU, SELU, LeakyReLU, PReLU, ReLU, Softplus
from .attention import MultiheadAttention
from .batch_norm import BatchNorm
from .container import Flatten, Residual, Sequential
from .convolution import Conv1d, Conv2d
from .dropout import Dropout
from .embedding import Embedding
from .linear import Linear
from .losses.binary import BinaryCrossEntropy, FocalLoss, HingeLoss
from .losses.classification import CrossEntropyLoss, KLDivergence
from .losses.distance import CosineLoss, TripletLoss
from .losses.regression import HuberLoss, MAELoss, MSELoss, PoissonLoss, QuantileLoss
from .mlp import MLP
from .module import Buffer, Module, Parameter
from .normalisation import GroupNorm, LayerNorm, RMSNorm
from .pooling import AvgPool, MaxPool
from .recurrent import GRU, LSTM, RNN
from .transformer import TransformerEncoderLayer

__all__ = [
    "ACTIVATIONS",
    "ELU",
    "GELU",
    "GLU",
    "GRU",
    "LSTM",
    "MLP",
    "RNN",
    "SELU",
    "AvgPool",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "CosineLoss",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Flatten",
    "FocalLoss",
    "GroupNorm",
    "Hardtanh",
    "HingeLoss",
    "HuberLoss",
    "KLDivergence",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "MAELoss",
    "MSELoss",
    "MaxPool",
    "Mish",
    "Module",
    "MultiheadAttention",
    "PReLU",
    "Parameter",
    "PoissonLoss",
    "QuantileLoss",
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
    "TransformerEncoderLayer",
    "TripletLoss",
    "functional",
    "initialise",
]


def __getattr__(name: str) -> NoReturn:
    raise missing_attribute(__name__, name, __all__)
