"""A task is what `fit` was asked to do, checked and made ready."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator, Hashable, Mapping
from functools import partial
from itertools import islice
from typing import Any, Self

import numpy as np

from ..core.annotations import Array, ArrayLike, DType
from ..core.checks import positive_size
from ..data import rows
from ..data.reshuffle import Reshuffle
from ..data.row_weights import ClassWeight, row_weights
from ..data.stream import Data, Stream, as_stream, is_batches
from ..data.window import ByWindow
from ..errors import ShapeError, choose
from ..graphs.tracing.users_code import is_fixed
from ..nn.embedding import Embedding
from ..nn.functional import LOSSES
from ..nn.losses.loss import Weighted, reduction_of
from ..nn.module import Buffer, Module, Parameter
from ..optim import OPTIMIZERS, Optimizer
from ..optim.snapshot import Snapshot, buffers_in, step_snapshot
from .metrics import Metric, Metrics, as_metrics

Loss = Callable[..., Any]
# What a task finds out by itself.
_OWN = ("buffers", "latest_finite")
MakesOptimizer = Callable[[list[Parameter]], Optimizer]


def work_of(model: Module, rows: int) -> int:
    """Return about how many floating-point operations a step on so many rows takes.

    For each row a weight takes part in one multiplication and one addition forward, in as many for
    its own gradient, and in as many for the gradient of what the layer read.
    """
    return 6 * rows * sum(parameter.size for parameter in model.parameters())


class Task:
    """The checked arguments of `fit`, and how to go back to the last good step.

    Attributes
    ----------
    model : Module
    data : tuple of (n, …) array
        X and y, and the weights of the rows where they have some; the loss takes all after X.
        Empty where the batches come from a stream.
    loss : callable
    optimizer : Optimizer
    batch_size : int
    validation : (X, y) or None
    metrics : dict of str to callable
    accumulate : int
        In how many parts the gradient of a batch is computed.
    stream : callable or None
        Gives the batches of an epoch in the place of ``data``.
    window : ByWindow or None
        Where the stream comes from, if its length is known.
    form : hashable
        Equal only for tasks whose steps are the same graph, on batches of the same shapes; None
        where that is not known, or a step may leave a buffer of the model as it is.
    seed : int or None
        Determines the order of the rows, epoch by epoch; None keeps their own.
    reshuffle : Reshuffle or None
        Orders the rows in the seed's place.
    shards : int
        Into how many parts a batch is dealt in a distributed training; 0 if it is none.
    by_number : bool
        Whether a batch begins with the numbers of its rows in the place of X and the weights.
    sample_weight, class_weight
        As they were given: a training that is resumed must be given the same.
    buffers : list of Buffer
        The model and the loss may change these at each step.
    latest_finite : Snapshot
        The latest parameters whose loss is known to be finite, and all that belongs to them. The
        first ones stand in for them until a loss is known.
    """

    # No dataclass: to make one takes longer than to read this module.
    def __init__(
        self,
        model: Module,
        data: tuple[Array, ...],
        loss: Loss,
        optimizer: Optimizer,
        batch_size: int,
        validation: tuple[Array, Array] | None = None,
        metrics: Mapping[str, Metric] | None = None,
        accumulate: int = 1,
        *,
        stream: Stream | None = None,
        window: ByWindow | None = None,
        form: Hashable = None,
        seed: int | None = None,
        reshuffle: Reshuffle | None = None,
        shards: int = 0,
        by_number: bool = False,
        sample_weight: ArrayLike | None = None,
        class_weight: ClassWeight | None = None,
    ) -> None:
        self.model, self.data, self.loss, self.optimizer = model, data, loss, optimizer
        self.batch_size, self.validation, self.accumulate = batch_size, validation, accumulate
        self.metrics: Mapping[str, Metric] = {} if metrics is None else metrics
        self.stream, self.window, self.form = stream, window, form
        self.seed, self.reshuffle = seed, reshuffle
        self.shards, self.by_number = shards, by_number
        self.sample_weight, self.class_weight = sample_weight, class_weight
        self.buffers: list[Buffer] = buffers_in(model, loss)
        self.latest_finite: Snapshot = self.snapshot()

    def altered(self, **changes: Any) -> Self:
        """Return another task, with some of the arguments changed."""
        given = {name: value for name, value in vars(self).items() if name not in _OWN}
        return type(self)(**given | changes)

    @property
    def rows(self) -> int:
        """How many rows an epoch has; 0 for a stream, whose rows are not known before."""
        return len(self.data[0]) if self.data else 0

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return -(-self.rows // self.batch_size)

    def order(self, epoch: int) -> Array | None:
        """Return the order of the rows in an epoch; None keeps them as they are.

        It is asked for once in each epoch, because a `Reshuffle` makes each order from the last.
        """
        if self.stream is not None:
            return None
        if self.reshuffle is not None:
            return self.reshuffle(epoch)
        if self.seed is None:
            return None
        return rows.permutation(self.rows, seed=self.seed, epoch=epoch)

    def batches(self, epoch: int, order: Array | None, start: int) -> Generator[tuple[Array, ...]]:
        """Yield the batches of an epoch, beginning at batch number ``start``."""
        if self.stream is not None:
            yield from self.stream(epoch, start)
            return
        arrays = (np.arange(self.rows), self.data[1]) if self.by_number else self.data
        for batch in islice(rows.batches(self.rows, self.batch_size, order=order), start, None):
            yield tuple([rows.chosen(array, batch) for array in arrays])

    def snapshot(self) -> Snapshot:
        """Return what a step replaces, as it is now."""
        return step_snapshot(self.optimizer, self.buffers)


def prepare(
    model: Module,
    data: Data,
    *,
    loss: str | Loss,
    optimizer: str | Optimizer | MakesOptimizer,
    batch_size: int,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    metrics: Metrics = (),
    sample_weight: ArrayLike | None = None,
    class_weight: ClassWeight | None = None,
    accumulate: int = 1,
) -> Task:
    """Return the task, or say what is wrong with the arguments of `fit`."""
    if not isinstance(model, Module):
        raise TypeError(f"fit: expected a Module as model, got {type(model).__name__}")
    optimizer = _as_optimizer(optimizer, model)
    dtype = next(model.parameters()).dtype
    by_number = any(isinstance(module, Embedding) for module in model.modules())
    checked = partial(_as_pair, dtype=dtype, by_number=by_number)
    loss = loss if callable(loss) else LOSSES[choose("loss", loss, LOSSES)]
    if reduction_of(loss) == "none":
        raise ValueError(
            f"fit: the loss {loss} has reduction='none', one number for each entry; fit needs a "
            "single number to minimise: take 'mean' or 'sum'"
        )
    task = Task(
        model,
        (),
        loss,
        optimizer,
        positive_size("batch_size", batch_size),
        None if validation is None else checked("validation", validation),
        as_metrics(metrics),
        positive_size("accumulate", accumulate),
        form=step_form(model, loss if loss in LOSSES.values() else None, optimizer),
        sample_weight=sample_weight,
        class_weight=class_weight,
    )
    if isinstance(data, (tuple, list)) and not is_batches(data):
        return _with_rows(task, *checked("data", data))
    if sample_weight is not None or class_weight is not None:
        raise TypeError("fit: rows have weights only where data is a pair of arrays")
    window = data if isinstance(data, ByWindow) else None
    stream = as_stream(data, lambda batch: checked("data", batch))
    return task.altered(stream=stream, window=window)


def step_form(model: Module, loss: Hashable, optimizer: Optimizer) -> Hashable:
    """Return what decides the graph of a step, if the model says what decides its own.

    Then the networks of an ensemble share compiled code without being traced one by one.

    Parameters
    ----------
    model : Module
    loss : hashable
        What decides the loss; None if nothing is known to.
    optimizer : Optimizer
    """
    own = getattr(model, "graph_form", None)
    params = list(model.parameters())
    is_bounded = optimizer.clipping.norm is not None or optimizer.clipping.value is not None
    # What is around another optimiser does as that one, which may be of the user's own class.
    is_ours = is_fixed(type(optimizer).__module__) and not hasattr(optimizer, "inner")
    is_known = own is not None and loss is not None and is_ours
    if not is_known or is_bounded or not all(p.requires_grad for p in params):
        return None
    places = {id(p): place for place, p in enumerate(params)}
    order = tuple(places.get(id(p)) for p in optimizer.params)
    dtypes = tuple(p.dtype.str for p in params)
    rule = (type(optimizer), optimizer.shaping, tuple(optimizer.membership), order)
    return (type(model), own, loss, rule, dtypes)


def _with_rows(task: Task, X: Array, y: Array) -> Task:
    """Return the task with its rows, and with their weights if they have some."""
    n, size = len(X), task.batch_size
    if task.validation is not None and task.validation[0].shape[1:] != X.shape[1:]:
        raise ShapeError(
            f"validation: X of shape {task.validation[0].shape} does not fit the data's, shape "
            f"{X.shape}"
        )
    weights = row_weights(y, task.sample_weight, task.class_weight)
    if weights is None:
        return task.altered(data=(X, y), batch_size=min(size, n))
    counts = weights > 0
    if not counts.all():  # a row without weight would still cost time, and fill batches
        X, y, weights = X[counts], y[counts], weights[counts]
    data = X, y, weights.astype(next(task.model.parameters()).dtype, copy=False)
    loss = _weighted(task.loss)
    return task.altered(data=data, loss=loss, batch_size=min(size, len(X)))


def _weighted(loss: Loss) -> Weighted:
    """Return a loss of rows with weights, or say that this one takes none."""
    function = loss.forward if isinstance(loss, Module) else loss
    try:
        inspect.signature(function).bind(None, None, sample_weight=None)
    except TypeError:
        name = getattr(loss, "__name__", type(loss).__name__)
        raise TypeError(
            f"fit: rows have weights, but the loss {name} takes no sample_weight; with "
            "sample_weight=w it must return Σ w l / Σ w of the losses l of the rows"
        ) from None
    return Weighted(loss)


def _as_pair(name: str, pair: object, dtype: DType, by_number: bool) -> tuple[Array, Array]:
    """Return X and y checked, in the dtype of the model but for integers that look up rows."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2:
        raise TypeError(f"{name}: expected a pair (X, y), got {type(pair).__name__}")
    X, y = rows.check_xy(*pair, name=name)
    if y.dtype.kind == "f":
        y = y.astype(dtype, copy=False)
    if by_number and X.dtype.kind in "iu":
        return X, y
    return X.astype(dtype, copy=False), y


def _as_optimizer(optimizer: str | Optimizer | MakesOptimizer, model: Module) -> Optimizer:
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise ValueError(f"fit: {type(model).__name__} has no parameters that require a gradient")
    if isinstance(optimizer, str):
        # The classes have capitals, so that people write "Adam" and "adam".
        optimizer = OPTIMIZERS[choose("optimizer", optimizer.lower(), OPTIMIZERS)]
    if callable(optimizer):
        optimizer = optimizer(trainable)
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            "optimizer: expected a name, an Optimizer or a callable that makes one, got "
            f"{type(optimizer).__name__}; for example lambda params: SGD(params, lr=0.1)"
        )
    if not set(map(id, optimizer.params)) & set(map(id, trainable)):
        raise ValueError("optimizer: it has none of this model's parameters; nothing would change")
    return optimizer
