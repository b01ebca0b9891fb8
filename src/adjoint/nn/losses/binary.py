"""Losses of yes or no: of scores before the logistic function, or with a margin."""

from __future__ import annotations

from typing import Any

from ...core.annotations import ArrayLike
from ...ops.exponential import exp, softplus
from ...ops.piecewise import relu
from .loss import Loss
from .rows import as_pair, as_values, as_weights, is_probability, need, reduced

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["binary_cross_entropy", "focal_loss", "hinge_loss"]


def binary_cross_entropy(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    pos_weight: ArrayLike | None = None,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of -t log σ(a) - (1 - t) log(1 - σ(a)), finite for any finite logits.

    Parameters
    ----------
    logits, targets : arrays of one shape
        Scores a before the logistic function, which is part of the loss, and the probabilities t
        of yes: numbers from 0 to 1, or booleans.
    pos_weight : float or array, optional
        A factor of the first term: above 1 it makes a missed yes dearer. An array has the shape of
        the targets' last axis.
    sample_weight : (n,) array, optional
        The weights w of the rows: the loss is Σ w l / Σ w.
    reduction : str
        "mean"; "sum" of the entries, or "none" for an array of entries, each times the weight of
        its row.

    Returns
    -------
    () Tensor
        With "none" an array of the shape of the prediction.

    Raises
    ------
    ShapeError
        If the shapes differ, or weights do not fit.
    ValueError
        If a target is not from 0 to 1, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import binary_cross_entropy
    >>> print(round(binary_cross_entropy(np.array([0.0, 1e4]), [1, 1]), 4))
    0.3466
    """
    logits, targets = as_pair("binary_cross_entropy", logits, targets)
    targets = need("binary_cross_entropy", targets, is_probability, "a number from 0 to 1")
    yes = targets
    if pos_weight is not None:
        (pos_weight,) = as_values(pos_weight)
        shape = logits.shape[-1:] if pos_weight.shape else ()
        yes = as_weights("binary_cross_entropy", "pos_weight", pos_weight, shape, logits) * targets
    # log(1 + e^-a) and log(1 + e^a). Taking log σ(a) instead would give -∞ where σ(a) rounds to 0.
    losses = yes * softplus(-logits) + (1 - targets) * softplus(logits)
    return reduced("binary_cross_entropy", losses, sample_weight, reduction)


class BinaryCrossEntropy(Loss):
    """For yes or no, of scores before the logistic function: see `functional.binary_cross_entropy`.

    >>> from adjoint import nn
    >>> print(round(float(nn.BinaryCrossEntropy()([1e4, -1e4], [1, 1])), 4))
    5000.0
    """

    function = staticmethod(binary_cross_entropy)

    def __init__(self, pos_weight: ArrayLike | None = None, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.pos_weight = pos_weight


def focal_loss(
    logits: ArrayLike,
    targets: ArrayLike,
    *,
    gamma: float = 2.0,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of -t (1 - p)^γ log p - (1 - t) p^γ log(1 - p), p = σ(a).

    What is already predicted well counts for little. Source: Lin et al., Focal loss for dense
    object detection (2017).

    Parameters
    ----------
    logits, targets : arrays of one shape
        As for `binary_cross_entropy`, which is the loss at γ = 0.
    gamma : float
    sample_weight : (n,) array, optional
        The weights w of the rows: the loss is Σ w l / Σ w.
    reduction : str
        "mean"; "sum" of the entries, or "none" for an array of entries, each times the weight of
        its row.

    Returns
    -------
    () Tensor
        With "none" an array of the shape of the prediction.

    Raises
    ------
    ShapeError
        If the shapes differ, or the weights are not one a row.
    ValueError
        If gamma is negative, a target is not from 0 to 1, there are no entries, or a weight is
        negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import focal_loss
    >>> print(round(focal_loss(np.zeros(2), [0, 1]), 4))
    0.1733
    """
    if not gamma >= 0:
        raise ValueError(f"focal_loss: gamma is {gamma}; expected a number from 0")
    logits, targets = as_pair("focal_loss", logits, targets)
    targets = need("focal_loss", targets, is_probability, "a number from 0 to 1")
    # -log p and -log(1 - p). A power of p is written as e to a multiple of log p, since p**γ has no
    # finite slope at p = 0 for γ below 1.
    yes, no = softplus(-logits), softplus(logits)
    losses = targets * exp(-gamma * no) * yes + (1 - targets) * exp(-gamma * yes) * no
    return reduced("focal_loss", losses, sample_weight, reduction)


class FocalLoss(Loss):
    """For yes or no where one of them is rare: see `functional.focal_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.FocalLoss()([1e4, -1e4], [1, 1])), 4))
    5000.0
    """

    function = staticmethod(focal_loss)

    def __init__(self, gamma: float = 2.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.gamma = gamma


def hinge_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of max(0, 1 - t a) over all entries.

    Parameters
    ----------
    prediction, target : arrays of one shape
        Scores a, and their signs t: -1 or 1.
    sample_weight : (n,) array, optional
        The weights w of the rows: the loss is Σ w l / Σ w.
    reduction : str
        "mean"; "sum" of the entries, or "none" for an array of entries, each times the weight of
        its row.

    Returns
    -------
    () Tensor
        With "none" an array of the shape of the prediction.

    Raises
    ------
    ShapeError
        If the shapes differ, or the weights are not one a row.
    ValueError
        If a target is neither -1 nor 1, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import hinge_loss
    >>> print(hinge_loss(np.array([0.5, -3.0]), [1, -1]))
    0.25
    """
    prediction, target = as_pair("hinge_loss", prediction, target)
    target = need("hinge_loss", target, lambda t: abs(t) == 1, "-1 or 1")
    return reduced("hinge_loss", relu(1 - target * prediction), sample_weight, reduction)


class HingeLoss(Loss):
    """For signs, up to a margin of 1: see `functional.hinge_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.HingeLoss()([0.5, -3.0], [1, -1])), 4))
    0.25
    """

    function = staticmethod(hinge_loss)
