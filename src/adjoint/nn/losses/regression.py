"""Losses of numbers: of a mean, a median, another quantile, or a count."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array, ArrayLike
from ...core.value import Value
from ...errors import ShapeError
from ...ops.arithmetic import subtract
from ...ops.exponential import exp, square
from ...ops.piecewise import absolute, clip, maximum
from .loss import Loss
from .rows import as_pair, as_values, floats, need, reduced

# `nn.functional` shows these functions; `nn` shows the classes.
__all__ = ["huber_loss", "mae_loss", "mse_loss", "poisson_loss", "quantile_loss"]


def mse_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of (prediction - target)² over all entries.

    Parameters
    ----------
    prediction, target : arrays of one shape
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
    prediction, target = as_pair("mse_loss", prediction, target)
    return reduced("mse_loss", square(subtract(prediction, target)), sample_weight, reduction)


class MSELoss(Loss):
    """The mean of squared differences: see `functional.mse_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.MSELoss()([1.0, 3.0], [1.0, 1.0])), 4))
    2.0
    """

    function = staticmethod(mse_loss)


def mae_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of |prediction - target| over all entries; its gradient at 0 is 0.

    Parameters
    ----------
    prediction, target : arrays of one shape
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
        If there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import mae_loss
    >>> print(mae_loss(np.array([1.0, 3.0]), np.array([1.0, 1.0])))
    1.0
    """
    prediction, target = as_pair("mae_loss", prediction, target)
    return reduced("mae_loss", absolute(subtract(prediction, target)), sample_weight, reduction)


class MAELoss(Loss):
    """The mean of absolute differences: see `functional.mae_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.MAELoss()([1.0, 3.0], [1.0, 1.0])), 4))
    1.0
    """

    function = staticmethod(mae_loss)


def huber_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    delta: float = 1.0,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of r²/2 where |r| ≤ δ, else δ (|r| - δ/2), of r = prediction - target.

    Parameters
    ----------
    prediction, target : arrays of one shape
    delta : float
        Where the parabola ends.
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
        If delta is not above 0, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import huber_loss
    >>> print(huber_loss(np.array([1.0, 4.0]), np.array([0.0, 1.0])))
    1.5
    """
    if not delta > 0:
        raise ValueError(f"huber_loss: delta is {delta}; expected a number above 0")
    prediction, target = as_pair("huber_loss", prediction, target)
    r = subtract(prediction, target)
    # With c = r this is r²/2, with c = ±δ it is δ (|r| - δ/2): no square that could overflow.
    c = clip(r, -delta, delta)
    return reduced("huber_loss", c * (r - 0.5 * c), sample_weight, reduction)


class HuberLoss(Loss):
    """Squares of small differences, multiples of large ones: see `functional.huber_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.HuberLoss(delta=2.0)([4.0], [0.0])), 4))
    6.0
    """

    function = staticmethod(huber_loss)

    def __init__(self, delta: float = 1.0, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.delta = delta


def quantile_loss(
    prediction: ArrayLike,
    target: ArrayLike,
    *,
    levels: float | Sequence[float] = 0.5,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of max(q r, (q - 1) r), r = target - prediction: least at the q-quantile.

    Parameters
    ----------
    prediction : (...) array, or (..., k) array for k levels
    target : (...) array
    levels : float or sequence of k floats
        The q's, between 0 and 1. For a sequence the prediction has a column for each.
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
        If the shapes do not fit.
    ValueError
        If a level is not between 0 and 1, there are no entries, or a weight is negative or all
        are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import quantile_loss
    >>> print(quantile_loss(np.zeros((1, 2)), np.array([4.0]), levels=(0.25, 0.75)))
    2.0
    """
    q = np.asarray(levels)
    if q.ndim > 1 or not ((q > 0) & (q < 1)).all():
        raise ValueError(
            f"quantile_loss: levels are {levels}; expected a number between 0 and 1, or several"
        )
    if q.ndim:
        prediction, target = _as_columns(prediction, target, q.shape[0])
    else:
        prediction, target = as_pair("quantile_loss", prediction, target)
    q = q.astype(prediction.dtype)
    r = subtract(target, prediction)
    return reduced("quantile_loss", maximum(q * r, (q - 1) * r), sample_weight, reduction)


class QuantileLoss(Loss):
    """What a quantile makes least, or several quantiles: see `functional.quantile_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.QuantileLoss(0.75)([0.0], [4.0])), 4))
    3.0
    """

    function = staticmethod(quantile_loss)

    def __init__(self, levels: float | Sequence[float] = 0.5, *, reduction: str = "mean") -> None:
        super().__init__(reduction)
        self.levels = levels


def _as_columns(
    prediction: ArrayLike, target: ArrayLike, levels: int
) -> tuple[Value | Array, Value | Array]:
    """Return the prediction, with a column for each level, and the target as one column."""
    prediction, target = as_values(prediction, target)
    if prediction.shape != (*target.shape, levels):
        raise ShapeError(
            f"quantile_loss: prediction of shape {prediction.shape} does not fit target of shape "
            f"{target.shape} and {levels} levels; expected shape {(*target.shape, levels)}"
        )
    if 0 in prediction.shape:
        raise ValueError(f"quantile_loss: shape {prediction.shape} has no entries to average")
    return floats(prediction), floats(target, prediction)[..., None]


def poisson_loss(
    log_rate: ArrayLike,
    target: ArrayLike,
    *,
    sample_weight: ArrayLike | None = None,
    reduction: str = "mean",
) -> Any:
    """Return the mean of e^a - t a: minus the log-likelihood of counts t, but for log t!.

    Parameters
    ----------
    log_rate, target : arrays of one shape
        The logarithms a of the expected counts, and the counts, not negative.
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
        If a count is negative, there are no entries, or a weight is negative or all are 0.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint.nn.functional import poisson_loss
    >>> print(poisson_loss(np.zeros(2), np.array([0, 3])))
    1.0
    """
    log_rate, target = as_pair("poisson_loss", log_rate, target)
    target = need("poisson_loss", target, lambda t: ~(t < 0), "a count from 0")
    return reduced("poisson_loss", exp(log_rate) - target * log_rate, sample_weight, reduction)


class PoissonLoss(Loss):
    """For counts, of the logarithms of what is expected: see `functional.poisson_loss`.

    >>> from adjoint import nn
    >>> print(round(float(nn.PoissonLoss()([0.0, 0.0], [0, 3])), 4))
    1.0
    """

    function = staticmethod(poisson_loss)
