"""A native run trains whole epochs without Python: its step is traced, its state carried over."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from contextlib import closing
from itertools import islice
from operator import is_
from time import perf_counter
from typing import Any

import numpy as np

from ..compiler.native import team
from ..compiler.native.epoch_loop import EpochLoop
from ..compiler.native.epoch_record import Status
from ..compiler.native.training_code import TrainingCode, training_code
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from ..core.reproducibility import is_reproducible
from ..errors import ReproducibleError
from ..nn.losses.loss import reduction_of
from ..optim.snapshot import Snapshot
from .arranged_step import arranged_step
from .eager_run import EagerRun, eager_steps
from .epochs import Position, check_parameters, take_steps, train_epoch, validate
from .history import History
from .run import Run, Show, Watch
from .saving import Saver
from .step import TrainingStep
from .tallies import Tallies, sums_as_floats
from .task import Task, work_of

# A turn of native code takes about this many seconds. While it runs Python cannot see Ctrl-C, nor
# draw the progress bar.
_TURN = 0.06
_MOST_STEPS = 10_000_000
# Native code does about so many operations in a second. This decides how many steps the first turn
# takes, before any was timed.
_FAST = 1e11


def not_reproducible(reason: str) -> ReproducibleError:
    """Return the error that says why a training would not have the same bits everywhere."""
    return ReproducibleError(
        f"fit: reproducible=True cannot be kept: {reason}; without it NumPy takes its part, whose "
        "last bits differ from machine to machine"
    )


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
        self._tallies = Tallies(task.metrics) if task.metrics else None
        measure = None if self._tallies is None else self._tallies.sums
        self.step = TrainingStep(task.model, task.loss, task.optimizer, measure=measure)
        self._remembered = self.step.remembered()
        data, held = _with_indices(task.data), self._held()
        numbers = self._settings(0, 1)

        def code_with(held: Sequence[Array]) -> TrainingCode:
            return training_code(
                lambda: arranged_step(
                    self.step, data, task.batch_size, settings=numbers.size, held=held
                ),
                self._key(data, held),
                reshuffles=task.reshuffle is not None,
            )

        try:
            code = code_with(held)
        except (Unlowerable, TypeError, ValueError) as error:
            if not held or is_reproducible():
                raise
            held, code = [], code_with([])
            history.reasons.append(f"validation in Python: {error}")
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
            held=held,
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

    def _held(self) -> list[Array]:
        """Return what native code may validate on."""
        validation = self.task.validation
        if validation is None or not len(validation[0]):
            return []
        if reduction_of(self.task.loss) == "sum":  # it is not the mean of the blocks'
            if is_reproducible():
                raise not_reproducible("validation adds up a loss of reduction='sum'")
            return []
        return _with_indices(validation)

    def _key(self, data: Sequence[Array], held: Sequence[Array]) -> Hashable:
        """Return what says which graphs would be traced, where that is known without tracing."""
        task = self.task
        if task.form is None or task.metrics:
            return None
        sizes = [(array.shape[1:], array.dtype.str) for array in data]
        short = task.rows % task.batch_size
        validated = [(array.shape, array.dtype.str) for array in held]
        return (
            task.form,
            tuple(self.step.scalars),
            tuple(sizes),
            tuple(validated),
            task.batch_size,
            short,
            team.can_share(),
            is_reproducible(),
        )

    def _settings(self, start: int, steps: int) -> Array:
        """Return the single numbers that model and loss read, and the optimiser's settings."""
        own = self.step.settings.table(start, steps)
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
        if self.is_current:
            return self
        if is_reproducible():
            raise not_reproducible("a callback changed what the native code has as a constant")
        return EagerRun.instead_of(self)

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train one epoch at least and record it, or several where Python need not look between."""
        task, history = self.task, self.history
        history.tier, start = "native", len(history)
        if not self._is_watched(watch):
            until, watch = start + 1, None
        until = min(until if self._validates else start + 1, self.epochs)
        if self.loop.step == task.steps:  # resumed from between an epoch's last step and its record
            self._finish_epoch()
        while len(history) == start:
            self._train_natively(until, show, watch)
            if len(history) == start and self.saver.is_due():
                self.saver.save(self)

    @property
    def _validates(self) -> bool:
        """Whether Python has nothing to validate after an epoch."""
        return self.task.validation is None or bool(self.loop.code.held)

    def _is_watched(self, watch: Watch | None) -> bool:
        """Return whether native code can see what is watched, and tell it where that stands."""
        if watch is None:
            return True
        name, start = watch.monitor, 0
        if name.startswith("val_") and self.loop.code.held:
            name, start = name.removeprefix("val_"), 1 + self.loop.code.form.sums
        if name == "loss":
            watch.patience.column = start
            return True
        metric = None
        if self._tallies is not None and name in self.task.metrics:
            metric = self._tallies.column(name, self.task.data[1])
        if metric is None:
            return False
        watch.patience.column = start + 1 + metric
        return True

    def take(self, steps: int) -> None:
        """Take so many steps; an epoch that native code does not end well is finished, or ended.

        Epochs are recorded as they end. However the steps are divided into calls, the numbers are
        those of `train`.
        """
        task, loop = self.task, self.loop
        self.history.tier = "native"
        target = self.optimizer.steps + steps
        while self.optimizer.steps < target and len(self.history) < self.epochs:
            before = self.optimizer.steps
            until = self.epochs if self._validates else loop.epoch + 1
            self._train_natively(until, _unshown, None, most=target - before)
            task.model.train()  # validation in Python left it in evaluation mode

    def _train_natively(
        self, until: int, show: Show, watch: Watch | None, most: int | None = None
    ) -> None:
        """Train up to an epoch; one that does not end well is finished, or ended, step by step."""
        task, history, loop = self.task, self.history, self.loop
        status = Status.PAUSED
        try:
            status = self.advance(until, show, watch, most)
        finally:
            # An epoch is recorded as a whole: where Python validates it is recorded below, with
            # its numbers, and not at all if the validation is interrupted.
            self._record(loop.epoch - (status is Status.VALIDATION_IN_DOUBT), watch)
        if loop.epoch > len(history):
            if is_reproducible():
                self._refuse(status)
            own = {name: numbers[0] for name, numbers in self._trained(loop.epoch).items()}
            history.append(**own, **validate(task))
        if status not in (Status.PAUSED, Status.STALLED, Status.VALIDATION_IN_DOUBT):
            task.latest_finite = self.before_last()
            if is_reproducible():
                self._refuse(status)
            self._finish_epoch()

    def _refuse(self, status: Status) -> None:
        """Raise what ends a training whose next number only NumPy could tell.

        An eager step or validation says what is wrong: a label that is out of range, or numbers
        that grew. It does not count.
        """
        task, history, loop = self.task, self.history, self.loop
        position = self._position_at(loop.step, loop.loss_so_far, loop.sums_so_far)
        before = task.snapshot()
        if status in (Status.LOSS_NOT_FINITE, Status.STATE_HAS_NAN):
            with closing(task.batches(len(history), loop.order, loop.step)) as batches:
                take_steps(task, eager_steps(task), islice(batches, 1), history, position)
        if status is Status.VALIDATION_IN_DOUBT:
            validate(task)
        else:
            task.latest_finite = before if loop.step < task.steps else task.latest_finite
            check_parameters(task, position, history)
        before.restore()
        raise not_reproducible(
            f"a number in epoch {len(history) + 1} is not finite, and whether a product 0·∞ in it "
            "is 0 only NumPy can tell"
        )

    def _record(self, until: int, watch: Watch | None) -> None:
        """Record the epochs up to one of which native code knows everything."""
        history, loop = self.history, self.loop
        if not self._validates or until <= len(history):
            return
        records = self._trained(until)
        if self.task.validation is not None:
            table = loop.table[len(history) : until, 1 + loop.code.form.sums :]
            held = self._named(table, self.task.validation[1])
            records |= {f"val_{name}": numbers for name, numbers in held.items()}
        history.extend(records)

    def _trained(self, until: int) -> dict[str, list[float]]:
        """Return what is recorded of the training data, for the epochs up to one."""
        table = self.loop.table[len(self.history) : until, : 1 + self.loop.code.form.sums]
        return self._named(table, self.task.data[1])

    def _named(self, table: Array, target: Array) -> dict[str, list[float]]:
        """Return the mean loss and the metrics of epochs by name."""
        metrics = self._tallies.records(table[:, 1:], target) if self._tallies else {}
        return {"loss": table[:, 0].tolist(), **metrics}

    def advance(
        self, until: int, show: Show, watch: Watch | None = None, most: int | None = None
    ) -> Status:
        """Train up to an epoch, and leave model and optimiser as after the last whole step.

        It comes back earlier if it is time to save, if the patience ends, or after ``most`` steps.
        """
        loop, reshuffle = self.loop, self.task.reshuffle
        taken = self.optimizer.steps - loop.steps
        state = self._read()
        if any(now is not left for now, left in zip(state, self._written, strict=True)):
            # A callback replaced an array: native code has its own copy, which is now out of date.
            loop.load(self._carried(state), epoch=loop.epoch)
        status = Status.PAUSED
        end = loop.steps + (loop.steps_until(until) if most is None else most)
        patience = None if watch is None else watch.patience
        best = None if patience is None else patience.best
        try:
            while status is Status.PAUSED and loop.epoch < until and loop.steps < end:
                start, before = perf_counter(), loop.epoch
                steps = min(self._steps, loop.steps_until(until), end - loop.steps)
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
            if watch is not None and watch.patience.keeps and watch.patience.best != best:
                watch.weights = self._weights(loop.kept)
            self._write(loop.state, taken + loop.steps)
            if reshuffle is not None:
                reshuffle.rows, reshuffle.words = loop.order, self._words
        return status

    def feed(self, data: Sequence[Array]) -> Status:
        """Take a step on each whole batch of some rows; model and optimiser are as after the last.

        Any status but `PAUSED` says why not all of the steps were taken, or what they led to.
        """
        loop, taken, state = self.loop, self.optimizer.steps, self._read()
        if any(now is not left for now, left in zip(state, self._written, strict=True)):
            loop.load(self._carried(state), epoch=0)
        loop.feed(_with_indices(data))
        steps = loop.steps_until(1)
        loop.settings = self._settings(taken, steps)
        try:
            return loop.run(1, steps=steps)
        finally:
            self._write(loop.state, taken + loop.steps)

    @property
    def fed(self) -> tuple[int, float]:
        """How many steps were taken on the latest rows, and the sum of their losses by row."""
        loop = self.loop
        return loop.steps, loop.losses()[0] * loop.n if loop.epoch else loop.loss_so_far

    def before_last(self) -> Snapshot:
        """Return what there was before the last step, whose loss was finite."""
        return self._snapshot(self.loop.previous, max(self.optimizer.steps - 1, 0))

    def _finish_epoch(self) -> None:
        """Finish an epoch by eager steps, from the step at which native code stopped.

        It stops where a loss, its state or a parameter is not finite. The eager step decides
        whether that ends the training: it may round another way, and its error says what went
        wrong.
        """
        task, history, loop = self.task, self.history, self.loop
        position = self._position_at(loop.step, loop.loss_so_far, loop.sums_so_far)
        self._is_finished_elsewhere = True
        record = train_epoch(task, eager_steps(task), loop.order, history, position)
        self._written = self._read()
        loop.load(self._carried(self._written), epoch=loop.epoch + 1, loss=record["loss"])
        history.append(**record, **validate(task))
        self._is_finished_elsewhere = False

    # --- to go on later ---------------------------------------------------------------------------

    def position(self) -> Position | None:
        """Return how far the epoch is; None while Python finishes it, or where several end at once.

        A checkpoint of that moment could not be resumed to the same bits: native code would go on
        from there, and it rounds another way than the eager steps. Nor are there places in it for
        several epochs that Ctrl-C kept from being recorded.
        """
        loop, task = self.loop, self.task
        if self._is_finished_elsewhere or loop.epoch > len(self.history) + 1:
            return None
        if loop.epoch > len(self.history):  # it is not recorded yet
            sums = loop.table[loop.epoch - 1, : 1 + loop.code.form.sums] * task.rows
            return self._position_at(task.steps, float(sums[0]), sums[1:])
        return self._position_at(loop.step, loop.loss_so_far, loop.sums_so_far)

    def _position_at(self, step: int, loss_so_far: float, sums: Array) -> Position:
        rows = min(step * self.task.batch_size, self.task.rows)
        return Position(step, rows, loss_so_far, sums.tolist() if step else ())

    def resume(self, position: Position) -> None:
        """Go on so far into the next epoch."""
        epoch = len(self.history)
        self.task.latest_finite = self.task.snapshot()
        self._written = self._read()
        self.loop.load(self._carried(self._written), epoch=epoch)
        sums = position.sums
        for prediction, target in zip(position.predictions, position.targets, strict=True):
            assert self._tallies is not None  # without metrics no predictions are kept
            more = sums_as_floats(self._tallies.sums(prediction, target))
            sums = more.tolist() if not sums else (np.array(sums) + more).tolist()
        order = self.task.order(epoch)
        self.loop.resume(position.step, position.loss_so_far, order, sums)

    # --- the state --------------------------------------------------------------------------------

    def _read(self) -> list[Array]:
        """Return parameters, memory and buffers, in the order of the graph's inputs."""
        recalled = map(self.optimizer.recall, self.step.places)
        memory = [
            np.asarray(entry[name])
            for entry, names in zip(recalled, self._remembered, strict=True)
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

    def _weights(self, state: Sequence[Array]) -> dict[str, Any]:
        """Return the model's ``state_dict`` as it is with a state of native code."""
        now = self.task.snapshot()
        try:
            self._snapshot(state, 0).restore()
            return self.task.model.state_dict()
        finally:
            now.restore()

    def _write(self, state: Sequence[Array], steps: int) -> None:
        self._snapshot(state, steps).restore()
        self._written = self._read()
        self.optimizer.zero_grad()


def _unshown(epoch: int, loss: float) -> None:
    """Show nothing of an epoch."""


def _with_indices(arrays: Sequence[Array]) -> list[Array]:
    """Return X, and the rest with integers of one dtype."""
    X, *rest = arrays
    return [X, *(a.astype(np.int64) if a.dtype.kind in "iu" else a for a in rest)]
