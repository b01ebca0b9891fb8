"""Losses of vectors: their directions, and their distances."""

from __future__ import annotations

from typing import Any

from ...core.annotations import Array, ArrayLike
from ...core.value import Value
from ...ops.arithmetic import subtract
from ...ops.exponential import sqrt, square
from ...ops.piecewise import maximum, relu
from ...ops.reductions import sum
from .loss import Loss
from .rows import as_pair, need_rows, reduced

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["cosine_loss", "triplet_loss"]

# Shorter vectors count as of this length: the cosine divides by lengths, and those of zeros are 0.
_SHORTEST = 1e-8
# Added to every difference: the root in the distance of equal vectors would have an infinite slope.
_APART = 1e-6


def cosine_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean over the rows of 1 - cos of the angle between prediction and target.

    Parameters
    ----------
    prediction, target : (..., d) arrays of one shape
        A row of zeros is at a right angle to all.
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
        If the shapes differ or are (), or the weights are not one a row.
    ValueError
        If there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import cosine_loss
    >>> print(cosine_loss(np.array([[1.0, 0.0], [2.0, 0.0]]), [[0, 1], [1, 0]]))
    0.5
    """
    prediction, target = as_pair("cosine_loss", prediction, target)
    need_rows("cosine_loss", prediction)
    cosines = sum(prediction * target, axis=-1) / (_length(prediction) * _length(target))
    return reduced("cosine_loss", 1 - cosines, sample_weight, reduction)


class CosineLoss(Loss):
    """For directions: see `functional.cosine_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.CosineLoss()([[1.0, 0.0], [2.0, 0.0]], [[0, 1], [1, 0]])), 4))
    0.5
    """

    function = staticmethod(cosine_loss)


def _length(x: Value | Array) -> Any:
    """Return the length of every row, or `_SHORTEST` if that is more."""
    return sqrt(maximum(sum(square(x), axis=-1), _SHORTEST**2))


def triplet_loss(
    anchor: ArrayLike,
    positive: ArrayLike,
    negative: ArrayLike,
    *,
    margin: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean over the rows of max(0, |a - p| - |a - n| + margin).

    Parameters
    ----------
    anchor, positive, negative : (..., d) arrays of one shape
        Rows a, what is to be near each, and what is to be further away, by the margin.
    margin : float
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
        If the shapes differ or are (), or the weights are not one a row.
    ValueError
        If the margin is not above 0, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import triplet_loss
    >>> a, p, n = np.array([[0.0]]), np.array([[2.0]]), np.array([[2.5]])
    >>> print(round(triplet_loss(a, p, n), 4))
    0.5
    """
    if not margin > 0:
        raise ValueError(f"triplet_loss: margin is {margin}; expected a number above 0")
    anchor, positive = as_pair("triplet_loss", anchor, positive)
    anchor, negative = as_pair("triplet_loss", anchor, negative)
    need_rows("triplet_loss", anchor)
    losses = relu(_distance(anchor, positive) - _distance(anchor, negative) + margin)
    return reduced("triplet_loss", losses, sample_weight, reduction)


class TripletLoss(Loss):
    """For distances from an anchor: see `functional.triplet_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.TripletLoss()([[0.0]], [[2.0]], [[2.5]])), 4))
    0.5
    """

    function = staticmethod(triplet_loss)

    def __init__(self, margin: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.margin = margin

    def forward(  # type: ignore[override]
        self,
        anchor: ArrayLike,
        positive: ArrayLike,
        negative: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Return the mean over the rows, or what ``reduction`` says."""
        return self.apply(anchor, positive, negative, sample_weight=sample_weight)


def _distance(x: Value | Array, y: Value | Array) -> Any:
    return sqrt(sum(square(subtract(x, y) + _APART), axis=-1))
