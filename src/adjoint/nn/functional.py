"""A loss is a function of predictions and targets: one number, the mean over the batch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core import Value
from ..errors import ShapeError
from ..ops.arithmetic import subtract
from ..ops.exponential import square
from ..ops.reductions import mean
from ..ops.softmax import log_softmax, softmax_cross_entropy
from ..ops.structural import astype
from ..tensor import Tensor
from .activations import *  # noqa: F403

# How far the probabilities of a row may be from adding up to 1: float16 arithmetic fits in.
_SLACK = 1e-2


def cross_entropy(logits: Any, targets: Any) -> Any:
    """Return the mean of -Σ_k t_k log softmax(a)_k over the batch.

    Parameters
    ----------
    logits : (..., c) float array
        Scores before the softmax, which is part of the loss.
    targets : (...) integer or boolean array, or (..., c) array
        The class of every row, in range(c), or the probabilities of its classes.

    Returns
    -------
    () Tensor
        In the dtype of the logits; its gradient is (softmax(a) - t) / rows.

    Raises
    ------
    ShapeError
        If the targets have neither shape.
    TypeError
        If there is one target a row and it is not an integer.
    ValueError
        If a class is not in range(c), a row's probabilities are negative or do not add up to 1, or
        there are no rows.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import cross_entropy
    >>> print(round(cross_entropy(np.zeros((3, 2)), [0, 1, 1]), 4))
    0.6931
    """
    logits, targets = _as_values(logits, targets)
    shape = logits.shape
    if not shape:
        raise ShapeError("cross_entropy: logits of shape () have no axis of classes")
    if 0 in shape:
        raise ValueError(f"cross_entropy: logits of shape {shape} have no entries to average")
    if targets.shape == shape[:-1]:
        return mean(softmax_cross_entropy(logits, _checked_labels(targets, shape)))
    if targets.shape == shape:
        _check_probabilities(targets)
        return -mean((targets * log_softmax(logits)).sum(axis=-1))
    raise ShapeError(
        f"cross_entropy: targets of shape {targets.shape} do not fit logits of shape {shape}; "
        f"expected class labels of shape {shape[:-1]} or probabilities of shape {shape}"
    )


def mse_loss(prediction: Any, target: Any) -> Any:
    """Return the mean of (prediction - target)² over all entries.

    Parameters
    ----------
    prediction, target : arrays of one shape

    Returns
    -------
    () Tensor

    Raises
    ------
    ShapeError
        If the shapes differ: (n, 1) and (n,) would silently broadcast to (n, n).
    ValueError
        If there are no entries.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import mse_loss
    >>> print(mse_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    2.0
    """
    prediction, target = _as_values(prediction, target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"mse_loss: prediction of shape {prediction.shape} and target of shape {target.shape} "
            "differ; reshape one of them, as target.reshape(prediction.shape)"
        )
    if 0 in prediction.shape:
        raise ValueError(f"mse_loss: shape {prediction.shape} has no entries to average")
    return mean(square(subtract(prediction, target)))


# The losses that `fit` knows by name.
LOSSES: dict[str, Callable[[Any, Any], Any]] = {
    "cross_entropy": cross_entropy,
    "mse_loss": mse_loss,
}


def _as_values(*operands: Any) -> list[Any]:
    return [x if hasattr(x, "shape") else np.asarray(x) for x in operands]


def _numbers(value: Any) -> Any:
    """Return the array of a value, or None for a symbol, which has no numbers yet."""
    if isinstance(value, Tensor):
        return value.data
    return None if isinstance(value, Value) else value


def _checked_labels(labels: Any, shape: tuple[int, ...]) -> Any:
    kind = labels.dtype.kind
    if kind == "b":
        # As an index a boolean would be a mask.
        labels = astype(labels, dtype=np.intp)
    elif kind not in "iu":
        raise TypeError(
            f"cross_entropy: class labels must be integers, got dtype {labels.dtype} and shape "
            f"{labels.shape}; pass y.astype(int), or probabilities of shape {shape}"
        )
    numbers = _numbers(labels)
    if numbers is not None:
        _check_range(numbers, shape[-1])
    return labels


def _check_range(labels: Any, classes: int) -> None:
    # The ufuncs' own reductions: ndarray.min and .max cost twice as much on a small batch.
    low, high = np.minimum.reduce(labels, axis=None), np.maximum.reduce(labels, axis=None)
    if low < 0 or high >= classes:
        raise ValueError(
            f"cross_entropy: label {low if low < 0 else high} is not in range({classes}); logits "
            f"with {classes} columns need labels from 0 to {classes - 1}"
        )


def _check_probabilities(targets: Any) -> None:
    numbers = _numbers(targets)
    if numbers is None:
        return
    totals = np.add.reduce(numbers, axis=-1)
    bad = (numbers < 0).any(axis=-1) | ~(np.abs(totals - 1) < _SLACK)
    if bad.any():
        row = tuple(int(i) for i in np.argwhere(bad)[0])
        raise ValueError(
            f"cross_entropy: target row {row} is {numbers[row]}; expected probabilities, "
            "not negative and adding up to 1"
        )
