"""Training is one loop: batches in order, loss, backward, step; a history says how it went."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np

from . import data as rows
from .callbacks import next_call
from .compiler.native.fitting import NativeFit, is_worthwhile, refuse_unasked
from .compiler.native.loop import Status
from .compiler.native.nest import Unlowerable
from .compiler.step import foreign_part
from .epochs import CompiledSteps, Loss, Take, Task, Undo, eager_steps, train_epoch, validate
from .errors import ShapeError, choose
from .history import History
from .metrics import as_metrics
from .nn.embedding import Embedding
from .nn.functional import LOSSES
from .nn.linear import positive_size
from .nn.module import Module, Parameter
from .optim import Optimizer
from .progress import epoch_bar
from .tensor import enable_grad

Array = np.ndarray[Any, Any]

# A compiled step saves a tenth of a millisecond, and takes ten or thirty to be made.
_WORTHWHILE = 500


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
        Arrays of n rows. X, and y if it has floats, are converted to the dtype of the model; but
        integers in X are kept for a model with an `Embedding`.
    loss : str or callable
        A name in `nn.functional.LOSSES`, as "cross_entropy" or "mse_loss", a module as
        ``nn.HuberLoss(delta=2.0)``, or your own: ``loss(prediction, target)`` returns a Tensor of
        one number, the mean over the batch.
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
        Whether to run whole epochs as native code, which takes llvmlite and operations that it has
        rules for, or else compiled steps, from the second epoch on: the first shows the loss every
        row. The batches are the same, the numbers to rounding. "auto" does so where it pays and
        every part is adjoint's own; True traces your modules, loss and optimiser too rather than
        call them at each step: they must only compute. `History.report` says which it was, and why.

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
        parameters, or ``compile=True`` and the step cannot be traced.
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
    task = prepare(model, data, loss, optimizer, batch_size, validation, metrics)
    epochs = positive_size("epochs", epochs)
    history = History(seed=rows.as_seed(seed))
    callbacks = list(callbacks)
    order_seed = history.seed if shuffle else None
    try:
        with modes_kept(model), enable_grad(), epoch_bar(epochs, progress) as show:
            compiled, history.reasons = _compile(task, compile, epochs, order_seed)
            while len(history) < epochs:
                model.train()
                if compiled is not None and not compiled.is_current:
                    compiled, history.reasons = None, [_CHANGED]
                if isinstance(compiled, NativeFit):
                    history.tier = "native"
                    done = len(history)
                    until = min(epochs, next_call(callbacks, done, epochs))
                    until = until if task.validation is None else done + 1
                    _train_natively(task, compiled, history, until, show)
                else:
                    take = _in_python(task, compiled, history)
                    record = train_epoch(task, take, _order(task, order_seed, history), history)
                    history.append(**record, **validate(task))
                show(len(history), history.loss[-1])
                answers = [callback(history, model) for callback in callbacks]
                if any(answers):
                    break
    except KeyboardInterrupt:
        history.interrupted = True
    return history


def _order(task: Task, seed: int | None, history: History) -> Array | None:
    """Return the order of the rows in the epoch to come."""
    return None if seed is None else rows.permutation(len(task.X), seed=seed, epoch=len(history))


# --- in which tier --------------------------------------------------------------------------------

_CHANGED = "a callback changed more than the numbers of what was compiled"
_REFUSALS = (ImportError, Unlowerable, TypeError, ValueError)


def _compile(
    task: Task, wanted: Any, epochs: int, seed: int | None
) -> tuple[NativeFit | CompiledSteps | None, list[str]]:
    """Return the training compiled as far as it can be, and why not further."""
    if wanted not in (True, False, "auto"):
        raise ValueError(f'compile: expected True, False or "auto", got {wanted!r}')
    if not wanted:
        return None, ["compile=False"]
    task.model.train()
    reasons = []
    try:
        return _as_native(task, wanted == "auto", epochs, seed), []
    except _REFUSALS as error:
        reasons.append(f"no native epochs: {error}")
    try:
        return _as_steps(task, wanted == "auto", epochs), reasons
    except _REFUSALS as error:
        reasons.append(f"no compiled steps: {error}")
        if wanted == "auto":
            return None, reasons
        text = f"fit: compile=True, but the step cannot be compiled: {error}"
        raise ValueError(text) from error


def _as_native(task: Task, unasked: bool, epochs: int, seed: int | None) -> NativeFit:
    """Return the training as native code, or raise why there is none."""
    if task.metrics:
        raise Unlowerable("metrics of the training data need the predictions of every step")
    parts = task.model, task.loss, task.optimizer
    size = task.batch_size
    if unasked:
        refuse_unasked(*parts, steps=epochs * -(-len(task.X) // size), batch_size=size)
    return NativeFit(*parts, (task.X, task.y), batch_size=size, epochs=epochs, seed=seed)


def _as_steps(task: Task, unasked: bool, epochs: int) -> CompiledSteps:
    """Return the steps as traced graphs, or raise why there are none."""
    steps = (epochs - 1) * -(-len(task.X) // task.batch_size)
    if unasked:
        if steps < _WORTHWHILE:
            raise Unlowerable(f"{steps} steps after the first epoch are too few")
        foreign = foreign_part(task.model, task.loss, task.optimizer)
        if foreign is not None:
            raise Unlowerable(f"{foreign} is not adjoint's own")
    native = not unasked or is_worthwhile(task.model, steps=steps, batch_size=task.batch_size)
    return CompiledSteps(task, native=native)


def _in_python(task: Task, compiled: CompiledSteps | None, history: History) -> Take:
    """Return what takes the steps of the next epoch, and note which tier that is."""
    if compiled is not None and len(history):
        history.tier = compiled.tier
        return compiled.steps()
    history.tier = "eager"
    return eager_steps(task)


# --- native epochs --------------------------------------------------------------------------------


def _train_natively(
    task: Task, native: NativeFit, history: History, until: int, show: Callable[[int, float], None]
) -> None:
    """Train up to an epoch; one that does not end well is finished, or ended, step by step."""
    status = Status.PAUSED
    try:
        status = native.advance(until, show)
    finally:
        # What is validated is recorded with its validation, and not if that is interrupted.
        if task.validation is None:
            for loss in native.losses(len(history)):
                history.append(loss=loss)
    if task.validation is not None and native.epoch > len(history):
        history.append(loss=native.losses(len(history))[0], **validate(task))
    if status is not Status.PAUSED:
        _finish_epoch(task, native, history)


def _finish_epoch(task: Task, native: NativeFit, history: History) -> None:
    """Go on where native code stopped: it did not know what to do, or that is the end."""
    task.undo.kept = native.previous
    take = eager_steps(task)
    record = train_epoch(task, take, native.order, history, resumed=native.stopped_at)
    native.take_over(record["loss"])
    history.append(**record, **validate(task))


@contextmanager
def modes_kept(model: Module) -> Iterator[None]:
    """Give every module the training mode back that it had."""
    modes = [(module, module.training) for module in model.modules()]
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training


# --- checking the arguments -----------------------------------------------------------------------


def prepare(
    model: Module,
    data: Any,
    loss: Any,
    optimizer: Any,
    batch_size: Any,
    validation: Any = None,
    metrics: Any = (),
) -> Task:
    """Return the arguments of a training checked, or raise what is wrong with them."""
    if not isinstance(model, Module):
        raise TypeError(f"fit: expected a Module as model, got {type(model).__name__}")
    optimizer = _as_optimizer(optimizer, model)
    dtype = next(model.parameters()).dtype
    by_number = any(isinstance(module, Embedding) for module in model.modules())
    X, y = as_pair("data", data, dtype, by_number)
    batch_size = positive_size("batch_size", batch_size)
    if batch_size > len(X):
        raise ValueError(
            f"batch_size {batch_size} exceeds the {len(X)} rows; choose {len(X)} or less"
        )
    pair = None if validation is None else as_pair("validation", validation, dtype, by_number)
    if pair is not None and pair[0].shape[1:] != X.shape[1:]:
        raise ShapeError(
            f"validation: X of shape {pair[0].shape} does not fit the data's, shape {X.shape}"
        )
    loss = loss if callable(loss) else LOSSES[choose("loss", loss, LOSSES)]
    metrics = as_metrics(metrics)
    return Task(model, X, y, loss, optimizer, batch_size, pair, metrics, Undo(optimizer))


def as_pair(name: str, pair: Any, dtype: np.dtype[Any], by_number: bool) -> tuple[Array, Array]:
    """Return X and y checked, in the dtype of the model but for integers that look up rows."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name}: expected a pair (X, y), got {type(pair).__name__}")
    X, y = rows.check_xy(*pair, name=name)
    if y.dtype.kind == "f":
        y = y.astype(dtype, copy=False)
    if by_number and X.dtype.kind in "iu":
        return X, y
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
