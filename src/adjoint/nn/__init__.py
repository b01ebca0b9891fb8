"""Networks are modules: layers, activations and losses that own their parameters and settings.

A module is a class; what it computes is a plain function as well, see `functional`. ``module`` says
what a module is, ``initialise`` how weights begin, ``weights`` how they are saved, ``torch_layout``
what PyTorch calls them. Every other module of this room is a family of layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..deferred import deferred
from . import functional, initialise
from .activations import ACTIVATIONS
from .activations.bounded import Hardtanh, Sigmoid, Softmax, Softsign, Tanh
from .activations.gated import GELU, GLU, Mish, SiLU
from .activations.rectified import ELU, SELU, LeakyReLU, PReLU, ReLU, Softplus
from .attention import MultiheadAttention
from .container import Flatten, Residual, Sequential
from .embedding import Embedding
from .ensemble import Ensemble
from .linear import Linear
from .losses.binary import BinaryCrossEntropy, FocalLoss, HingeLoss
from .losses.classification import CrossEntropyLoss, KLDivergence
from .losses.distance import CosineLoss, TripletLoss
from .losses.gaussian import GaussianNLLLoss
from .losses.regression import HuberLoss, MAELoss, MSELoss, PoissonLoss, QuantileLoss
from .mlp import MLP
from .module import Buffer, Module, Parameter

if TYPE_CHECKING:
    from .adaptive_pooling import AdaptiveAvgPool, AdaptiveMaxPool, GlobalAvgPool, GlobalMaxPool
    from .batch_norm import BatchNorm
    from .cells import GRUCell, LSTMCell, RNNCell
    from .convolution import Conv1d, Conv2d
    from .dropout import Dropout
    from .normalisation import GroupNorm, LayerNorm, RMSNorm
    from .per_sample import per_sample_gradients
    from .pooling import AvgPool, MaxPool
    from .recurrent import GRU, LSTM, RNN
    from .transformer import TransformerEncoderLayer
    from .transposed_convolution import ConvTranspose1d, ConvTranspose2d
    from .upsampling import Upsample

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
    "AdaptiveAvgPool",
    "AdaptiveMaxPool",
    "AvgPool",
    "BatchNorm",
    "BinaryCrossEntropy",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "ConvTranspose1d",
    "ConvTranspose2d",
    "CosineLoss",
    "CrossEntropyLoss",
    "Dropout",
    "Embedding",
    "Ensemble",
    "Flatten",
    "FocalLoss",
    "GRUCell",
    "GaussianNLLLoss",
    "GlobalAvgPool",
    "GlobalMaxPool",
    "GroupNorm",
    "Hardtanh",
    "HingeLoss",
    "HuberLoss",
    "KLDivergence",
    "LSTMCell",
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
    "RNNCell",
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
    "Upsample",
    "functional",
    "initialise",
    "per_sample_gradients",
]

# Families of layers that are read at first use: most networks are made of linear ones.
_FAMILIES = (
    "adaptive_pooling",
    "batch_norm",
    "cells",
    "convolution",
    "dropout",
    "normalisation",
    "per_sample",
    "pooling",
    "recurrent",
    "transformer",
    "transposed_convolution",
    "upsampling",
)
__getattr__, __dir__ = deferred(__name__, _FAMILIES, __all__)
