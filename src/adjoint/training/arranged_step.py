"""An arranged step is the graph of a training step, in the order that native code expects."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..compiler.native.step_form import StepForm
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from ..core.spec import Spec
from ..graphs.graph import Graph
from ..graphs.tensor import Tensor
from ..optim import Memory, Optimizer
from .step import TrainingStep


def arranged_step(
    step: TrainingStep, data: Sequence[Array], batch_size: int, *, settings: int
) -> tuple[Graph, StepForm, Graph | None]:
    """Return the step on whole batches, its form, and the step on the short last batch, if any.

    Parameters
    ----------
    step : TrainingStep
    data : sequence of (n, …) array
        Batches are rows of these.
    batch_size : int
    settings : int
        How many numbers the step is given besides its state and the rows.

    Raises
    ------
    Unlowerable
        If the step does not have that form.
    """
    step.drop_unwritten_buffers(*_specs(data, batch_size))
    whole = _on_batch(step, _specs(data, batch_size))
    short = len(data[0]) % batch_size
    tail = _on_batch(step, _specs(data, short)) if short else None
    count = len(step.params)
    state = count + sum(map(len, step.remembered())) + len(step.buffers)
    return whole, StepForm(count, state, settings=settings), tail


def _specs(data: Sequence[Array], rows: int) -> list[Spec]:
    """Return what a batch of so many rows is."""
    return [Spec((rows, *array.shape[1:]), array.dtype) for array in data]


def _on_batch(step: TrainingStep, batch: Sequence[Spec]) -> Graph:
    """Return the graph of a step on a batch, with inputs and outputs in the order of `StepForm`."""
    arguments = step.arguments(*batch)
    arguments.pop("read_only", None)
    if step.buffers:
        arguments["buffers"] = [_carried_spec(buffer, step) for buffer in step.buffers.values()]
    graph = step.trace(arguments)
    before = [step.optimizer.recall(place) for place in step.places]
    written = 2 if step.buffers else 1
    _check_memory(step.optimizer, before, graph.gives[1:-written])
    count = len(step.params) + sum(map(len, before)) + len(step.buffers)
    (*news, loss), state = graph.outputs, graph.inputs[:count]
    start = count + len(step.scalars)
    rows, rest = graph.inputs[start : start + len(batch)], graph.inputs[start + len(batch) :]
    numbers = [*graph.inputs[count:start], *rest]
    if {symbol.node for symbol in state} & {getattr(new, "node", None) for new in news}:
        raise Unlowerable("the loss does not depend on every parameter")
    return Graph([*state, *numbers, *rows], [loss, *news], name=graph.name)


def _carried_spec(buffer: Tensor, step: TrainingStep) -> Spec:
    """Return what a buffer is in the state, all of which has the dtype of the parameters."""
    if not np.can_cast(buffer.dtype, step.dtype):
        raise Unlowerable(f"a buffer of {buffer.dtype} beside parameters of {step.dtype}")
    return Spec(buffer.shape, step.dtype)


def _check_memory(optimizer: Optimizer, before: Sequence[Memory], after: Sequence[Any]) -> None:
    """Refuse an optimiser whose memory has other names after a step.

    Native code writes the new memory over the old one, so that both must consist of the same
    arrays.
    """
    for old, new in zip(before, after[0] if after else [{} for _ in before], strict=True):
        if old.keys() != new.keys():
            raise Unlowerable(
                f"{type(optimizer).__name__} remembers {sorted(new)} after a step, but "
                f"initial_memory gives {sorted(old)}"
            )
