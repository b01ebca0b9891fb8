"""Training is one loop: batches in order, loss, backward, step; a history says how it went."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal

import numpy as np

from . import data as rows
from .callbacks import next_call
from .compiler.native.fitting import NativeFit, most_operations
from .compiler.native.loop import Status
from .compiler.native.nest import Unlowerable
from .errors import DivergedError, ShapeError, choose
from .history import History
from .metrics import Metric, as_metrics
from .nn.functional import LOSSES
from .nn.linear import positive_size
from .nn.module import Module, Parameter
from .optim import Memory, Optimizer
from .progress import epoch_bar
from .tensor import Tensor, enable_grad, no_grad

Array = np.ndarray[Any, Any]
Loss = Callable[[Any, Any], Any]

# Rows evaluated at a time, so that large validation data need little memory.
_BLOCK = 1024


def fit(
    model: Module,
    data: tuple[Any, Any],
    *,
    loss: str | Loss,
    optimizer: Optimizer | Callable[[list[Parameter]], Optimizer],
    epochs: int,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: np.random.Generator | int | None = None,
    validation: tuple[Any, Any] | None = None,
    metrics: Any = (),
    callbacks: Iterable[Callable[[History, Module], Any]] = (),
    progress: bool = True,
    compile: bool | Literal["auto"] = "auto",
) -> History:
    """Train a model on batches, and return what happened epoch by epoch.

    Ctrl-C ends the training and returns the history so far, with the model as after its last whole
    step.

    Parameters
    ----------
    model : Module
        Trained where it is; in training mode during an epoch, in evaluation mode on the validation
        data, and in the end in the mode it had.
    data : (X, y)
        Arrays of n rows. X, and y if it has floats, are converted to the dtype of the model.
    loss : {"cross_entropy", "mse_loss"} or callable
        ``loss(prediction, target)`` returns a Tensor of one number, the mean over the batch.
    optimizer : Optimizer or callable
        Or what makes one of the model's trainable parameters: ``lambda p: SGD(p, lr=0.1)``.
    epochs : int
    batch_size : int
        At most n; the last batch of an epoch may be smaller.
    shuffle : bool
        Take the rows of the first epoch in the order ``data.permutation(n, seed=seed, epoch=0)``,
        of the second with ``epoch=1``, and so on; else in their own.
    seed : int, numpy.random.Generator or None
        A generator is drawn from once; None takes system entropy.
    validation : (X, y), optional
        Evaluated after every epoch, recorded as ``val_loss`` and ``val_`` and the metric's name.
    metrics : iterable of str or callable, or dict of name to callable
        ``metric(prediction, target)`` of arrays returns a number: "accuracy", or your own. On the
        training data it is taken of the predictions as they were made during the epoch, by weights
        that were still changing.
    callbacks : iterable of callable
        ``callback(history, model)`` after every epoch, or after those of an `AtEpochs`; if one
        returns something true, the training ends.
    progress : bool
        Show a bar on stderr, if tqdm is installed and there is someone to see it.
    compile : bool or "auto"
        Whether to run whole epochs as native code, which takes llvmlite and a small network. The
        batches are the same, the numbers to rounding. "auto" does so where it pays and every part
        is adjoint's own; True traces your modules, loss and optimiser too, each once: they must
        only compute.

    Returns
    -------
    History

    Raises
    ------
    DivergedError
        If a loss is NaN or infinite, or an epoch ends with such parameters. Model and optimiser
        are put back to the last parameters whose loss was finite.
    ValueError
        If an argument is out of range, X or y has NaN, the optimiser has none of the model's
        parameters, or ``compile=True`` and the step cannot be compiled.
    ShapeError
        If X and y differ in length, validation and training data in the shape of their rows, or the
        loss is not one number.
    TypeError
        If an argument has the wrong type.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    >>> model = ad.nn.MLP(2, 4, 2, activation="tanh", rng=0)
    >>> history = ad.fit(model, (X, [0, 1, 1, 0]), loss="cross_entropy", seed=0, epochs=200,
    ...                  batch_size=4, optimizer=lambda p: ad.optim.SGD(p, lr=0.5, momentum=0.9))
    >>> model.predict(X)
    array([0, 1, 1, 0])
    """
    task = _prepare(model, data, loss, optimizer, batch_size, validation, metrics)
    epochs = positive_size("epochs", epochs)
    history = History(seed=rows.as_seed(seed))
    callbacks = list(callbacks)
    order_seed = history.seed if shuffle else None
    try:
        with _modes_kept(model), enable_grad(), epoch_bar(epochs, progress) as show:
            native = _as_native(task, compile, epochs, order_seed)
            while len(history) < epochs:
                model.train()
                if native is not None and native.is_current:
                    done = len(history)
                    until = min(epochs, next_call(callbacks, done, epochs))
                    until = until if task.validation is None else done + 1
                    _train_natively(task, native, history, until, show)
                else:
                    native = None
                    record = _train_epoch(task, _order(task, order_seed, history), history)
                    history.append(**record, **_validate(task))
                show(len(history), history.loss[-1])
                answers = [callback(history, model) for callback in callbacks]
                if any(answers):
                    break
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _order(task: _Task, seed: int | None, history: History) -> Array | None:
    """Return the order of the rows in the epoch to come."""
    return None if seed is None else rows.permutation(len(task.X), seed=seed, epoch=len(history))


# --- native epochs --------------------------------------------------------------------------------


def _as_native(task: _Task, wanted: Any, epochs: int, seed: int | None) -> NativeFit | None:
    """Return the training as native code, or None where there is none."""
    if wanted not in (True, False, "auto"):
        raise ValueError(f'compile: expected True, False or "auto", got {wanted!r}')
    steps = epochs * -(-len(task.X) // task.batch_size)
    parts = task.model.train(), task.loss, task.optimizer
    if not wanted:
        return None
    try:
        if task.metrics:
            raise Unlowerable("metrics of the training data need the predictions of every step")
        limit = most_operations(*parts, steps=steps) if wanted == "auto" else None
        return NativeFit(
            *parts,
            (task.X, task.y),
            batch_size=task.batch_size,
            epochs=epochs,
            seed=seed,
            limit=limit,
        )
    except (ImportError, Unlowerable, TypeError, ValueError) as error:
        if wanted == "auto":
            return None
        raise ValueError(
            f"fit: compile=True, but the step cannot be native code: {error}"
        ) from error


def _train_natively(
    task: _Task, native: NativeFit, history: History, until: int, show: Callable[[int, float], None]
) -> None:
    """Train up to an epoch; one that does not end well is finished, or ended, step by step."""
    task.model.train()
    status = Status.PAUSED
    try:
        status = native.advance(until, show)
    finally:
        # What is validated is recorded with its validation, and not if that is interrupted.
        if task.validation is None:
            for loss in native.losses(len(history)):
                history.append(loss=loss)
    if task.validation is not None and native.epoch > len(history):
        history.append(loss=native.losses(len(history))[0], **_validate(task))
    if status is not Status.PAUSED:
        _finish_epoch(task, native, history)


def _finish_epoch(task: _Task, native: NativeFit, history: History) -> None:
    """Go on where native code stopped: it did not know what to do, or that is the end."""
    task.undo.kept = native.previous
    record = _train_epoch(task, native.order, history, resumed=native.stopped_at)
    native.take_over(record["loss"])
    history.append(**record, **_validate(task))


# --- one epoch ------------------------------------------------------------------------------------


@dataclass
class _Task:
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
    undo: _Undo


def _train_epoch(
    task: _Task, order: Array | None, history: History, resumed: tuple[int, float] = (0, 0.0)
) -> dict[str, float]:
    """Take one step a batch, and return the epoch's record.

    An epoch is resumed with its steps already taken and the sum over their rows of their losses.
    """
    model, loss, optimizer = task.model.train(), task.loss, task.optimizer
    n, (done, total) = len(task.X), resumed
    step = done - 1
    predictions: list[Array] = []
    # Of overflow we report in our own words, and only where it reaches the loss.
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        batches = islice(rows.batches(n, task.batch_size, order=order), done, None)
        for step, batch in enumerate(batches, done):
            X, y = task.X[batch], task.y[batch]
            prediction = model(X)
            value = loss(prediction, y)
            number = _as_number(value)
            if not math.isfinite(number):
                task.undo.restore()
                raise _diverged(task, f"the loss became {number}", step, history)
            optimizer.zero_grad()
            value.backward()
            task.undo.step()
            total += number * len(X)
            if task.metrics:
                predictions.append(_array(prediction))
        if not all(np.isfinite(parameter.data).all() for parameter in optimizer.params):
            task.undo.restore()
            raise _diverged(task, "a parameter became NaN or infinite", step, history)
    return {"loss": total / n, **_measure(task.metrics, predictions, task.y, order)}


class _Undo:
    """The last parameters that gave a finite loss, and the optimiser's memory with them.

    Kept for nothing: a step replaces arrays and never changes them.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.optimizer = optimizer
        self.keep()

    def keep(self) -> None:
        """Remember the present state."""
        optimizer = self.optimizer
        self.kept: tuple[list[Any], list[Memory]] = (
            [parameter.data for parameter in optimizer.params],
            optimizer.memory[:],
        )

    def step(self) -> None:
        """Take the optimiser's step, or none of it if it is interrupted."""
        self.keep()
        try:
            self.optimizer.step()
        except BaseException:
            self.restore()
            raise

    def restore(self) -> None:
        """Go back to the state remembered."""
        arrays, memory = self.kept
        for parameter, array in zip(self.optimizer.params, arrays, strict=True):
            parameter.data = array
        self.optimizer.memory = memory[:]


