"""Rows are what a loss is averaged over; here they, and the weights they have, are checked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.annotations import Array, ArrayLike, Shape
from ...core.operand import as_plain
from ...core.tree import leaves
from ...core.value import Value
from ...errors import ShapeError, choose
from ...ops.reductions import mean, sum
from ...ops.requirement import require_that
from ...ops.structural import astype, reshape

REDUCTIONS = ("mean", "none", "sum")


def as_values(*operands: ArrayLike) -> list[Value | Array]:
    """Return the operands as they are if they have a shape, and the others as arrays.

    Raises
    ------
    TypeError
        If one is a tuple with traced or recorded values in it, as recurrent layers return.
    """
    found: list[Any] = []
    for x in operands:
        if hasattr(x, "shape"):
            found.append(x)
            continue
        if isinstance(x, tuple) and any(isinstance(leaf, Value) for leaf in leaves(x)):
            raise TypeError(
                f"a loss takes an array, and was given a tuple of {len(x)}, as a recurrent layer "
                "gives its output and its state; choose from it in a loss of your own, as "
                "lambda prediction, y: F.mse_loss(prediction[0], y)"
            )
        found.append(as_plain(x))
    return found


def floats(value: Value | Array, like: Value | Array | None = None) -> Any:
    """Return integers and booleans, which might wrap, in the dtype of ``like``, or as float64."""
    if value.dtype.kind not in "iub":
        return value
    dtype = np.dtype(np.float64) if like is None or like.dtype.kind != "f" else like.dtype
    return astype(value, dtype=dtype)


def as_pair(
    name: str, prediction: ArrayLike, target: ArrayLike
) -> tuple[Value | Array, Value | Array]:
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


def need_rows(name: str, value: Value | Array) -> None:
    """Refuse arrays without an axis along which a row lies."""
    if not value.shape:
        raise ShapeError(f"{name}: shape () has no axis of entries; expected shape (..., k)")


def need(
    name: str, target: Value | Array, holds: Callable[[Any], Any], expected: str
) -> Value | Array:
    """Return targets of which ``holds(numbers)`` is true everywhere, or refuse them."""
    message = f"{name}: expected a target that is {expected}"
    checked: Value | Array = require_that(target, holds, message)
    return checked


def is_probability(targets: Value | Array) -> Any:
    """Return where targets are from 0 to 1, or NaN."""
    return ~((targets < 0) | (targets > 1))


def as_weights(
    name: str,
    what: str,
    weights: ArrayLike,
    shape: Shape,
    like: Value | Array,
    *,
    divide: bool = True,
) -> Value | Array:
    """Return weights of this shape, not negative, in the dtype of ``like`` if that is a float.

    Raises
    ------
    ShapeError
        If they have another shape.
    ValueError
        If one is negative or NaN, or all are 0 and their sum is to ``divide`` something.
    """
    (weights,) = as_values(weights)
    if weights.shape != shape:
        raise ShapeError(
            f"{name}: {what} of shape {weights.shape} does not fit; expected shape {shape}"
        )
    if divide:
        message = f"{name}: {what} of shape {shape} has negative entries or none above 0"
        message += "; expected numbers from 0, not all 0"
        checked = require_that(weights, lambda w: (w >= 0).all() & (w > 0).any(), message)
    else:
        message = f"{name}: {what} of shape {shape} has negative entries; expected numbers from 0"
        checked = require_that(weights, lambda w: (w >= 0).all(), message)
    return astype(checked, dtype=like.dtype) if like.dtype.kind == "f" else checked


def reduced(
    name: str, losses: Value | Array, sample_weight: ArrayLike | None, reduction: str
) -> Any:
    """Return the losses of the entries as one number, or as they are.

    Parameters
    ----------
    name : str
        The name of the loss, for messages.
    losses : (n, ...) array
    sample_weight : (n,) array or None
        The weights w of the rows.
    reduction : str
        "mean" is the mean of all entries, with weights Σ w l / Σ w of the mean l of each row's
        entries; "sum" is the sum of all entries; "none" leaves the entries. For the latter two
        each entry is multiplied by the weight of its row, and nothing is divided by the weights.

    Raises
    ------
    ShapeError
        If the weights are not one a row.
    ValueError
        If the reduction is unknown, a weight is negative, or all are 0 and divide the sum.
    """
    if reduction != "mean":
        return _undivided(name, losses, sample_weight, reduction)
    if sample_weight is None:
        return mean(losses)
    weights = as_weights(name, "sample_weight", sample_weight, _rows(name, losses), losses)
    rows = mean(losses, axis=tuple(range(1, losses.ndim))) if losses.ndim > 1 else losses
    return sum(weights * rows) / sum(weights)


def _undivided(
    name: str, losses: Value | Array, sample_weight: ArrayLike | None, reduction: str
) -> Any:
    """Return the weighted losses of the entries, or their sum."""
    choose("reduction", reduction, REDUCTIONS)
    if sample_weight is not None:
        losses = row_weights(name, sample_weight, losses) * losses
    return sum(losses) if reduction == "sum" else losses


def row_weights(
    name: str, sample_weight: ArrayLike, losses: Value | Array, *, divide: bool = False
) -> Any:
    """Return the weights of the rows in a shape that broadcasts to the losses."""
    rows = _rows(name, losses)
    weights = as_weights(name, "sample_weight", sample_weight, rows, losses, divide=divide)
    return reshape(weights, shape=rows + (1,) * (losses.ndim - 1))


def _rows(name: str, losses: Value | Array) -> Shape:
    if not losses.shape:
        raise ShapeError(f"{name}: sample_weight needs rows, and the loss is of a single one")
    return (losses.shape[0],)
