"""An eager run records the operations of each step as they happen, and sweeps back over them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..nn.losses.loss import reduction_of
from ..optim.snapshot import kept_on_error
from .epochs import Position, TakeStep, as_number, as_plain_array, train_epoch, validate
from .history import History
from .run import Run, Show, Watch
from .saving import Saver
from .task import Task

_CHANGED = "a callback changed more than the numbers of what was compiled"


class EagerRun:
    """A run in which Python takes every step; the slowest, and the one that takes any model.

    Parameters
    ----------
    task : Task
    history : History
    saver : Saver
        Asked after each step.
    position : Position, optional
        Where in its epoch the training goes on; by default at the beginning.
    """

    def __init__(
        self,
        task: Task,
        history: History,
        saver: Saver | None = None,
        position: Position | None = None,
    ) -> None:
        self.task, self.history, self.saver = task, history, saver or Saver()
        self._begin_epoch(position or Position())

    @classmethod
    def instead_of(cls, run: Run) -> EagerRun:
        """Return an eager run that continues where a compiled one no longer fits the model."""
        run.history.reasons = [_CHANGED]
        return cls(run.task, run.history, run.saver, run.position())

    def _begin_epoch(self, position: Position) -> None:
        self._position = position
        self._steps_before = self.task.optimizer.steps - position.step

    def current(self) -> Run:
        """Return itself: it reads everything anew at each step."""
        return self

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train for one epoch, and record it."""
        self.train_with(eager_steps(self.task), "eager")

    def train_with(self, take: TakeStep, tier: str) -> None:
        """Train for one epoch with steps of some tier, and record it."""
        task, history = self.task, self.history
        history.tier = tier
        order = task.order(len(history))
        record = train_epoch(task, take, order, history, self._position, self._after_step)
        history.append(**record, **self._validated())
        self._begin_epoch(Position())

    def _validated(self) -> dict[str, float]:
        return validate(self.task)

    def _after_step(self) -> None:
        if self.saver.is_due():
            self.saver.save(self)

    def position(self) -> Position | None:
        """Return how far the epoch is; None where Ctrl-C came between a step and its record."""
        taken = self.task.optimizer.steps - self._steps_before
        return self._position if taken == self._position.step else None

    def resume(self, position: Position) -> None:
        """Go on so far into the next epoch."""
        self._begin_epoch(position)
        self.task.latest_finite = self.task.snapshot()


def eager_steps(task: Task) -> TakeStep:
    """Return a function that takes an eager step on a batch, as a whole or in parts."""
    return _accumulated_steps(task) if task.accumulate > 1 else _whole_steps(task)


def _whole_steps(task: Task) -> TakeStep:
    model, loss, optimizer = task.model, task.loss, task.optimizer

    def take(X: Array, *targets: Array) -> tuple[float, Any]:
        before = task.snapshot()
        with kept_on_error(before):
            prediction = model(X)
            value = loss(prediction, *targets)
            number = as_number(value)
            if math.isfinite(number):
                optimizer.zero_grad()
                value.backward()
                task.latest_finite = before
                optimizer.step()
        return number, prediction

    return take


def _accumulated_steps(task: Task) -> TakeStep:
    """Return a function that takes a step on a batch whose parts pass the model one by one.

    Their gradients add up to that of the mean over the batch, or of the sum, in the memory that one
    part takes.
    """
    model, loss, optimizer = task.model, task.loss, task.optimizer
    is_sum = reduction_of(loss) == "sum"

    def take(*batch: Array) -> tuple[float, Any]:
        number, predictions = 0.0, []
        before = task.snapshot()
        with kept_on_error(before):
            optimizer.zero_grad()
            for part in np.array_split(np.arange(len(batch[0])), task.accumulate):
                if not len(part):
                    continue
                X, *targets = (array[part] for array in batch)
                prediction = model(X)
                value = loss(prediction, *targets)
                value = value if is_sum else value * (len(part) / len(batch[0]))
                number += as_number(value)
                if not math.isfinite(number):
                    return number, None
                value.backward()
                predictions.append(as_plain_array(prediction))
            task.latest_finite = before
            optimizer.step()
        return number, np.concatenate(predictions)

    return take
