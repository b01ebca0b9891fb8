"""Losses of the page that read targets in a form of their own, or the logarithm of a number."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..nn.functional import LOSSES, kl_divergence
from ..ops.softmax import log_softmax

# So much of each target is spread over all classes; else the divergence is the cross-entropy.
SMOOTH = 0.1
# Losses that read a probability, or a number, for each class.
ONE_HOT = ("kl_divergence", "cosine_loss")
# Losses whose network gives the logarithm of what is predicted.
OF_LOGARITHMS = ("poisson_loss",)


def kl_of_scores(scores: Any, target: Any) -> Any:
    """Return the divergence of the target from the softmax of scores."""
    return kl_divergence(log_softmax(scores, axis=-1), target)


_MADE: dict[str, Callable[..., Any]] = {"kl_divergence": kl_of_scores}
# What the functions above need in a program.
_IMPORTS = ["from adjoint import log_softmax", "from adjoint.nn.functional import kl_divergence"]


def loss_of(name: str) -> Callable[..., Any]:
    """Return the loss of a name."""
    return _MADE.get(name) or LOSSES[name]


def coded(classes: Array, count: int, name: str) -> Array:
    """Return classes as one of `ONE_HOT` reads them, one column for each."""
    onehot = np.eye(count)[classes]
    return (1 - SMOOTH) * onehot + SMOOTH / count if name == "kl_divergence" else onehot


def coded_text(count: int, name: str) -> str:
    """Return the line of a program that does as `coded`."""
    onehot = f"np.eye({count})[y]"
    text = f"{1 - SMOOTH!r} * {onehot} + {SMOOTH!r} / {count}"
    return f"y = {text if name == 'kl_divergence' else onehot}"


def definition(name: str) -> list[str]:
    """Return the lines of a program that define a loss which `fit` has no name for."""
    if name not in _MADE:
        return []
    source = inspect.getsource(_MADE[name])
    for annotation in (": Any", " -> Any"):
        source = source.replace(annotation, "")
    return [*_IMPORTS, "", "", *source.rstrip().split("\n"), ""]


def text_of(name: str) -> str:
    """Return the loss as an argument of `fit` in a program."""
    return _MADE[name].__name__ if name in _MADE else repr(name)
