"""A trainer runs the epochs of a task, in the fastest tier that takes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import data as rows
from .compiler.native.fitting import NativeFit, is_worthwhile, refuse_unasked
from .compiler.native.loop import Status
from .compiler.native.nest import Unlowerable
from .compiler.native.training import Patience
from .compiler.step import foreign_part
from .epochs import CompiledSteps, Progress, Take, eager_steps, train_epoch, validate
from .history import History
from .reshuffle import Reshuffle
from .task import Task

Array = np.ndarray[Any, Any]
Show = Callable[[int, float], None]

# A compiled step saves a tenth of a millisecond, and takes ten or thirty to be made.
_WORTHWHILE = 500
_CHANGED = "a callback changed more than the numbers of what was compiled"
_REFUSALS = (ImportError, Unlowerable, TypeError, ValueError)


class Trainer:
    """What trains the model of a task, and records each epoch.

    Parameters
    ----------
    task : Task
    history : History
        It says how many epochs are over, and its seed in which order the rows come.
    epochs : int
        How many there may be in all.
    compile : bool, "auto" or "prefer"
        As `fit` takes it; "prefer" compiles what can be, whether it pays or not.
    shuffle : bool or Reshuffle
        Whether the rows come in the order of the seed or in their own; or what orders them.
    """

    def __init__(
        self,
        task: Task,
        history: History,
        *,
        epochs: int,
        compile: Any,
        shuffle: bool | Reshuffle = True,
    ) -> None:
        if compile not in (True, False, "auto", "prefer"):
            raise ValueError(f'compile: expected True, False or "auto", got {compile!r}')
        self.task, self.history = task, history
        self.epochs, self.wanted = epochs, compile
        self.seed = history.seed if shuffle is True else None
        self._reshuffle = shuffle if isinstance(shuffle, Reshuffle) else None
        # Those of epochs to come, once they were asked for.
        self._orders: dict[int, Array | None] = {}
        self._compiled: NativeFit | CompiledSteps | None = None
        # Of the epoch under way, where Python takes the steps, and the steps taken before it.
        self._progress, self._steps = Progress(), task.optimizer.steps
        self.is_due: Callable[[], bool] = lambda: False
        self.save: Callable[[], None] = lambda: None

    def prepare(self) -> None:
        """Compile what can be, and note in the history why not more."""
        self._compiled, self.history.reasons = self._compile()

    def run(self, until: int, show: Show, patience: Patience | None = None) -> None:
        """Train up to an epoch at most or as the patience lasts, and at least one epoch.

        Only native code keeps to the patience; other tiers come back after one epoch.
        """
        task, history = self.task, self.history
        start = len(history)
        while len(history) == start:
            task.model.train()
            if self._compiled is not None and not self._compiled.is_current:
                self._compiled, history.reasons = None, [_CHANGED]
            native = self._compiled if isinstance(self._compiled, NativeFit) else None
            if native is not None and native.stopped_at[0] < task.steps:
                history.tier = "native"
                until = until if task.validation is None else start + 1
                self._run_natively(native, min(until, self.epochs), show, patience)
                if len(history) == start:
                    self._after_step()
            else:
                self._run_in_python(native)
        show(len(history), history.loss[-1])

    def _run_in_python(self, native: NativeFit | None) -> None:
        """Train to the end of the epoch step by step."""
        task, history = self.task, self.history
        take = eager_steps(task) if native is not None else self._in_python()
        order, progress = self.order(len(history)), self._progress
        record = train_epoch(task, take, order, history, progress, self._after_step)
        if native is not None:
            native.take_over(record["loss"])
        self._end_epoch(record)

    def _end_epoch(self, record: dict[str, float]) -> None:
        """Record an epoch whose steps are all taken."""
        self.history.append(**record, **validate(self.task))
        self._progress, self._steps = Progress(), self.task.optimizer.steps

    def _after_step(self) -> None:
        if self.is_due():
            self.save()

    # --- to go on later ---------------------------------------------------------------------------

    def position(self) -> Progress | None:
        """Return how far the epoch under way is; None at the moment where that cannot be told."""
        native = self._compiled
        if isinstance(native, NativeFit) and not self._progress.step:
            if native.epoch > len(self.history):  # it is not recorded yet
                return self._progress_of(self.task.steps, native.losses()[-1] * self.task.rows)
            return self._progress_of(*native.stopped_at)
        taken = self.task.optimizer.steps - self._steps
        return self._progress if taken == self._progress.step else None

    def _progress_of(self, step: int, loss_so_far: float) -> Progress:
        rows = min(step * self.task.batch_size, self.task.rows)
        return Progress(step, rows, loss_so_far)

    def resume(self, progress: Progress) -> None:
        """Go on from model, optimiser and history as they are, so far into the next epoch."""
        self._progress, epoch = progress, len(self.history)
        self._steps = self.task.optimizer.steps - progress.step
        self.task.undo.kept = self.task.undo.present()
        native = self._compiled
        if isinstance(native, NativeFit):
            order = self.order(epoch)
            native.resume(epoch, progress.step, progress.loss_so_far, order)
            if progress.step < self.task.steps:
                self._progress = Progress()

    def order(self, epoch: int) -> Array | None:
        """Return the order of the rows in an epoch; None for their own."""
        for past in [e for e in self._orders if e < len(self.history)]:
            del self._orders[past]
        if epoch not in self._orders:
            self._orders[epoch] = self._order(epoch)
        return self._orders[epoch]

    def _order(self, epoch: int) -> Array | None:
        if self.task.stream is not None:
            return None
        if self._reshuffle is not None:
            return self._reshuffle(epoch)
        if self.seed is None:
            return None
        return rows.permutation(self.task.rows, seed=self.seed, epoch=epoch)

    # --- in which tier ----------------------------------------------------------------------------

    def _compile(self) -> tuple[NativeFit | CompiledSteps | None, list[str]]:
        """Return the training compiled as far as it can be, and why not further."""
        if not self.wanted:
            return None, ["compile=False"]
        if self.task.accumulate > 1:
            return None, ["gradients are accumulated"]
        if self.task.stream is not None:
            return None, ["the data come in batches of their own"]
        self.task.model.train()
        reasons = []
        try:
            return self._as_native(), []
        except _REFUSALS as error:
            reasons.append(f"no native epochs: {error}")
        try:
            return self._as_steps(), reasons
        except _REFUSALS as error:
            reasons.append(f"no compiled steps: {error}")
            if self.wanted is not True:
                return None, reasons
            text = f"fit: compile=True, but the step cannot be compiled: {error}"
            raise ValueError(text) from error

    def _as_native(self) -> NativeFit:
        """Return the training as native code, or raise why there is none."""
        task = self.task
        if task.metrics:
            raise Unlowerable("metrics of the training data need the predictions of every step")
        parts = task.model, task.loss, task.optimizer
        if self.wanted == "auto":
            refuse_unasked(*parts, steps=self.epochs * task.steps, batch_size=task.batch_size)
        return NativeFit(
            *parts,
            task.data,
            batch_size=task.batch_size,
            epochs=self.epochs,
            seed=self.seed,
            reshuffle=self._reshuffle,
            form=task.form,
        )

    def _as_steps(self) -> CompiledSteps:
        """Return the steps as traced graphs, or raise why there are none."""
        task = self.task
        steps = (self.epochs - 1) * task.steps
        if self.wanted == "auto":
            if steps < _WORTHWHILE:
                raise Unlowerable(f"{steps} steps after the first epoch are too few")
            foreign = foreign_part(task.model, task.loss, task.optimizer)
            if foreign is not None:
                raise Unlowerable(f"{foreign} is not adjoint's own")
            native = is_worthwhile(task.model, steps=steps, batch_size=task.batch_size)
            return CompiledSteps(task, native=native)
        return CompiledSteps(task, native=True)

    def _in_python(self) -> Take:
        """Return what takes the steps of the next epoch, and note which tier that is."""
        if isinstance(self._compiled, CompiledSteps) and len(self.history):
            self.history.tier = self._compiled.tier
            return self._compiled.steps()
        self.history.tier = "eager"
        return eager_steps(self.task)

    # --- native epochs ----------------------------------------------------------------------------

    def _run_natively(
        self, native: NativeFit, until: int, show: Show, patience: Patience | None
    ) -> None:
        """Train up to an epoch; one that does not end well is finished, or ended, step by step."""
        task, history = self.task, self.history
        status = Status.PAUSED
        try:
            status = native.advance(until, show, self.is_due, patience)
        finally:
            # What is validated is recorded with its validation, and not if that is interrupted.
            if task.validation is None:
                for loss in native.losses(len(history)):
                    history.append(loss=loss)
        if task.validation is not None and native.epoch > len(history):
            self._end_epoch({"loss": native.losses(len(history))[0]})
        if status not in (Status.PAUSED, Status.STALLED):
            self._finish_epoch(native)

    def _finish_epoch(self, native: NativeFit) -> None:
        """Go on where native code stopped: it did not know what to do, or that is the end."""
        task, history = self.task, self.history
        task.undo.kept = native.previous
        take = eager_steps(task)
        # Nothing is saved meanwhile: from here native code would come to other roundings.
        progress = self._progress_of(*native.stopped_at)
        record = train_epoch(task, take, native.order, history, progress)
        native.take_over(record["loss"])
        self._end_epoch(record)
