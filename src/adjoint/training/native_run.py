"""A native run trains whole epochs without Python: its step is traced, its state carried over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np

from ..compiler.native import team
from ..compiler.native.epoch_loop import EpochLoop, Patience
from ..compiler.native.epoch_record import Status
from ..compiler.native.training_code import training_code
from ..core.annotations import Array
from ..optim.snapshot import Snapshot
from .arranged_step import arranged_step
from .eager_run import EagerRun, eager_steps
from .epochs import Position, train_epoch, validate
from .history import History
from .run import Run, Show
from .saving import Saver
from .step import TrainingStep
from .task import Task, work_of

# A turn of native code takes about this many seconds. While it runs Python cannot see Ctrl-C, nor
# draw the progress bar.
_TURN = 0.06
_MOST_STEPS = 10_000_000
# Native code does about so many operations in a second. This decides how many steps the first turn
# takes, before any was timed.
_FAST = 1e11


class NativeRun:
    """A run whose epochs are native code, one at a time or many at once.

    Parameters
    ----------
    task : Task
        Its model is in training mode.
    history : History
    saver : Saver
        Asked after each turn of native code.
    epochs : int
        How many there may be in all.

    Raises
    ------
    Unlowerable
        If the step cannot be native code; its text says why.
    """

    def __init__(
        self, task: Task, history: History, saver: Saver | None = None, *, epochs: int
    ) -> None:
        self.task, self.history, self.saver = task, history, saver or Saver()
        self.epochs, self.optimizer = epochs, task.optimizer
        self.step = TrainingStep(task.model, task.loss, task.optimizer)
        self._remembered = self.step.remembered()
        X, *rest = task.data
        data = [X, *(a.astype(np.int64) if a.dtype.kind in "iu" else a for a in rest)]
        numbers = self._settings(0, 1)
        code = training_code(
            lambda: arranged_step(self.step, data, task.batch_size, settings=numbers.size),
            self._key(data),
        )
        self._structure = self._present_structure()
        self._constants = [tensor.data for tensor in self.step.read_only.values()]
        self._written = self._read()
        self.loop = EpochLoop(
            code,
            self._carried(self._written),
            data,
            epochs=epochs,
            settings=numbers.ravel(),
            seed=task.seed,
        )
        if task.reshuffle is not None:
            self._words = task.reshuffle.words
            self.loop.reshuffle(task.reshuffle.rows, self._words)
        # How many steps the next turn takes. The first is a guess from the operations of a step,
        # which may be far too high; so it is small, and later turns are adjusted to the time that
        # they took.
        work = work_of(task.model, task.batch_size)
        self._steps = max(1, min(500, int(_TURN * _FAST / work)))
        self._is_finished_elsewhere = False

    # --- its code ---------------------------------------------------------------------------------

    def _key(self, data: Sequence[Array]) -> Hashable:
        """Return what says which graphs would be traced, where that is known without tracing."""
        task = self.task
        if task.form is None or self.step.buffers:
            return None
        sizes = [(array.shape[1:], array.dtype.str) for array in data]
        short = task.rows % task.batch_size
        return (task.form, *sizes, task.batch_size, short, team.can_share())

    def _settings(self, start: int, steps: int) -> Array:
        """Return the single numbers that model and loss read, and the optimiser's settings."""
        own = self.step.settings(start, steps)
        scalars = np.array([scalar.data for scalar in self.step.scalars.values()], own.dtype)
        if own.ndim == 1:
            return np.concatenate([scalars, own])
        return np.hstack([np.tile(scalars, (len(own), 1)), own])

    # --- training ---------------------------------------------------------------------------------

    @property
    def is_current(self) -> bool:
        """Return whether model and optimiser still are what was traced, but for their numbers."""
        now = [tensor.data for tensor in self.step.read_only.values()]
        is_same = all(map(is_, now, self._constants))
        return is_same and bool(self._structure == self._present_structure())

    def _present_structure(self) -> Any:
        return self.step.structure, self.step.remembered()

    def current(self) -> Run:
        """Return this run, or an eager one if a callback changed a constant of the native code."""
        return self if self.is_current else EagerRun.instead_of(self)

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, patience: Patience | None = None
    ) -> None:
        """Train one epoch at least and record it, or several where Python need not look between."""
        task, history = self.task, self.history
        history.tier, start = "native", len(history)
        # Validation is Python's, after every epoch.
        until = min(until if task.validation is None else start + 1, self.epochs)
        if self.loop.step == task.steps:  # resumed from between an epoch's last step and its record
            self._finish_epoch()
        while len(history) == start:
            self._train_natively(until, show, patience)
            if len(history) == start and self.saver.is_due():
                self.saver.save(self)

    def _train_natively(self, until: int, show: Show, patience: Patience | None) -> None:
        """Train up to an epoch; one that does not end well is finished, or ended, step by step."""
        task, history, loop = self.task, self.history, self.loop
        status = Status.PAUSED
        try:
            status = self.advance(until, show, patience)
        finally:
            # An epoch is recorded as a whole: where there is validation it is recorded below, with
            # its numbers, and not at all if the validation is interrupted.
            if task.validation is None:
                for loss in loop.losses(len(history)):
                    history.append(loss=loss)
        if task.validation is not None and loop.epoch > len(history):
            history.append(loss=loop.losses(len(history))[0], **validate(task))
        if status not in (Status.PAUSED, Status.STALLED):
            task.latest_finite = self._snapshot(loop.previous, max(self.optimizer.steps - 1, 0))
            self._finish_epoch()

    def advance(self, until: int, show: Show, patience: Patience | None = None) -> Status:
        """Train up to an epoch, and leave model and optimiser as after the last whole step.

        It comes back earlier if it is time to save, or if the patience ends.
        """
        loop, reshuffle = self.loop, self.task.reshuffle
        taken = self.optimizer.steps - loop.steps
        state = self._read()
        if any(now is not left for now, left in zip(state, self._written, strict=True)):
            # A callback replaced an array: native code has its own copy, which is now out of date.
            loop.load(self._carried(state), epoch=loop.epoch)
        status = Status.PAUSED
        try:
            while status is Status.PAUSED and loop.epoch < until:
                start, before = perf_counter(), loop.epoch
                steps = min(self._steps, loop.steps_until(until))
                loop.settings = self._settings(taken + loop.steps, steps)
                status = loop.run(until, steps=steps, patience=patience)
                took = perf_counter() - start
                faster = min(4.0, _TURN / max(took, 1e-6))
                self._steps = min(max(1, int(self._steps * faster)), _MOST_STEPS)
                if loop.epoch > before:
                    show(loop.epoch, loop.losses(loop.epoch - 1)[0])
                if self.saver.is_due():
                    break
        finally:
            self._write(loop.state, taken + loop.steps)
            if reshuffle is not None:
                reshuffle.rows, reshuffle.words = loop.order, self._words
        return status

    def _finish_epoch(self) -> None:
        """Finish an epoch by eager steps, from the step at which native code stopped.

        It stops where a loss, its state or a parameter is not finite. The eager step decides
        whether that ends the training: it may round another way, and its error says what went
        wrong.
        """
        task, history, loop = self.task, self.history, self.loop
        position = self._position_at(loop.step, loop.loss_so_far)
        self._is_finished_elsewhere = True
        record = train_epoch(task, eager_steps(task), loop.order, history, position)
        self._written = self._read()
        loop.load(self._carried(self._written), epoch=loop.epoch + 1, loss=record["loss"])
        history.append(**record, **validate(task))
        self._is_finished_elsewhere = False

    # --- to go on later ---------------------------------------------------------------------------

    def position(self) -> Position | None:
        """Return how far the epoch is; None while Python finishes it.

        A checkpoint of that moment could not be resumed to the same bits: native code would go on
        from there, and it rounds another way than the eager steps.
        """
        loop, task = self.loop, self.task
        if self._is_finished_elsewhere:
            return None
        if loop.epoch > len(self.history):  # it is not recorded yet
            return self._position_at(task.steps, loop.losses()[-1] * task.rows)
        return self._position_at(loop.step, loop.loss_so_far)

    def _position_at(self, step: int, loss_so_far: float) -> Position:
        return Position(step, min(step * self.task.batch_size, self.task.rows), loss_so_far)

    def resume(self, position: Position) -> None:
        """Go on so far into the next epoch."""
        epoch = len(self.history)
        self.task.latest_finite = self.task.snapshot()
        self._written = self._read()
        self.loop.load(self._carried(self._written), epoch=epoch)
        self.loop.resume(position.step, position.loss_so_far, self.task.order(epoch))

    # --- the state --------------------------------------------------------------------------------

    def _read(self) -> list[Array]:
        """Return parameters, memory and buffers, in the order of the graph's inputs."""
        memory = [
            np.asarray(self.optimizer.recall(place)[name])
            for place, names in zip(self.step.places, self._remembered, strict=True)
            for name in names
        ]
        parameters, buffers = self.step.params.values(), self.step.buffers.values()
        return [*(p.data for p in parameters), *memory, *(b.data for b in buffers)]

    def _carried(self, state: Sequence[Array]) -> list[Array]:
        """Return the state in the dtype of the parameters, which buffers may not have."""
        return [array.astype(self.step.dtype, copy=False) for array in state]

    def _snapshot(self, state: Sequence[Array], steps: int) -> Snapshot:
        """Return a snapshot in which a state of native code stands for what it trains.

        All else that a step may change, as frozen parameters, is in it as it is now.
        """
        optimizer, step = self.optimizer, self.step
        rest = iter(state[len(step.places) :])
        memory = optimizer.memory[:]
        changed: dict[int, Array] = {}
        for place, names, array in zip(step.places, self._remembered, state, strict=False):
            changed[id(optimizer.params[place])] = array
            memory[place] = {name: next(rest) for name in names}
        for buffer, array in zip(step.buffers.values(), rest, strict=True):
            changed[id(buffer)] = array.astype(buffer.dtype, copy=False)
        tensors = [*optimizer.params, *self.task.buffers]
        arrays = [changed.get(id(tensor), tensor.data) for tensor in tensors]
        return Snapshot(tensors, arrays, optimizer, memory, steps)

    def _write(self, state: Sequence[Array], steps: int) -> None:
        self._snapshot(state, steps).restore()
        self._written = self._read()
        self.optimizer.zero_grad()
