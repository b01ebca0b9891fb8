"""Mistakes are what the article got wrong, to be switched on: a right loss with a wrong gradient.

The value of each is the cross-entropy, and only the gradient by the logits is another one, so that
the training goes where the article's goes, and a check by finite differences says that it is wrong.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..nn.functional import cross_entropy
from ..ops.softmax import softmax
from ..ops.structural import astype, stop_gradient

# What the functions below need in a program.
IMPORTS = [
    "from adjoint import astype, softmax, stop_gradient",
    "from adjoint.nn.functional import cross_entropy",
]


def without_softmax(logits: Any, y: Any) -> Any:
    """Return the cross-entropy; its gradient begins with logits - Y, not with softmax - Y."""
    onehot = astype(y[:, None] == np.arange(logits.shape[1]), dtype=logits.dtype)
    wrong = stop_gradient((logits - onehot) / len(logits))
    moved = logits - stop_gradient(logits)  # it is 0, and only its gradient matters
    return stop_gradient(cross_entropy(logits, y)) + np.sum(wrong * moved)


def diagonal_of_a_column(logits: Any, y: Any) -> Any:
    """Return the cross-entropy; its gradient has p[0] - p pᵀ for the Jacobian diag(p) - p pᵀ.

    That is what `np.diag` of a column gives: the one number on its diagonal.
    """
    onehot = astype(y[:, None] == np.arange(logits.shape[1]), dtype=logits.dtype)
    p = stop_gradient(softmax(logits, axis=1))
    of_right = np.sum(onehot * p, axis=1, keepdims=True)
    wrong = (p - p[:, :1] / of_right) / len(logits)
    moved = logits - stop_gradient(logits)  # it is 0, and only its gradient matters
    return stop_gradient(cross_entropy(logits, y)) + np.sum(stop_gradient(wrong) * moved)


MISTAKES: dict[str, Callable[..., Any] | None] = {
    "none": None,
    "without_softmax": without_softmax,
    "diagonal_of_a_column": diagonal_of_a_column,
}


def definition(name: str) -> list[str]:
    """Return the lines of a program that define a mistake."""
    made = MISTAKES[name]
    return [*IMPORTS, "", "", *inspect.getsource(made).rstrip().split("\n"), ""] if made else []


def printed_loss(outputs: Array, y: Array) -> float:
    """Return what the article prints as its loss: the mean of -log of the right class's logit.

    A logit is no probability: beyond 1 the number is negative, and below 0 it is NaN.

    Examples
    --------
    >>> printed_loss(np.array([[3.0, 1.0], [-1.0, 0.0]]), np.array([1, 1])).__round__(3)
    13.816
    >>> printed_loss(np.array([[3.0, -1.0]]), np.array([1]))
    nan
    """
    with np.errstate(all="ignore"):
        chosen = outputs[np.arange(len(y)), y.astype(int)]
        return float(-np.mean(np.log(chosen + 1e-12)))