def _diverged(task: _Task, what: str, step: int, history: History) -> DivergedError:
    largest = np.abs(task.X).max()
    return DivergedError(
        f"fit: {what} in epoch {len(history) + 1}, step {step + 1}; the model is back at the last "
        f"weights whose loss was finite. Try a learning rate below {task.optimizer.lr:g}"
        + (f", and scale the inputs (they reach {largest:g})." if largest > 10 else "."),
        history,
    )


def _as_number(value: Any) -> float:
    """Return a loss as a float, or say why it is none."""
    if not isinstance(value, Tensor):
        raise TypeError(
            f"fit: the loss returned {type(value).__name__}, not a Tensor, so it has no gradient; "
            "compute it from the prediction with adjoint's or NumPy's functions"
        )
    if value.shape != ():
        raise ShapeError(f"fit: the loss has shape {value.shape}, expected (): take its .mean()")
    return float(value.data)


def _validate(task: _Task) -> dict[str, float]:
    """Return the record of the validation data, without training on them."""
    if task.validation is None:
        return {}
    model, (X, y) = task.model.eval(), task.validation
    predictions, total = [], 0.0
    with no_grad(), np.errstate(over="ignore", invalid="ignore"):
        for block in rows.batches(len(X), _BLOCK, order=None):
            prediction = model(X[block])
            total += _as_number(task.loss(prediction, y[block])) * len(X[block])
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


