"""A learning rate is found by a short training in which it grows until the loss diverges."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.checks import in_range, positive
from ..data import rows
from ..errors import DivergedError
from ..graphs.recording import enable_grad
from ..nn.module import Module
from ..optim import Optimizer
from ..optim.snapshot import kept
from .eager_run import eager_steps
from .task import Loss, MakesOptimizer, Task, prepare

# The search ends where the smoothed loss is above its least by this many times as much.
_DIVERGED = 3.0


@dataclass(frozen=True, repr=False)
class LearningRateSearch:
    """The losses that a training met while its learning rate grew; made by `find_learning_rate`.

    Attributes
    ----------
    rates : (k,) float array
        The learning rate of each step, from low to high.
    loss : (k,) float array
        The loss of each step's batch, before the step.
    smoothed : (k,) float array
        Its running mean.
    """

    rates: Array
    loss: Array
    smoothed: Array

    @property
    def suggestion(self) -> float | None:
        """The rate around which the smoothed loss falls most within a factor of ten.

        It is looked for up to the least smoothed loss, and is None where that is the first: the
        loss never fell. Smith proposes to read a rate off the falling part of the curve; its
        steepest point is fastai's convention, taken here over a factor of ten, since from one step
        to the next batches differ more than what is learnt.
        """
        lowest = int(np.argmin(self.smoothed))
        if lowest == 0:
            return None
        half = math.log(10) / 2 / math.log(self.rates[1] / self.rates[0])
        reach = min(max(1, round(half)), lowest // 2)
        falling = self.smoothed[: lowest + 1]
        falls = falling[2 * reach :] - falling[: len(falling) - 2 * reach]
        return float(self.rates[reach + int(np.argmin(falls))])

    def __repr__(self) -> str:
        low, high = self.rates[0], self.rates[-1]
        found = self.suggestion
        end = "no suggestion" if found is None else f"suggestion {found:.2g}"
        return f"<learning rates {low:.2g} to {high:.2g} in {len(self.rates)} steps: {end}>"


def find_learning_rate(
    model: Module,
    data: tuple[ArrayLike, ArrayLike],
    *,
    loss: str | Loss,
    optimizer: str | Optimizer | MakesOptimizer = "adam",
    low: float = 1e-6,
    high: float = 10.0,
    steps: int = 100,
    batch_size: int = 32,
    smoothing: float = 0.9,
    seed: np.random.Generator | int | None = None,
) -> LearningRateSearch:
    """Train while the learning rate grows from low to high, and put everything back.

    The rate of step i is low (high / low)^(i / (steps - 1)), the same for all groups: Smith,
    "Cyclical learning rates for training neural networks", WACV 2017, section 3.3, with
    exponential growth. It ends early where the smoothed loss exceeds its least fourfold, or a loss
    is not finite. Model, loss and optimiser are then what they were, bit for bit, also after an
    error or Ctrl-C.

    Parameters
    ----------
    model : Module
        It is in training mode during the search.
    data, loss, optimizer, batch_size, seed
        As for `fit`.
    low, high : float
        Positive.
    steps : int
        At least 2.
    smoothing : float
        From 0 (none) to below 1: the weight of the past in the running mean of the loss, which is
        corrected for its beginning at 0.

    Returns
    -------
    LearningRateSearch
        `plots.LearningRateDisplay.from_search` draws it.

    Raises
    ------
    ValueError
        If an argument is out of range.
    DivergedError
        If already the first loss is not finite.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> X = np.linspace(-1, 1, 64)[:, None]
    >>> model = ad.nn.Linear(1, 1, rng=0)
    >>> search = ad.find_learning_rate(
    ...     model, (X, 3 * X + 1), loss="mse_loss", seed=0,
    ...     optimizer=lambda p: ad.optim.SGD(p, lr=0.1))
    >>> 0.001 < search.suggestion < 1
    True
    """
    rates = _growing(low, high, steps)
    in_range("smoothing", smoothing, below=1.0)
    task = prepare(model, data, loss=loss, optimizer=optimizer, batch_size=batch_size)
    losses: list[float] = []
    smoothed: list[float] = []
    mean = 0.0
    with (
        kept(model, task.loss, task.optimizer),
        enable_grad(),
        np.errstate(over="ignore", invalid="ignore"),
    ):
        model.train()
        take = eager_steps(task)
        for rate, batch in zip(rates, _batches(task, rows.as_seed(seed)), strict=False):
            task.optimizer.lr = rate
            number, _ = take(*batch)
            if not math.isfinite(number):
                break
            losses.append(number)
            mean = smoothing * mean + (1 - smoothing) * number
            smoothed.append(mean / (1 - smoothing ** len(losses)))
            least = min(smoothed)
            if smoothed[-1] > least + _DIVERGED * abs(least):
                break
    if not losses:
        raise DivergedError(
            "find_learning_rate: the loss of the first batch is not finite; scale the inputs, or "
            "begin with smaller weights"
        )
    return LearningRateSearch(rates[: len(losses)], np.array(losses), np.array(smoothed))


def _growing(low: float, high: float, steps: int) -> Array:
    """Return the rates of all steps, each the same factor above the one before."""
    low, high = positive("low", low), positive("high", high)
    if not low < high:
        raise ValueError(f"find_learning_rate: expected low < high, got low={low}, high={high}")
    if isinstance(steps, bool) or int(steps) != steps or steps < 2:
        raise ValueError(f"find_learning_rate: steps must be 2 or more, got {steps!r}")
    return np.geomspace(low, high, int(steps))


def _batches(task: Task, seed: int) -> Iterator[Any]:
    """Yield batches without end, each epoch's in an order of its own."""
    n = task.rows
    for epoch in count():
        order = None if task.stream else rows.permutation(n, seed=seed, epoch=epoch)
        yield from task.batches(epoch, order, 0)
