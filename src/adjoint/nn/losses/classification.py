"""Losses of one class of several: of scores before the softmax, or of log-probabilities."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.annotations import Array, ArrayLike, Shape
from ...core.value import Value
from ...errors import ShapeError
from ...ops.exponential import log
from ...ops.logic import greater, not_equal
from ...ops.piecewise import where
from ...ops.reductions import sum
from ...ops.requirement import is_traced, require_that
from ...ops.selection import take
from ...ops.shards import total_of_batch
from ...ops.softmax import class_labels, log_softmax, softmax_cross_entropy
from ...ops.structural import astype
from .loss import Loss
from .rows import (
    as_pair,
    as_values,
    as_weights,
    floats,
    is_probability,
    need,
    need_rows,
    reduced,
    row_weights,
)

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["cross_entropy", "kl_divergence"]

# How far the probabilities of a row may be from adding up to 1; rounding of float16 stays below it.
_SLACK = 1e-2


def cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    class_weight: ArrayLike | None = None,
    label_smoothing: float = 0.0,
    ignore_index: int | None = None,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of -Σ_k t_k log softmax(a)_k over the batch.

    Parameters
    ----------
    logits : (..., c) float array
        Scores before the softmax, which is part of the loss.
    targets : (...) integer or boolean array, or (..., c) array
        The class of every row, in range(c), or the probabilities of its classes.
    class_weight : (c,) array, optional
        A factor w_k of each class's term. The mean over rows with a class is then divided by the
        sum of w over these classes, that over rows with probabilities by the number of rows.
    label_smoothing : float
        The share ε of the target that goes to all classes alike: t becomes (1 - ε) t + ε/c.
    ignore_index : int, optional
        Rows with this class count for nothing.
    sample_weight : (n,) array, optional
        How often each row counts.
    reduction : str
        "mean"; "sum" of the rows, or "none" for an array of rows. For the latter two each row is
        multiplied by its weights, and is 0 where its class is ignored; nothing is divided.

    Returns
    -------
    () Tensor
        In the dtype of the logits; its gradient is (softmax(a) - t) / rows, without weights. With
        "none" an array of the shape of the logits without its last axis.

    Raises
    ------
    ShapeError
        If the targets have neither shape, or weights do not fit.
    TypeError
        If there is one target a row and it is not an integer.
    ValueError
        If a class is not in range(c), a row's probabilities are negative or do not add up to 1,
        there are no rows, a setting is out of its range, or all rows are ignored and "mean" would
        divide by 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import cross_entropy
    >>> print(round(cross_entropy(np.zeros((3, 2)), [0, 1, 1]), 4))
    0.6931
    """
    logits, targets = as_values(logits, targets)
    shape = logits.shape
    if not shape:
        raise ShapeError("cross_entropy: logits of shape () have no axis of classes")
    if 0 in shape:
        raise ValueError(f"cross_entropy: logits of shape {shape} have no entries to average")
    if not 0 <= label_smoothing <= 1:
        raise ValueError(
            f"cross_entropy: label_smoothing is {label_smoothing}; expected a number from 0 to 1"
        )
    if class_weight is not None:
        class_weight = as_weights("cross_entropy", "class_weight", class_weight, shape[-1:], logits)
    if targets.shape == shape[:-1]:
        return _of_labels(
            logits, targets, class_weight, label_smoothing, ignore_index, sample_weight, reduction
        )
    if targets.shape == shape:
        if ignore_index is not None:
            raise ValueError(
                f"cross_entropy: ignore_index {ignore_index} is for class labels, and targets of "
                f"shape {shape} are probabilities; give such rows a sample_weight of 0"
            )
        targets = _checked_probabilities(targets)
        losses = _of_probabilities(logits, targets, class_weight, label_smoothing)
        return reduced("cross_entropy", losses, sample_weight, reduction)
    raise ShapeError(
        f"cross_entropy: targets of shape {targets.shape} do not fit logits of shape {shape}; "
        f"expected class labels of shape {shape[:-1]} or probabilities of shape {shape}"
    )


class CrossEntropyLoss(Loss):
    """For one class of several, of scores before the softmax: see `functional.cross_entropy`.

    >>> from adjoint import nn
    >>> loss = nn.CrossEntropyLoss(ignore_index=-1)
    >>> print(round(float(loss([[0.0, 1e4], [0.0, 0.0]], [1, -1])), 4))
    0.0
    """

    function = staticmethod(cross_entropy)

    def __init__(
        self,
        class_weight: ArrayLike | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int | None = None,
        *,
        reduction: str = "mean",
    ) -> None:
        super().__init__(reduction)
        self.class_weight = class_weight
        self.label_smoothing = label_smoothing
        self.ignore_index = ignore_index


