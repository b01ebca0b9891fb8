"""What the losses share: they check their arguments, and average over the rows."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core import as_plain
from ...errors import ShapeError
from ...ops.reductions import mean, sum
from ...ops.requirement import require_that
from ...ops.structural import astype


def as_values(*operands: Any) -> list[Any]:
    """Return the operands, those without a shape as arrays."""
    return [x if hasattr(x, "shape") else as_plain(x) for x in operands]


def floats(value: Any, like: Any = None) -> Any:
    """Return integers and booleans, which might wrap, in the dtype of ``like``, or as float64."""
    if value.dtype.kind not in "iub":
        return value
    kept = like is not None and like.dtype.kind == "f"
    return astype(value, dtype=like.dtype if kept else np.dtype(np.float64))


def as_pair(name: str, prediction: Any, target: Any) -> tuple[Any, Any]:
    """Return both as floats of one shape, which the loss of this name needs.

    Raises
    ------
    ShapeError
        If the shapes differ.
    ValueError
        If there are no entries.
    """
    prediction, target = as_values(prediction, target)
    if prediction.shape != target.shape:
        raise ShapeError(
            f"{name}: prediction of shape {prediction.shape} and target of shape {target.shape} "
            "differ; reshape one of them, as target.reshape(prediction.shape)"
        )
    if 0 in prediction.shape:
        raise ValueError(f"{name}: shape {prediction.shape} has no entries to average")
    return floats(prediction), floats(target, prediction)


def need_rows(name: str, value: Any) -> None:
    """Refuse arrays without an axis along which a row lies."""
    if not value.shape:
        raise ShapeError(f"{name}: shape () has no axis of entries; expected shape (..., k)")


def need(name: str, target: Any, holds: Callable[[Any], Any], expected: str) -> Any:
    """Return targets of which ``holds(numbers)`` is true everywhere, or refuse them."""
    return require_that(target, holds, f"{name}: expected a target that is {expected}")


def is_probability(targets: Any) -> Any:
    """Return where targets are from 0 to 1, or NaN."""
    return ~((targets < 0) | (targets > 1))


def as_weights(name: str, what: str, weights: Any, shape: tuple[int, ...], like: Any) -> Any:
    """Return weights of this shape, not negative, in the dtype of ``like`` if that is a float.

    Raises
    ------
    ShapeError
        If they have another shape.
    ValueError
        If one is negative or NaN, or all are 0.
    """
    (weights,) = as_values(weights)
    if weights.shape != shape:
        raise ShapeError(
            f"{name}: {what} of shape {weights.shape} does not fit; expected shape {shape}"
        )
    message = f"{name}: {what} of shape {shape} has negative entries or none above 0"
    message += "; expected numbers from 0, not all 0"
    weights = require_that(weights, lambda w: (w >= 0).all() & (w > 0).any(), message)
    return astype(weights, dtype=like.dtype) if like.dtype.kind == "f" else weights


def averaged(name: str, losses: Any, sample_weight: Any) -> Any:
    """Return the mean of the losses, or Σ w l / Σ w with the mean l of each row's entries.

    Parameters
    ----------
    name : str
        Of the loss, for messages.
    losses : (n, ...) array
    sample_weight : (n,) array or None
    """
    if sample_weight is None:
        return mean(losses)
    weights = as_weights(name, "sample_weight", sample_weight, _rows(name, losses), losses)
    rows = mean(losses, axis=tuple(range(1, losses.ndim))) if losses.ndim > 1 else losses
    return sum(weights * rows) / sum(weights)


def _rows(name: str, losses: Any) -> tuple[int, ...]:
    if not losses.shape:
        raise ShapeError(f"{name}: sample_weight needs rows, and the loss is of a single one")
    return (losses.shape[0],)
