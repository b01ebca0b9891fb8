"""The loss of a network that predicts a mean and how far numbers scatter around it."""

from __future__ import annotations

import math
from typing import Any

from ...core.annotations import Array, ArrayLike
from ...core.value import Value
from ...errors import ShapeError
from ...ops.arithmetic import divide, subtract
from ...ops.exponential import log, square
from ...ops.logic import less
from ...ops.piecewise import where
from ...ops.requirement import require_that
from ...ops.structural import astype, broadcast_to, reshape, stop_gradient
from .loss import Loss
from .rows import as_pair, as_values, floats, reduced

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["gaussian_nll_loss"]


def gaussian_nll_loss(
    mean: ArrayLike,
    target: ArrayLike,
    variance: ArrayLike,
    *,
    full: bool = False,
    eps: float = 1e-6,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of (log v + (t - m)² / v) / 2: minus the log-likelihood of normal numbers.

    Nix & Weigend, "Estimating the mean and variance of the target probability distribution",
    ICNN 1994. The variance of a network is often the exponential of one of its outputs.

    Parameters
    ----------
    mean, target : arrays of one shape
        The predicted means m, and the numbers t.
    variance : float or array
        The predicted variances v, not negative: of the shape of the mean; of that shape with axes
        of size 1; or without its last axis, along which they are then the same.
    full : bool
        Add log(2π) / 2 to every entry, which the log-likelihood has and no gradient.
    eps : float
        Smaller variances count as this one. As in PyTorch their gradient is the one at ``eps``,
        not 0, so that a network can leave the region.
    sample_weight : (n,) array, optional
        The weights w of the rows: the loss is Σ w l / Σ w.
    reduction : str
        "mean"; "sum" of the entries, or "none" for an array of entries, each times the weight of
        its row.

    Returns
    -------
    () Tensor
        With "none" an array of the shape of the mean.

    Raises
    ------
    ShapeError
        If the shapes do not fit, or the weights are not one a row.
    ValueError
        If a variance is negative, eps is not above 0, there are no entries, or a weight is negative
        or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import gaussian_nll_loss
    >>> print(gaussian_nll_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0]), 1.0))
    1.0
    """
    if not eps > 0:
        raise ValueError(f"gaussian_nll_loss: eps is {eps}; expected a number above 0")
    mean, target = as_pair("gaussian_nll_loss", mean, target)
    v = _raised(_as_variances(variance, mean), eps)
    losses = 0.5 * (log(v) + divide(square(subtract(target, mean)), v))
    if full:
        losses = losses + 0.5 * math.log(2 * math.pi)
    return reduced("gaussian_nll_loss", losses, sample_weight, reduction)


class GaussianNLLLoss(Loss):
    """For numbers whose scatter is predicted, too: see `functional.gaussian_nll_loss`.

    It is called with mean, target and variance, so `fit` takes it inside a function that splits the
    prediction into mean and variance.

    >>> from adjoint import nn
    >>> print(round(float(nn.GaussianNLLLoss(full=True)([1.0], [1.0], [1.0])), 4))
    0.9189
    """

    function = staticmethod(gaussian_nll_loss)

    def __init__(self, full: bool = False, eps: float = 1e-6, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.full = full
        self.eps = eps

    def forward(  # type: ignore[override]
        self,
        mean: ArrayLike,
        target: ArrayLike,
        variance: ArrayLike,
        sample_weight: ArrayLike | None = None,
    ) -> Any:
        """Return the mean over the entries, or what ``reduction`` says."""
        return self.apply(mean, target, variance, sample_weight=sample_weight)


def _as_variances(variance: ArrayLike, mean: Value | Array) -> Any:
    """Return the variances in the shape of the means, if they fit and none is negative."""
    (found,) = as_values(variance)
    # A plain number must not widen a mean of float32.
    given: Any = found if hasattr(variance, "dtype") else astype(found, dtype=mean.dtype)
    shape = given.shape
    if len(shape) == len(mean.shape) - 1 and shape == mean.shape[:-1]:
        given = reshape(given, shape=(*shape, 1))
    elif shape and (
        len(shape) != len(mean.shape)
        or any(n not in (1, size) for n, size in zip(shape, mean.shape, strict=True))
    ):
        raise ShapeError(
            f"gaussian_nll_loss: variance of shape {shape} does not fit the mean of shape "
            f"{mean.shape}; expected that shape, perhaps with axes of size 1 or without the last "
            "axis, or a single number"
        )
    message = "gaussian_nll_loss: expected variances from 0"
    checked = require_that(given, lambda v: ~(v < 0), message)
    return broadcast_to(floats(checked, mean), shape=mean.shape)


def _raised(variance: Value | Array, eps: float) -> Any:
    """Return the variances, but ``eps`` at least, with a slope of 1 everywhere."""
    return variance + stop_gradient(where(less(variance, eps), eps - variance, 0.0))
