"""An epoch is a step for each batch, with its record; these functions take the steps in Python."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import closing
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..data import rows
from ..errors import DivergedError, ShapeError
from ..graphs.recording import no_grad
from ..graphs.tensor import Tensor
from ..nn.losses.loss import reduction_of
from .history import History
from .metrics import Metric
from .tallies import Tallies, sums_as_floats
from .task import Task

# Rows evaluated at a time, so that large validation data need little memory.
_BLOCK = 1024

# A function that takes a step on the arrays of a batch, unless the loss is not finite. It returns
# the loss, which is that of the weights before the step, and the prediction.
TakeStep = Callable[..., tuple[float, Any]]


class Position:
    """How far an epoch is: the steps taken, the rows in them, and the sum of the losses of these.

    Where there are metrics it also keeps the predictions and the targets, from which the metrics
    are computed at the end of the epoch; or, of the steps that native code took, the sums of which
    it makes the metrics.
    """

    def __init__(
        self, step: int = 0, rows: int = 0, loss_so_far: float = 0.0, sums: Sequence[float] = ()
    ) -> None:
        self.step, self.rows, self.loss_so_far = step, rows, loss_so_far
        self.sums = list(sums)
        self.predictions: list[Array] = []
        self.targets: list[Array] = []


def train_epoch(
    task: Task,
    take: TakeStep,
    order: Array | None,
    history: History,
    position: Position,
    after_step: Callable[[], None] = lambda: None,
) -> dict[str, float]:
    """Take the steps of an epoch that come after a position, and return the epoch's record.

    The position is updated after each step.

    Raises
    ------
    DivergedError
        If a loss, or a parameter at the end of the epoch, is not finite. Model and optimiser are
        then back at the latest parameters whose loss was.
    """
    # Closed now, not when it is collected: a thread may read ahead of it.
    with closing(task.batches(len(history), order, position.step)) as batches:
        take_steps(task, take, batches, history, position, after_step)
    return epoch_record(task, history, position)


def take_steps(
    task: Task,
    take: TakeStep,
    batches: Iterable[tuple[Array, ...]],
    history: History,
    position: Position,
    after_step: Callable[[], None] = lambda: None,
) -> None:
    """Take a step on each of some batches, and update the position after it.

    Raises
    ------
    DivergedError
        If a loss is not finite.
    """
    # NumPy would warn at every step. One error, where a loss is not finite, says it all.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        for X, *targets in batches:
            number, prediction = take(X, *targets)
            if not math.isfinite(number):
                task.latest_finite.restore()
                raise _diverged(task, f"the loss became {number}", position.step, history)
            if task.metrics:
                position.predictions.append(as_plain_array(prediction))
                position.targets.append(targets[0])
            del prediction  # and its graph, whose memory the next step takes
            position.rows += len(X)
            position.loss_so_far += number * len(X)
            position.step += 1
            after_step()


def epoch_record(task: Task, history: History, position: Position) -> dict[str, float]:
    """Return the record of an epoch whose steps are all taken.

    Raises
    ------
    DivergedError
        If a parameter is not finite.
    """
    check_parameters(task, position, history)
    if not position.rows:
        raise ValueError(f"fit: the data of epoch {len(history) + 1} have no batch")
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        found = _measured(task, position)
    return {"loss": position.loss_so_far / position.rows, **found}


def check_parameters(task: Task, position: Position, history: History) -> None:
    """Raise `DivergedError` if a parameter is not finite; the latest that were are put back."""
    if not all(np.isfinite(parameter.data).all() for parameter in task.optimizer.params):
        task.latest_finite.restore()
        what = "a parameter became NaN or infinite"
        raise _diverged(task, what, position.step - 1, history)


def _measured(task: Task, position: Position) -> dict[str, float]:
    """Return the metrics of an epoch that is over."""
    if not position.sums:
        return _measure(task.metrics, position.predictions, position.targets)
    # Native code began the epoch, and its predictions are gone.
    tallies, sums = Tallies(task.metrics), np.array(position.sums)
    for prediction, target in zip(position.predictions, position.targets, strict=True):
        sums = sums + sums_as_floats(tallies.sums(prediction, target))
    found = tallies.records(sums[None] / position.rows, task.data[1])
    return {name: numbers[0] for name, numbers in found.items()}


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


# The loss of a block of validation data, and the prediction if there are metrics.
Evaluated = tuple[float, Array | None]
# Calls a function for each of some blocks, here or elsewhere, and returns what it gives in order.
DealOut = Callable[[Callable[[slice], Evaluated], Sequence[slice]], Sequence[Evaluated]]


def _in_order(
    evaluate: Callable[[slice], Evaluated], blocks: Sequence[slice]
) -> Sequence[Evaluated]:
    return [evaluate(block) for block in blocks]


def validate(task: Task, deal_out: DealOut = _in_order) -> dict[str, float]:
    """Return the record of the validation data, without training on them."""
    if task.validation is None:
        return {}
    model, (X, y) = task.model.eval(), task.validation
    is_sum = reduction_of(task.loss) == "sum"

    def evaluate(block: slice) -> Evaluated:
        prediction = model(X[block])
        number = as_number(task.loss(prediction, y[block])) * (1 if is_sum else len(X[block]))
        return number, as_plain_array(prediction) if task.metrics else None

    blocks: Any = list(rows.batches(len(X), _BLOCK, order=None))
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        found = deal_out(evaluate, blocks)
    total = 0.0
    for number, _ in found:
        total += number
    predictions: Any = [prediction for _, prediction in found]
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
    """Return a prediction as an array, without the graph that leads to it."""
    return np.asarray(prediction.data if isinstance(prediction, Tensor) else prediction)
