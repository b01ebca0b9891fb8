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
import sys
from typing import Any

import numpy as np

from .collector import paused
from .version import __version__ as __version__

with paused():
    from . import core, moved, ops
    from .calculus.derivatives import grad, jvp, linearize, value_and_grad, vjp
    from .calculus.jacobians import hessian, hvp, jacobian
    from .errors import (
        AnomalyError,
        AnomalyWarning,
        DivergedError,
        GradientMismatchError,
        GraphError,
        ReproducibleError,
        ShapeError,
        missing_attribute,
    )
    from .graphs import creation
    from .graphs.graph import Graph, trace
    from .graphs.recording import enable_grad, is_recording, no_grad, set_grad_enabled
    from .graphs.tensor import Tensor, tensor

moved.install(__name__, moved.MOVED)

# A primitive or composite is public under its own name unless its card says otherwise: a new one
# needs no second place. Where both have one name, the composite has NumPy's signature and the
# primitive does its work.
_CARDS = [card for card in core.PRIMITIVES.values() if card.public]
_FUNCTIONS = (*_CARDS, *ops.COMPOSITES, *creation.CREATION)
_PUBLIC = {function.__name__: function for function in _FUNCTIONS}
# A function is traced; of a matrix it is np.trace(x) or x.trace().
_PUBLIC["trace"] = trace
globals().update(_PUBLIC)

# Read at first use, so that `import adjoint` stays at the price of NumPy. Some of them stand in a
# room, and are found as modules that moved.
_LAZY_MODULES = (
    "callbacks",
    "check",
    "coverage",
    "data",
    "datasets",
    "graph",
    "linalg",
    "nn",
    "optim",
    "plots",
    "special",
    "train",
)
_LAZY_NAMES = {
    "BackwardReview": "explanation.review.report",
    "check_backward": "explanation.review",
    "check_gradients": "calculus.check",
    "checkpoint": "calculus.custom",
    "compile": "compiler.compiled",
    "custom_jvp": "calculus.custom",
    "custom_vjp": "calculus.custom",
    "detect_anomaly": "calculus.anomaly",
    "Distributed": "training.distributed",
    "export": "exporting.exported",
    "diagnose": "explanation.diagnosis.event_log",
    "draw": "explanation.drawing.draw",
    "explain": "explanation.derivation.explain",
    "find_learning_rate": "training.learning_rate",
    "fit": "training.fit",
    "fit_lbfgs": "training.lbfgs",
    "History": "training.history",
    "load_weights": "nn.weights",
    "play": "playground.launch",
    "save_weights": "nn.weights",
    "Saving": "training.saving",
    "cond": "graphs.loops.cond",
    "fori_loop": "graphs.loops.repeat",
    "scan": "graphs.loops.scan",
    "while_loop": "graphs.loops.repeat",
    "TrainingTask": "exporting.training_task",
    "taylor": "calculus.taylor",
    "vmap": "graphs.vmap",
    "why": "explanation.diagnosis.why",
    "write_source": "compiler.compiled",
}


def _is_special(function: object) -> bool:
    """Return whether a function is one of SciPy's special ones, or needs one for its derivative."""
    scipy_special = sys.modules.get("scipy.special")
    name = getattr(function, "__name__", "")
    return function is np.i0 or getattr(scipy_special, name, None) is function


core.LAZY_MODULES[f"{__name__}.special"] = _is_special

__all__ = [
    "AnomalyError",
    "AnomalyWarning",
    "DivergedError",
    "Graph",
    "GradientMismatchError",
    "GraphError",
    "ReproducibleError",
    "ShapeError",
    "Tensor",
    "core",
    "enable_grad",
    "grad",
    "hessian",
    "hvp",
    "is_recording",
    "jacobian",
    "jvp",
    "linearize",
    "no_grad",
    "ops",
    "set_grad_enabled",
    "tensor",
    "value_and_grad",
    "vjp",
    *_PUBLIC,
    *(name for name in _LAZY_MODULES if name != "special"),  # special needs SciPy
    *_LAZY_NAMES,
]


def __getattr__(name: str) -> Any:
    with paused():
        if name in _LAZY_MODULES or f"{__name__}.{name}" in moved.MOVED:
            return importlib.import_module(f".{name}", __name__)
        if name in _LAZY_NAMES:
            return getattr(importlib.import_module(f".{_LAZY_NAMES[name]}", __name__), name)
    raise missing_attribute(__name__, name, __all__)


def __dir__() -> list[str]:
    return sorted(__all__)
