"""A compiled run calls one traced graph for each step: forward pass, backward pass and update."""

from __future__ import annotations

import math
from typing import Any

from ..core.annotations import Array
from ..optim.snapshot import kept_on_error
from .eager_run import EagerRun, eager_steps
from .epochs import Position, TakeStep
from .history import History
from .run import Run, Show, Watch
from .saving import Saver
from .step import TrainingStep
from .task import Task


class CompiledRun:
    """A run whose steps are compiled, from the second epoch on.

    A graph knows shapes and dtypes only, and cannot refuse a label that is out of range. So the
    first epoch is eager: in it the loss itself sees every row, and says what is wrong with one.

    Parameters
    ----------
    task : Task
    history : History
    saver : Saver
    native : bool
        Whether native code is worth its while, where there is some; else the steps run as their
        source.

    Attributes
    ----------
    tier : str
        What whole batches run in.

    Raises
    ------
    TypeError, ValueError
        If the step cannot be traced.
    """

    def __init__(
        self, task: Task, history: History, saver: Saver | None = None, *, native: bool
    ) -> None:
        self.step = TrainingStep(
            task.model,
            task.loss,
            task.optimizer,
            tiers=None if native else {},
            predicts=bool(task.metrics),
        )
        if task.stream is not None:
            raise ValueError("the shapes of a stream's batches are not known before")
        n, size = task.rows, task.batch_size
        self.tier = self.step.program(*(array[:size] for array in task.data)).tier
        if short := n % size:
            self.step.program(*(array[:short] for array in task.data))
        self._traced = self.step.structure
        # An epoch of compiled steps differs from an eager one in how a step is taken and in nothing
        # else, so an eager run keeps the records.
        self._epochs = EagerRun(task, history, saver)
        self.task, self.history, self.saver = task, history, self._epochs.saver

    @property
    def is_current(self) -> bool:
        """Return whether model, loss and optimiser still are what was traced, but for numbers."""
        return bool(self._traced == self.step.structure)

    def current(self) -> Run:
        """Return this run, or an eager one if a callback changed a constant of the graph."""
        return self if self.is_current else EagerRun.instead_of(self)

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train for one epoch, and record it."""
        if len(self.history):
            self._epochs.train_with(self.steps(), self.tier)
        else:
            self._epochs.train(until)

    def position(self) -> Position | None:
        """Return how far the epoch is; None where Ctrl-C came between a step and its record."""
        return self._epochs.position()

    def resume(self, position: Position) -> None:
        """Go on so far into the next epoch."""
        self._epochs.resume(position)

    def steps(self) -> TakeStep:
        """Return a function that takes steps while only numbers in parameters and memory change."""
        task, compute = self.task, self.step.computing()
        eagerly = eager_steps(task)
        # A compiled step writes no gradients. None is better than one that an eager step left.
        task.optimizer.zero_grad()

        def take(*batch: Array) -> tuple[float, Any]:
            computed = compute(*batch)
            number = float(computed.loss)
            if not math.isfinite(number):
                # The program may overflow where an eager step, which rounds another way, does not;
                # only the latter ends the training.
                return eagerly(*batch)
            before = task.snapshot()
            with kept_on_error(before):
                task.latest_finite = before
                self.step.write(computed)
            return number, computed.prediction

        return take