def _of_probabilities(
    logits: Value | Array,
    targets: Value | Array,
    class_weight: Value | Array | None,
    smoothing: float,
) -> Any:
    """Return the loss of every row."""
    targets = floats(targets, logits)
    if smoothing:
        targets = (1 - smoothing) * targets + smoothing / logits.shape[-1]
    terms = targets * log_softmax(logits)
    return -(terms if class_weight is None else class_weight * terms).sum(axis=-1)


def _of_labels(
    logits: Value | Array,
    labels: Value | Array,
    class_weight: Value | Array | None,
    smoothing: float,
    ignore_index: int | None,
    sample_weight: ArrayLike | None,
    reduction: str,
) -> Any:
    """Return Σ w l / Σ w over the rows, where w is 0 for what is ignored, or what is asked for."""
    kept = None if ignore_index is None else not_equal(labels, ignore_index)
    labels = _checked_labels(labels, logits.shape, kept)
    losses = softmax_cross_entropy(logits, labels)
    weights = None if class_weight is None else take(class_weight, labels)
    if weights is not None:
        losses = weights * losses
    if smoothing:
        even = _of_probabilities(logits, np.ones((), logits.dtype), class_weight, 0.0)
        losses = (1 - smoothing) * losses + smoothing / logits.shape[-1] * even
    if reduction != "mean" and kept is not None:
        losses = where(kept, losses, 0.0)
    if reduction != "mean" or (weights is None and kept is None):
        return reduced("cross_entropy", losses, sample_weight, reduction)
    weights = np.ones((), logits.dtype) if weights is None else weights
    if sample_weight is not None:
        each = row_weights("cross_entropy", sample_weight, losses, divide=True)
        losses, weights = each * losses, each * weights
    if kept is not None:
        losses, weights = where(kept, losses, 0.0), where(kept, weights, 0.0)
    total = require_that(
        total_of_batch(sum(weights)),
        lambda total: total != 0,
        f"cross_entropy: of labels of shape {labels.shape} all are ignored or of weight 0; "
        "expected at least one that counts",
    )
    return total_of_batch(sum(losses)) / total


def _checked_labels(labels: Value | Array, shape: Shape, kept: Value | Array | None = None) -> Any:
    """Return integer labels, class 0 for those that are not kept."""
    kind = labels.dtype.kind
    if kind == "b":
        # Labels are used as indices, and NumPy takes a boolean index for a mask.
        labels = astype(labels, dtype=np.intp)
    elif kind not in "iu":
        raise TypeError(
            f"cross_entropy: class labels must be integers, got dtype {labels.dtype} and shape "
            f"{labels.shape}; pass y.astype(int), or probabilities of shape {shape}"
        )
    if kept is not None:
        labels = where(kept, labels, astype(np.zeros((), np.intp), dtype=labels.dtype))
    # Where the labels are known, the loss itself looks at them and says what is wrong.
    return class_labels(labels, classes=shape[-1]) if is_traced(labels) else labels


def _checked_probabilities(targets: Value | Array) -> Value | Array:
    """Return targets each of whose rows is not negative and adds up to 1."""
    checked: Value | Array = require_that(
        targets,
        lambda rows: (rows >= 0).all(axis=-1) & (abs(rows.sum(axis=-1) - 1) < _SLACK),
        "cross_entropy: expected rows of probabilities, not negative and adding up to 1",
    )
    return checked


def kl_divergence(
    log_probabilities: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean over the rows of Σ_k t_k (log t_k - l_k), where 0 log 0 is 0.

    Parameters
    ----------
    log_probabilities, target : (..., c) arrays of one shape
        The logarithms l of the predicted probabilities, as of `adjoint.log_softmax`, and the
        probabilities t.
    sample_weight : (n,) array, optional
        The weights w of the rows: the loss is Σ w l / Σ w.
    reduction : str
        "mean"; "sum" of the entries, or "none" for an array of rows, each times the weight of
        its row.

    Returns
    -------
    () Tensor
        With "none" an array of the shape of the prediction without its last axis.

    Raises
    ------
    ShapeError
        If the shapes differ, or the weights are not one a row.
    ValueError
        If a target is not from 0 to 1, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import kl_divergence
    >>> print(round(kl_divergence(np.log([[0.5, 0.5]]), [[1.0, 0.0]]), 4))
    0.6931
    """
    log_probabilities, target = as_pair("kl_divergence", log_probabilities, target)
    need_rows("kl_divergence", target)
    target = need("kl_divergence", target, is_probability, "a number from 0 to 1")
    some = greater(target, 0)
    gap = where(some, log(where(some, target, 1.0)) - log_probabilities, 0.0)
    return reduced("kl_divergence", sum(target * gap, axis=-1), sample_weight, reduction)


class KLDivergence(Loss):
    """For probabilities, of the logarithms of those predicted: see `functional.kl_divergence`.

    >>> from adjoint import nn
    >>> print(round(float(nn.KLDivergence()([[0.0, -1.0]], [[0.0, 1.0]])), 4))
    1.0
    """

    function = staticmethod(kl_divergence)
