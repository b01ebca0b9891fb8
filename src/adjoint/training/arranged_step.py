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
from ..graphs.symbol import Symbol
from ..graphs.tensor import Tensor
from ..optim import Memory, Optimizer
from ..optim.snapshot import modes_kept
from .step import TrainingStep

# Rows that are validated at a time, so that the results of the layers stay in the caches.
_MOST_HELD = 512


def arranged_step(
    step: TrainingStep,
    data: Sequence[Array],
    batch_size: int,
    *,
    settings: int,
    held: Sequence[Array] = (),
) -> tuple[Graph, StepForm, Graph | None, list[Graph]]:
    """Return the step on whole batches, its form, that on the short last batch, and what validates.

    Parameters
    ----------
    step : TrainingStep
    data : sequence of (n, …) array
        Batches are rows of these.
    batch_size : int
    settings : int
        How many numbers the step is given besides its state and the rows.
    held : sequence of (m, …) array
        What to validate on after each epoch: nothing, or X and y.

    Returns
    -------
    step : Graph
    form : StepForm
    tail : Graph or None
    held : list of Graph
        See `TrainingCode`.

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
    sums = len(whole.outputs) - 1 - state
    validations = [_validation(step, _specs(held, rows)) for rows in _blocks(held)]
    return whole, StepForm(count, state, settings=settings, sums=sums), tail, validations


def _blocks(held: Sequence[Array]) -> list[int]:
    """Return how many rows are validated at a time, and how many are left over, if any are."""
    if not held:
        return []
    rows = len(held[0])
    block = -(-rows // -(-rows // _MOST_HELD))  # blocks of one size, if that can be
    return [block, *([rows % block] if rows % block else [])]


def _specs(data: Sequence[Array], rows: int) -> list[Spec]:
    """Return what a batch of so many rows is."""
    return [Spec((rows, *array.shape[1:]), array.dtype) for array in data]


def _on_batch(step: TrainingStep, batch: Sequence[Spec]) -> Graph:
    """Return the graph of a step on a batch, with inputs and outputs in the order of `StepForm`."""
    graph = step.trace(_arguments(step, batch))
    before = [step.optimizer.recall(place) for place in step.places]
    written = 1 + bool(step.buffers) + (step.measure is not None)
    _check_memory(step.optimizer, before, graph.gives[1:-written])
    count = len(step.params) + sum(map(len, before)) + len(step.buffers)
    news, (loss, *sums) = graph.outputs[:count], graph.outputs[count:]
    state = {symbol.node for symbol in graph.inputs[:count]}
    if state & {getattr(new, "node", None) for new in news}:
        raise Unlowerable("the loss does not depend on every parameter")
    return Graph(_arranged(step, graph, len(batch)), [loss, *news, *sums], name=graph.name)


def _validation(step: TrainingStep, batch: Sequence[Spec]) -> Graph:
    """Return the graph of what validates on some rows, with the inputs of a step."""
    with modes_kept(step.model):
        step.model.eval()
        graph = step.trace(_arguments(step, batch), trains=False)
    return Graph(_arranged(step, graph, len(batch)), graph.outputs, name=graph.name)


def _arguments(step: TrainingStep, batch: Sequence[Spec]) -> dict[str, Any]:
    """Return the arguments of a step; what is only read is a constant."""
    arguments = step.arguments(*batch)
    arguments.pop("read_only", None)
    if step.buffers:
        arguments["buffers"] = [_carried_spec(buffer, step) for buffer in step.buffers.values()]
    return arguments


def _arranged(step: TrainingStep, graph: Graph, arrays: int) -> list[Symbol]:
    """Return the inputs of a graph of a step in the order of `StepForm`."""
    memory = sum(map(len, step.remembered()))
    count = len(step.params) + memory + len(step.buffers)
    start = count + len(step.scalars)
    rows, rest = graph.inputs[start : start + arrays], graph.inputs[start + arrays :]
    return [*graph.inputs[:count], *graph.inputs[count:start], *rest, *rows]


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
