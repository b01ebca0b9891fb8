"""A task is what `fit` was asked to do, checked and made ready."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from . import data as rows
from .checks import positive_size
from .compiler.snapshot import Undo, buffers_in
from .errors import ShapeError, choose
from .metrics import Metric, as_metrics
from .nn.embedding import Embedding
from .nn.functional import LOSSES
from .nn.losses.loss import Weighted
from .nn.module import Module
from .optim import Optimizer
from .row_weights import row_weights
from .stream import Stream, as_stream, is_batches

Array = np.ndarray[Any, Any]
Loss = Callable[..., Any]


@dataclass
class Task:
    """The checked arguments of `fit`."""

    model: Module
    # X and y, and the weights of the rows where they have some; the loss takes those after X. Of a
    # stream there are none.
    data: tuple[Array, ...]
    loss: Loss
    optimizer: Optimizer
    batch_size: int
    validation: tuple[Array, Array] | None
    metrics: dict[str, Metric]
    # Of the whole training: at the start of an epoch the parameters' loss is not known yet.
    undo: Undo
    # In how many parts the gradient of a batch is computed.
    accumulate: int = 1
    stream: Stream | None = None
    # Equal only for tasks whose steps are the same graph, on batches of the same shapes.
    form: Hashable = None

    @property
    def rows(self) -> int:
        """How many rows an epoch has; of a stream that is not known."""
        return len(self.data[0]) if self.data else 0

    def batches(self, epoch: int, order: Array | None, start: int) -> Iterator[tuple[Array, ...]]:
        """Yield the batches of an epoch, from one on."""
        if self.stream is not None:
            yield from islice(self.stream(epoch), start, None)
            return
        for batch in islice(rows.batches(self.rows, self.batch_size, order=order), start, None):
            yield tuple(array[batch] for array in self.data)

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return -(-self.rows // self.batch_size)


def prepare(
    model: Module,
    data: Any,
    *,
    loss: Any,
    optimizer: Any,
    batch_size: Any,
    validation: Any = None,
    metrics: Any = (),
    sample_weight: Any = None,
    class_weight: Any = None,
    accumulate: Any = 1,
) -> Task:
    """Return the task, or say what is wrong with the arguments of `fit`."""
    if not isinstance(model, Module):
        raise TypeError(f"fit: expected a Module as model, got {type(model).__name__}")
    optimizer = _as_optimizer(optimizer, model)
    dtype = next(model.parameters()).dtype
    by_number = any(isinstance(module, Embedding) for module in model.modules())
    pair = None if validation is None else _as_pair("validation", validation, dtype, by_number)
    loss = loss if callable(loss) else LOSSES[choose("loss", loss, LOSSES)]
    undo = Undo(optimizer, buffers_in(model, loss))
    accumulate, metrics = positive_size("accumulate", accumulate), as_metrics(metrics)
    if not isinstance(data, (tuple, list)) or is_batches(data):
        if sample_weight is not None or class_weight is not None:
            raise TypeError("fit: rows have weights only where data is a pair of arrays")
        stream = as_stream(data, lambda batch: _as_pair("data", batch, dtype, by_number))
        size = positive_size("batch_size", batch_size)
        return Task(model, (), loss, optimizer, size, pair, metrics, undo, accumulate, stream)
    arrays: tuple[Array, ...] = _as_pair("data", data, dtype, by_number)
    if pair is not None and pair[0].shape[1:] != arrays[0].shape[1:]:
        raise ShapeError(
            f"validation: X of shape {pair[0].shape} does not fit the data's, shape "
            f"{arrays[0].shape}"
        )
    weights = row_weights(arrays[1], sample_weight, class_weight)
    if weights is not None:
        loss = _weighted(loss)
        counts = weights > 0
        arrays = tuple(
            array if counts.all() else array[counts]
            for array in (*arrays, weights.astype(dtype, copy=False))
        )
    return Task(
        model,
        arrays,
        loss,
        optimizer,
        _as_batch_size(batch_size, len(arrays[0])),
        pair,
        metrics,
        undo,
        accumulate,
    )


def _as_batch_size(batch_size: Any, n: int) -> int:
    size = positive_size("batch_size", batch_size)
    if size > n:
        raise ValueError(f"batch_size {size} exceeds the {n} rows; choose {n} or less")
    return size


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


def _as_pair(name: str, pair: Any, dtype: np.dtype[Any], by_number: bool) -> tuple[Array, Array]:
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
