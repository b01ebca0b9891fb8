"""An epoch is one step for each batch, taken as a whole or not at all; here Python takes them."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..data import rows
from ..errors import DivergedError, ShapeError
from ..graphs.tensor import Tensor, no_grad
from ..nn.losses.loss import reduction_of
from .history import History
from .metrics import Metric
from .task import Task

# Rows evaluated at a time, so that large validation data need little memory.
_BLOCK = 1024

# Takes a step on the arrays of a batch, unless its loss is not finite. Returns that loss, which is
# the one before the step, and the prediction.
Take = Callable[..., tuple[float, Any]]


@dataclass
class Progress:
    """How far an epoch is: its steps, their rows, and the sum over these of the losses.

    Where there are metrics it also keeps the predictions and the targets, which they are taken of.
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
    progress: Progress,
    after_step: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Take one step a batch, from where the progress stands, and return the epoch's record.

    The progress is brought up to date after each step.

    Raises
    ------
    DivergedError
        If a loss, or a parameter at the end of the epoch, is not finite. Model and optimiser are
        then back at the latest parameters whose loss was.
    """
    # NumPy's warnings would come at every step; we speak once, where a loss is not finite.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for X, *targets in task.batches(len(history), order, progress.step):
            number, prediction = take(X, *targets)
            if not math.isfinite(number):
                task.latest_finite.restore()
                raise _diverged(task, f"the loss became {number}", progress.step, history)
            if task.metrics:
                progress.predictions.append(as_plain_array(prediction))
                progress.targets.append(targets[0])
            progress.rows += len(X)
            progress.loss_so_far += number * len(X)
            progress.step += 1
            after_step()
        if not all(np.isfinite(parameter.data).all() for parameter in task.optimizer.params):
            task.latest_finite.restore()
            what = "a parameter became NaN or infinite"
            raise _diverged(task, what, progress.step - 1, history)
    if not progress.rows:
        raise ValueError(f"fit: the data of epoch {len(history) + 1} have no batch")
    found = _measure(task.metrics, progress.predictions, progress.targets)
    return {"loss": progress.loss_so_far / progress.rows, **found}


def _diverged(task: Task, what: str, step: int, history: History) -> DivergedError:
    largest = np.abs(task.data[0]).max() if task.data else 0.0
    return DivergedError(
        f"fit: {what} in epoch {len(history) + 1}, step {step + 1}; the model is back at the last "
        f"weights whose loss was finite. Try a learning rate below {task.optimizer.lr:g}"
        + (f", and scale the inputs (they reach {largest:g})." if largest > 10 else "."),
        history,
    )


def as_number(value: object) -> float:
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
    is_sum = reduction_of(task.loss) == "sum"
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        for block in rows.batches(len(X), _BLOCK, order=None):
            prediction = model(X[block])
            total += as_number(task.loss(prediction, y[block])) * (1 if is_sum else len(X[block]))
            predictions.append(as_plain_array(prediction))
    record = {"loss": total / (1 if is_sum else len(X)), **_measure(task.metrics, predictions, [y])}
    return {f"val_{name}": number for name, number in record.items()}


def _measure(
    metrics: Mapping[str, Metric], predictions: list[Array], targets: list[Array]
) -> dict[str, float]:
    if not metrics:
        return {}
    found, expected = np.concatenate(predictions), np.concatenate(targets)
    return {name: float(metric(found, expected)) for name, metric in metrics.items()}


def as_plain_array(prediction: object) -> Array:
    """Return a prediction as an array, without what it was computed of."""
    return np.asarray(prediction.data if isinstance(prediction, Tensor) else prediction)
