"""A training arranged for export: its graphs, its state and its rows, as native code has them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..compiler.native.entries import kind_of
from ..compiler.native.epoch_loop import EpochLoop
from ..compiler.native.epoch_record import Status
from ..compiler.native.machine import this_machine
from ..compiler.native.step_form import StepForm
from ..compiler.native.target import Target
from ..compiler.native.training_code import compile_training
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from ..core.reproducibility import reproducibly
from ..graphs.graph import Graph
from ..graphs.recording import enable_grad
from ..optim.snapshot import kept
from ..training.arranged_step import arranged_step
from ..training.step import BATCH, TrainingStep
from .refusal import ExportError
from .scheduled import Scheduled, scheduled_settings
from .training_task import TrainingTask

_GOLDEN_EPOCHS = 2


@dataclass(frozen=True)
class Golden:
    """Rows, and what a short training on them here gives.

    Attributes
    ----------
    data : list of array
    losses : list of float
    weights : array
        The parameters at the end, one after another.
    """

    data: list[Array]
    losses: list[float]
    weights: Array


@dataclass(frozen=True)
class ArrangedTraining:
    """A training as native code would run it.

    Attributes
    ----------
    given : TrainingTask
    target : Target
        What its code is written for.
    step : TrainingStep
    graph, tail : Graph
        The step on a whole batch, and on a short last one if there is one.
    form : StepForm
    data : list of array
        What batches are rows of.
    settings : dict of str to float
        What the graph takes besides, as it is at the first step.
    schedules : dict of str to Scheduled
        Those of the settings that differ from step to step.
    """

    given: TrainingTask
    target: Target
    step: TrainingStep
    graph: Graph
    form: StepForm
    tail: Graph | None
    data: list[Array]
    settings: dict[str, float]
    schedules: dict[str, Scheduled]

    @property
    def kind(self) -> str:
        """The kind of the state's numbers."""
        return kind_of(self.step.dtype)

    @property
    def batch(self) -> int:
        """How many rows a step takes."""
        return self.form.rows(self.graph)

    @property
    def rest(self) -> int:
        """How many rows a short last step takes, 0 if there is none."""
        return 0 if self.tail is None else self.form.rows(self.tail)

    @property
    def rows(self) -> list[tuple[str, Array]]:
        """The arrays of data by name."""
        return list(zip(BATCH, self.data, strict=False))

    def tensors(self) -> list[tuple[int, str, Any]]:
        """Return place in the state, path and tensor of what the model has of it."""
        count, buffers = len(self.step.params), len(self.step.buffers)
        places = [*range(count), *range(self.form.state - buffers, self.form.state)]
        carried = {**self.step.params, **self.step.buffers}
        return [(n, path, x) for n, (path, x) in zip(places, carried.items(), strict=True)]

    def paths(self) -> list[str]:
        """Return what the arrays of the state are called, in the order of `StepForm`."""
        params = list(self.step.params)
        memory = zip(params, self.step.remembered(), strict=True)
        own = [f"{path}.{name}" for path, names in memory for name in names]
        return [*params, *own, *self.step.buffers]

    def state(self) -> list[Array]:
        """Return the numbers of the state in the order of `StepForm`."""
        step = self.step
        memory = [
            np.asarray(step.optimizer.recall(place)[name])
            for place, names in zip(step.places, step.remembered(), strict=True)
            for name in names
        ]
        tensors = [tensor.data for tensor in step.params.values()]
        buffers = [np.asarray(buffer.data, step.dtype) for buffer in step.buffers.values()]
        return [*tensors, *memory, *buffers]

    def golden(self, target: str) -> Golden:
        """Train on a few rows here: a whole batch, and a short one if there is one.

        The code is written for the same target, and neither fuses nor reorders. So the numbers are
        those of the export to the last bit.
        """
        here = this_machine()._replace(target=self.target)
        count = min(len(self.data[0]), self.batch + self.rest)
        rows = [array[:count] for array in self.data]
        loop = EpochLoop(
            compile_training(self.graph, self.form, tail=self.tail, machine=here),
            self.state(),
            rows,
            epochs=_GOLDEN_EPOCHS,
            settings=list(self.settings.values()),
            seed=self.given.seed if self.given.shuffle else None,
        )
        steps = loop.steps_until(_GOLDEN_EPOCHS)
        loop.settings = self._settings_of(steps)
        status = loop.run(_GOLDEN_EPOCHS, steps=steps)
        if status is not Status.PAUSED:
            raise ExportError(
                f"{target}: the first steps of this training are not finite; is a label out of "
                "range, or the learning rate too large?"
            )
        weights = np.concatenate([np.ravel(x) for x in loop.state[: self.form.parameters]])
        return Golden(rows, loop.losses(), weights)

    def _settings_of(self, steps: int) -> Array:
        """Return the settings of the first steps: one row, or one for each step."""
        now = np.array(list(self.settings.values()), self.step.dtype)
        if not self.schedules:
            return now
        table = np.tile(now, (steps, 1))
        for column, name in enumerate(self.settings):
            if name in self.schedules:
                table[:, column] = self.schedules[name].at(np.arange(steps))
        return table


@contextmanager
def arranged_training(
    given: TrainingTask, target: Target, *, name: str
) -> Iterator[ArrangedTraining]:
    """Give a training that is arranged; model and optimiser are as they were after it.

    Parameters
    ----------
    target : Target
        What its code is written for, unless it is to be reproducible.
    name : str
        What the target is called in messages.

    Raises
    ------
    ExportError
        If a part of it has no native code, or a schedule is too long.
    """
    task = given.task
    with kept(task.model, task.optimizer), enable_grad(), reproducibly(given.reproducible):
        task.model.train()
        own = target.reproducible() if given.reproducible else target
        try:
            yield _arranged(given, own, name)
        except Unlowerable as reason:
            raise ExportError(f"{name}: this training has no native code: {reason}") from None


def _arranged(given: TrainingTask, target: Target, name: str) -> ArrangedTraining:
    task = given.task
    step = TrainingStep(task.model, task.loss, task.optimizer)
    numbers = {name: float(number) for name, number in step.settings.numbers().items()}
    settings = {path: float(scalar.data) for path, scalar in step.scalars.items()} | numbers
    each = -(-len(task.data[0]) // task.batch_size)
    schedules = scheduled_settings(step.settings, list(numbers), given.epochs, each, name)
    data = _with_indices(task.data)
    graph, form, tail, _ = arranged_step(step, data, task.batch_size, settings=len(settings))
    return ArrangedTraining(given, target, step, graph, form, tail, data, settings, schedules)


def _with_indices(data: Sequence[Array]) -> list[Array]:
    """Return data whose labels have the integers that native code indexes with."""
    first, *rest = data
    return [first, *(a.astype(np.int64) if a.dtype.kind in "iu" else a for a in rest)]