@contextmanager
def _modes_kept(model: Module) -> Iterator[None]:
    """Give every module the training mode back that it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


# --- checking the arguments -----------------------------------------------------------------------


def _prepare(
    model: Module,
    data: Any,
    loss: Any,
    optimizer: Any,
    batch_size: Any,
    validation: Any,
    metrics: Any,
) -> _Task:
    if not isinstance(model, Module):
        raise TypeError(f"fit: expected a Module as model, got {type(model).__name__}")
    optimizer = _as_optimizer(optimizer, model)
    dtype = next(model.parameters()).dtype
    X, y = _as_pair("data", data, dtype)
    batch_size = positive_size("batch_size", batch_size)
    if batch_size > len(X):
        raise ValueError(
            f"batch_size {batch_size} exceeds the {len(X)} rows; choose {len(X)} or less"
        )
    pair = None if validation is None else _as_pair("validation", validation, dtype)
    if pair is not None and pair[0].shape[1:] != X.shape[1:]:
        raise ShapeError(
            f"validation: X of shape {pair[0].shape} does not fit the data's, shape {X.shape}"
        )
    loss = loss if callable(loss) else LOSSES[choose("loss", loss, LOSSES)]
    metrics = as_metrics(metrics)
    return _Task(model, X, y, loss, optimizer, batch_size, pair, metrics, _Undo(optimizer))


def _as_pair(name: str, pair: Any, dtype: np.dtype[Any]) -> tuple[Array, Array]:
    """Return X and y checked, their floats in the dtype of the model."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name}: expected a pair (X, y), got {type(pair).__name__}")
    X, y = rows.check_xy(*pair, name=name)
    if y.dtype.kind == "f":
        y = y.astype(dtype, copy=False)
    return X.astype(dtype, copy=False), y


def _as_optimizer(optimizer: Any, model: Module) -> Optimizer:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise ValueError(f"fit: {type(model).__name__} has no parameters that require a gradient")
    if callable(optimizer):
        optimizer = optimizer(trainable)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"optimizer: expected an Optimizer or a callable that makes one, got "
            f"{type(optimizer).__name__}; for example lambda params: SGD(params, lr=0.1)"
        )
    if not set(map(id, optimizer.params)) & set(map(id, trainable)):
        raise ValueError("optimizer: it has none of this model's parameters; nothing would change")
    return optimizer
