"""A loss is a module: its settings are attributes, its call takes prediction and target."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...core.annotations import ArrayLike
from ...errors import choose
from ...ops.reductions import mean
from ..function_module import FunctionModule
from ..module import Module
from .rows import REDUCTIONS


class Loss(FunctionModule):
    """A loss function as a module; abstract.

    Parameters
    ----------
    reduction : str
        "mean" of the entries, their "sum", or "none" for the array of them.

    Raises
    ------
    ValueError
        If the reduction is another.
    """

    # Losses that were pickled before there was a choice have no attribute of this name.
    reduction = "mean"

    def __init__(self, reduction: str = "mean") -> None:
        self.reduction = choose("reduction", reduction, REDUCTIONS)

    def forward(
        self, prediction: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Any:
        """Return the mean over the rows, or what ``reduction`` says."""
        return self.apply(prediction, target, sample_weight=sample_weight)

    def extra_repr(self) -> str:
        """Return the settings, and the reduction if it is not the mean."""
        shown = super().extra_repr()
        return shown.removesuffix("reduction='mean'").removesuffix(", ")


def reduction_of(loss: Callable[..., Any]) -> str:
    """Return how a loss makes one number of many: as its module or `functools.partial` says.

    Examples
    --------
    >>> from adjoint import nn
    >>> reduction_of(nn.MSELoss(reduction="sum")), reduction_of(nn.functional.mse_loss)
    ('sum', 'mean')
    """
    if isinstance(loss, Weighted):
        return reduction_of(loss.loss)
    if isinstance(loss, partial):
        return str(loss.keywords.get("reduction", "mean"))
    return str(getattr(loss, "reduction", "mean"))


class Weighted(Module):
    """A loss of rows with weights: Σ w l / n, where the loss itself returns Σ w l / Σ w.

    So a batch whose rows weigh more makes a longer step. If the weights of all rows have the mean
    1, this is the weighted mean of the loss over all of them. Without weights it is the loss
    itself; a sum with weights is Σ w l as it stands.

    Parameters
    ----------
    loss : callable
        ``loss(prediction, target, sample_weight=weights)``.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> from adjoint.nn.losses.loss import Weighted
    >>> loss = Weighted(nn.functional.mse_loss)
    >>> print(loss(np.array([1.0, 3.0]), np.zeros(2), np.array([1.5, 0.5])))
    3.0
    """

    def __init__(self, loss: Callable[..., Any]) -> None:
        self.loss = loss

    def forward(
        self, prediction: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Any:
        """Return the mean over the rows."""
        if sample_weight is None:
            return self.loss(prediction, target)
        value = self.loss(prediction, target, sample_weight=sample_weight)
        return value if reduction_of(self.loss) == "sum" else value * mean(sample_weight)

    def extra_repr(self) -> str:
        """Return the loss, which may be a function."""
        return f"loss={self.loss}"
