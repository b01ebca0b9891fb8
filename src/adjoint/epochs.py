"""An epoch of training is one step a batch, each taken as a whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from . import data as rows
from .compiler.step import TrainingStep
from .errors import DivergedError, ShapeError
from .history import History
from .metrics import Metric
from .task import Task
from .tensor import Tensor, no_grad

Array = np.ndarray[Any, Any]

# Rows evaluated at a time, so that large validation data need little memory.
_BLOCK = 1024

# Takes a step on the arrays of a batch: returns the loss before it and the prediction. A step whose
# loss is not finite is not taken.
Take = Callable[..., tuple[float, Any]]


@dataclass
class Progress:
    """How far an epoch is: its steps, their rows, and the sum over these of the losses.

    Of metrics there are the predictions and the targets, too.
    """

    step: int = 0
    rows: int = 0
    loss_so_far: float = 0.0
    predictions: list[Array] = field(default_factory=list)
    targets: list[Array] = field(default_factory=list)


def train_epoch(
    task: Task,
    take: Take,
    order: Array | None,
    history: History,
    progress: Progress | None = None,
    after_step: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Take one step a batch, and return the epoch's record.

    It goes on from where the progress is, and keeps it up.
    """
    progress = Progress() if progress is None else progress
    # Of overflow we report in our own words, and only where it reaches the loss.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for X, *targets in task.batches(len(history), order, progress.step):
            number, prediction = take(X, *targets)
            if not math.isfinite(number):
                task.undo.restore()
                raise _diverged(task, f"the loss became {number}", progress.step, history)
            if task.metrics:
                progress.predictions.append(_array(prediction))
                progress.targets.append(targets[0])
            progress.rows += len(X)
            progress.loss_so_far += number * len(X)
            progress.step += 1
            after_step()
        if not all(np.isfinite(parameter.data).all() for parameter in task.optimizer.params):
            task.undo.restore()
            what = "a parameter became NaN or infinite"
            raise _diverged(task, what, progress.step - 1, history)
    if not progress.rows:
        raise ValueError(f"fit: the data of epoch {len(history) + 1} have no batch")
    found = _measure(task.metrics, progress.predictions, progress.targets)
    return {"loss": progress.loss_so_far / progress.rows, **found}


def eager_steps(task: Task) -> Take:
    """Return what records a step, sweeps back and lets the optimiser go on."""
    model, loss, optimizer = task.model, task.loss, task.optimizer

    def take(X: Array, *targets: Array) -> tuple[float, Any]:
        with task.undo.step() as keep:
            prediction = model(X)
            value = loss(prediction, *targets)
            number = as_number(value)
            if math.isfinite(number):
                optimizer.zero_grad()
                value.backward()
                keep()
                optimizer.step()
        return number, prediction

    return take if task.accumulate == 1 else _accumulated(task)


def _accumulated(task: Task) -> Take:
    """Return what takes a step on a batch that goes through the model in parts.

    The gradient is that of the whole batch's mean, in the memory of one part.
    """
    model, loss, optimizer = task.model, task.loss, task.optimizer

    def take(*batch: Array) -> tuple[float, Any]:
        number, predictions = 0.0, []
        with task.undo.step() as keep:
            optimizer.zero_grad()
            for part in np.array_split(np.arange(len(batch[0])), task.accumulate):
                if not len(part):
                    continue
                X, *targets = (array[part] for array in batch)
                prediction = model(X)
                value = loss(prediction, *targets) * (len(part) / len(batch[0]))
                number += as_number(value)
                if not math.isfinite(number):
                    return number, None
                value.backward()
                predictions.append(_array(prediction))
            keep()
            optimizer.step()
        return number, np.concatenate(predictions)

    return take


class CompiledSteps:
    """The steps of a training as one traced graph each.

    It sees shapes and dtypes only, so that an epoch must come first in which the loss itself sees
    every row: it says in its own words what is wrong with a label.

    Parameters
    ----------
    task : Task
    native : bool
        Whether native code is worth its while, where there is some; else they run as their source.

    Attributes
    ----------
    tier : str
        What whole batches run in.

    Raises
    ------
    TypeError, ValueError
        If the step cannot be traced.
    """

    def __init__(self, task: Task, *, native: bool) -> None:
        self.task = task
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
        self._known = self.step.circumstances

    @property
    def is_current(self) -> bool:
        """Return whether model, loss and optimiser still are what was traced, but for numbers."""
        return bool(self._known == self.step.circumstances)

    def steps(self) -> Take:
        """Return what takes steps as long as only the numbers of parameters and memory change."""
        task, compute = self.task, self.step.computing()
        eagerly = eager_steps(task)
        task.optimizer.zero_grad()  # of gradients there are none, rather than old ones

        def take(*batch: Array) -> tuple[float, Any]:
            computed = compute(*batch)
            number = float(computed.loss)
            if not math.isfinite(number):
                return eagerly(*batch)  # to be sure, with the eager graph's rounding
            with task.undo.step() as keep:
                keep()
                self.step.write(computed)
            return number, computed.prediction

        return take


def _diverged(task: Task, what: str, step: int, history: History) -> DivergedError:
    largest = np.abs(task.data[0]).max() if task.data else 0.0
    return DivergedError(
        f"fit: {what} in epoch {len(history) + 1}, step {step + 1}; the model is back at the last "
        f"weights whose loss was finite. Try a learning rate below {task.optimizer.lr:g}"
        + (f", and scale the inputs (they reach {largest:g})." if largest > 10 else "."),
        history,
    )


def as_number(value: Any) -> float:
    """Return a loss as a float, or say why it is none."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"fit: the loss returned {type(value).__name__}, not a Tensor, so it has no gradient; "
            "compute it from the prediction with adjoint's or NumPy's functions"
        )
    if value.shape != ():
        raise ShapeError(f"fit: the loss has shape {value.shape}, expected (): take its .mean()")
    return float(value.data)


def validate(task: Task) -> dict[str, float]:
    """Return the record of the validation data, without training on them."""
    if task.validation is None:
        return {}
    model, (X, y) = task.model.eval(), task.validation
    predictions, total = [], 0.0
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        for block in rows.batches(len(X), _BLOCK, order=None):
            prediction = model(X[block])
            total += as_number(task.loss(prediction, y[block])) * len(X[block])
            predictions.append(_array(prediction))
    record = {"loss": total / len(X), **_measure(task.metrics, predictions, [y])}
    return {f"val_{name}": number for name, number in record.items()}


def _measure(
    metrics: dict[str, Metric], predictions: list[Array], targets: list[Array]
) -> dict[str, float]:
    if not metrics:
        return {}
    found, expected = np.concatenate(predictions), np.concatenate(targets)
    return {name: float(metric(found, expected)) for name, metric in metrics.items()}


def _array(prediction: Any) -> Array:
    return np.asarray(prediction.data if isinstance(prediction, Tensor) else prediction)
