"""An epoch of training is one step a batch, each taken as a whole or not at all."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from . import data as rows
from .compiler.step import TrainingStep
from .errors import DivergedError, ShapeError
from .history import History
from .metrics import Metric
from .nn.module import Module
from .optim import Memory, Optimizer
from .tensor import Tensor, no_grad

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Any]

# Rows evaluated at a time, so that large validation data need little memory.
_BLOCK = 1024


@dataclass
class Task:
    """The checked arguments of `fit`."""

    model: Module
    X: Array
    y: Array
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    validation: tuple[Array, Array] | None
    metrics: dict[str, Metric]
    # Of the whole training: at the start of an epoch the parameters' loss is not known yet.
    undo: Undo


# Takes a step on a batch: returns the loss before it and the prediction. A step whose loss is not
# finite is not taken.
Take = Callable[[Array, Array], tuple[float, Any]]


def train_epoch(
    task: Task,
    take: Take,
    order: Array | None,
    history: History,
    resumed: tuple[int, float] = (0, 0.0),
) -> dict[str, float]:
    """Take one step a batch, and return the epoch's record.

    An epoch is resumed with its steps already taken and the sum over their rows of their losses.
    """
    n, (done, total) = len(task.X), resumed
    step = done - 1
    predictions: list[Array] = []
    # Of overflow we report in our own words, and only where it reaches the loss.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        batches = islice(rows.batches(n, task.batch_size, order=order), done, None)
        for step, batch in enumerate(batches, done):
            X = task.X[batch]
            number, prediction = take(X, task.y[batch])
            if not math.isfinite(number):
                task.undo.restore()
                raise _diverged(task, f"the loss became {number}", step, history)
            total += number * len(X)
            if task.metrics:
                predictions.append(_array(prediction))
        if not all(np.isfinite(parameter.data).all() for parameter in task.optimizer.params):
            task.undo.restore()
            raise _diverged(task, "a parameter became NaN or infinite", step, history)
    return {"loss": total / n, **_measure(task.metrics, predictions, task.y, order)}


def eager_steps(task: Task) -> Take:
    """Return what records a step, sweeps back and lets the optimiser go on."""
    model, loss, optimizer = task.model, task.loss, task.optimizer

    def take(X: Array, y: Array) -> tuple[float, Any]:
        prediction = model(X)
        value = loss(prediction, y)
        number = as_number(value)
        if math.isfinite(number):
            optimizer.zero_grad()
            value.backward()
            task.undo.take(optimizer.step)
        return number, prediction

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
        n, size = len(task.X), task.batch_size
        self.tier = self.step.program(task.X[:size], task.y[:size]).tier
        if short := n % size:
            self.step.program(task.X[:short], task.y[:short])
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

        def take(X: Array, y: Array) -> tuple[float, Any]:
            computed = compute(X, y)
            number = float(computed.loss)
            if not math.isfinite(number):
                return eagerly(X, y)  # to be sure, with the eager graph's rounding
            task.undo.take(lambda: self.step.write(computed))
            return number, computed.prediction

        return take


class Undo:
    """The last parameters that gave a finite loss, and the optimiser's memory with them.

    Kept for nothing: a step replaces arrays and never changes them.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.keep()

    def keep(self) -> None:
        """Remember the present state."""
        optimizer = self.optimizer
        self.kept: tuple[list[Any], list[Memory], int] = (
            [parameter.data for parameter in optimizer.params],
            optimizer.memory[:],
            optimizer.steps,
        )

    def take(self, write: Callable[[], None]) -> None:
        """Take a step, which writes parameters and memory, or none of it if it is interrupted."""
        self.keep()
        try:
            write()
        except BaseException:
            self.restore()
            raise

    def restore(self) -> None:
        """Go back to the state remembered."""
        arrays, memory, steps = self.kept
        for parameter, array in zip(self.optimizer.params, arrays, strict=True):
            parameter.data = array
        self.optimizer.memory = memory[:]
        self.optimizer.steps = steps


def _diverged(task: Task, what: str, step: int, history: History) -> DivergedError:
    largest = np.abs(task.X).max()
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
    record = {"loss": total / len(X), **_measure(task.metrics, predictions, y, None)}
    return {f"val_{name}": number for name, number in record.items()}


def _measure(
    metrics: dict[str, Metric], predictions: list[Array], targets: Array, order: Array | None
) -> dict[str, float]:
    if not metrics:
        return {}
    joined = np.concatenate(predictions)
    targets = targets if order is None else targets[order]
    return {name: float(metric(joined, targets)) for name, metric in metrics.items()}


def _array(prediction: Any) -> Array:
    return np.asarray(prediction.data if isinstance(prediction, Tensor) else prediction)
