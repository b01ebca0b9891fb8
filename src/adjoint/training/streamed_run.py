"""A streamed run takes native steps on batches as they come, some at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from itertools import chain, islice
from typing import Any

import numpy as np

from ..compiler.native.epoch_record import Status
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from .eager_run import EagerRun, eager_steps
from .epochs import Position, epoch_record, take_steps, validate
from .history import History
from .native_run import NativeRun
from .run import Run, Show, Watch
from .saving import Saver
from .task import Task, work_of

Batch = tuple[Array, ...]
# What an attempt to compile a step raises where it cannot be compiled.
REFUSALS = (ImportError, Unlowerable, TypeError, ValueError)
# Native code gets so many rows at a time, in whole batches, or fewer where they take more than so
# many operations: it does not see Ctrl-C. The clock must not decide this, because the sum of an
# epoch's losses is rounded after each piece.
_ROWS_A_PIECE, _WORK_A_PIECE = 1 << 15, 5e9
# On a stream of unknown length an optimiser takes so many eager steps before it is worth compiling
# one.
_STEPS_BEFORE = 500


class StreamedRun(EagerRun):
    """A run on a stream, whose batches of the first one's shape are trained on by native code.

    Others, as a short last batch, take eager steps; all do in an epoch whose first two batches
    differ in shape. Which steps are native, and in which pieces, is a function of the place in the
    epoch, so that a training that is resumed comes to the same bits.

    Parameters
    ----------
    task : Task
        A task whose rows are a stream.
    history : History
    saver : Saver, optional
    begins_eagerly : bool
        Whether the optimiser's first steps are eager, because nobody knows how many there are.
    is_forced : bool
        Whether a step that cannot be traced is an error.
    """

    def __init__(
        self,
        task: Task,
        history: History,
        saver: Saver | None = None,
        *,
        begins_eagerly: bool,
        is_forced: bool = False,
    ) -> None:
        super().__init__(task, history, saver)
        self._eager_steps = _STEPS_BEFORE if begins_eagerly else 0
        self._is_forced = is_forced
        self._native: NativeRun | None = None
        # The shape that native code is for, or would be.
        self._shape: Any = None

    def current(self) -> Run:
        """Return this run, or an eager one if a callback changed a constant of the native code."""
        if self._native is None or self._native.is_current:
            return self
        return EagerRun.instead_of(self)

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train for one epoch, and record it."""
        task, history, position = self.task, self.history, self._position
        history.tier = "eager" if self._native is None else "native"
        # Only a window can begin anywhere; in others the first batches are looked at again.
        start = position.step if task.window is not None else 0
        with closing(task.batches(len(history), None, start)) as batches:
            first = list(islice(batches, 2))
            shapes = {_shape_of(batch) for batch in first}
            shape = _shape_of(first[0]) if len(shapes) == 1 else None
            if (window := task.window) is not None and first:
                shape = _shape_of(first[0], min(window.batch_size, window.rows))
            every = islice(chain(first, batches), position.step - start, None)
            for native, piece in self._pieces(every, shape):
                if native is None:
                    take_steps(task, eager_steps(task), piece, history, position)
                else:
                    self._take_natively(native, piece)
                self._after_step()
        history.append(**epoch_record(task, history, position), **validate(task))
        self._begin_epoch(Position())

    def _pieces(
        self, batches: Iterator[Batch], shape: Any
    ) -> Iterator[tuple[NativeRun | None, list[Batch]]]:
        """Yield batches for native code in lists that end at fixed places of the epoch.

        Each batch for an eager step comes alone, and before the next one is asked for.
        """
        most = min(_ROWS_A_PIECE, _WORK_A_PIECE / work_of(self.task.model, 1))
        native: NativeRun | None = None
        piece: list[Batch] = []
        for step, batch in enumerate(batches, self._position.step + 1):
            is_early = self.task.optimizer.steps < self._eager_steps
            if is_early or _shape_of(batch) != shape or not (own := self._native_on(batch)):
                if piece:
                    yield native, piece
                    piece = []
                yield None, [batch]
                continue
            native = own
            piece.append(batch)
            if step % max(1, int(most / len(batch[0]))) == 0:
                yield native, piece
                piece = []
        if piece:
            yield native, piece

    def _take_natively(self, native: NativeRun, batches: list[Batch]) -> None:
        position = self._position
        self.history.tier = "native"
        data = [np.concatenate(arrays) for arrays in zip(*batches, strict=True)]
        status = native.feed(data)
        taken, loss = native.fed
        position.step += taken
        position.rows += taken * len(batches[0][0])
        position.loss_so_far += loss
        self.task.latest_finite = native.before_last()
        if status is not Status.PAUSED:
            # The eager step decides whether that ends the training: it may round another way.
            rest = batches[taken:]
            take_steps(self.task, eager_steps(self.task), rest, self.history, position)

    def _native_on(self, batch: Batch) -> NativeRun | None:
        """Return native code of a step on such batches, or None if there is none."""
        if _shape_of(batch) != self._shape:
            self._shape, self._native = _shape_of(batch), None
            alone = self.task.altered(stream=None, window=None, validation=None, seed=None)
            sample = alone.altered(data=batch, batch_size=len(batch[0]))
            try:
                self._native = NativeRun(sample, self.history, epochs=1)
            except REFUSALS as error:
                if self._is_forced and isinstance(error, (TypeError, ValueError)):
                    text = f"fit: compile=True, but the step cannot be compiled: {error}"
                    raise ValueError(text) from error
                self.history.reasons.append(f"no native steps: {error}")
        return self._native


def _shape_of(batch: Batch, rows: int | None = None) -> Any:
    return tuple(((rows or len(a), *a.shape[1:]), a.dtype.str) for a in batch)
