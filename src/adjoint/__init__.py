"""Automatic differentiation and small neural networks on NumPy.

Write the forward pass as ordinary Python on arrays; adjoint differentiates it.

>>> import numpy as np
>>> import adjoint as ad
>>> x = ad.tensor([0.0, 1.0], requires_grad=True)
>>> loss = np.sum(np.exp(x))
>>> loss.backward()
>>> x.grad
tensor([1.        , 2.71828183])
"""

from __future__ import annotations

import importlib
from typing import Any

from . import core, ops
from .calculus import grad, jvp, linearize, value_and_grad, vjp
from .errors import DivergedError, GradientMismatchError, GraphError, ShapeError
from .ops.composite import std, var
from .ops.softmax import log_softmax
from .tensor import Tensor, enable_grad, is_recording, no_grad, set_grad_enabled, tensor

__version__ = "0.1.0"

# Every primitive is public under its own name: a new card needs no second place.
globals().update(core.PRIMITIVES)

# Read at first use, so that `import adjoint` stays at the price of NumPy.
_LAZY_MODULES = ("check", "data", "datasets", "graph", "nn", "optim", "plots", "train")
_LAZY_NAMES = {
    "check_gradients": "check",
    "fit": "train",
    "History": "history",
}

__all__ = [
    "DivergedError",
    "GradientMismatchError",
    "GraphError",
    "ShapeError",
    "Tensor",
    "core",
    "enable_grad",
    "grad",
    "is_recording",
    "jvp",
    "linearize",
    "log_softmax",
    "no_grad",
    "ops",
    "set_grad_enabled",
    "std",
    "tensor",
    "value_and_grad",
    "var",
    "vjp",
    *core.PRIMITIVES,
    *_LAZY_MODULES,
    *_LAZY_NAMES,
]


def __getattr__(name: str) -> Any:
    if name in _LAZY_MODULES:
        return importlib.import_module(f".{name}", __name__)
    if name in _LAZY_NAMES:
        return getattr(importlib.import_module(f".{_LAZY_NAMES[name]}", __name__), name)
    raise AttributeError(f"module 'adjoint' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
