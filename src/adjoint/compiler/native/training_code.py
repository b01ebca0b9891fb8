"""Training code is a traced training step, compiled so that it runs whole epochs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ...graph import Graph
from ..simplify import simplify
from . import loop
from .cache import object_code
from .entries import kind_of
from .formats import SIZES
from .kernel import Kernel, Slot
from .lanes import Names, declarations
from .lower import lower
from .machine import this_machine
from .nest import LIMIT, Unlowerable
from .shuffle import write_shuffle

# Vectors as wide as the registers: LLVM would else halve the widest on some processors.
_ATTRIBUTES = (
    'attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" }'
)


@dataclass(frozen=True)
class StepForm:
    """How the inputs and outputs of a training step's graph are arranged.

    The inputs are the arrays of the state (parameters first, then the optimiser's memory), then the
    settings, numbers that are the same for all steps, then the arrays of which a step takes rows.
    The outputs are the loss and the new state.

    Parameters
    ----------
    parameters, state, settings : int
        How many of the inputs are parameters, parameters or memory, settings.
    """

    parameters: int
    state: int
    settings: int = 0

    def check(self, graph: Graph) -> None:
        """Refuse a graph of another form."""
        specs = [symbol.data for symbol in graph.inputs]
        news = graph.outputs[1:]
        if len(news) != self.state or not 0 < self.parameters <= self.state:
            raise ValueError(
                f"a training step returns the loss and {self.state} new arrays of state, "
                f"got {len(graph.outputs)} outputs"
            )
        for i, new in enumerate(news):
            if (tuple(new.shape), new.dtype) != tuple(specs[i]):
                raise ValueError(
                    f"state {i} comes in as {specs[i]} and goes out as {new.shape}, {new.dtype}"
                )
        loss, numbers = graph.outputs[0], specs[: self.state + self.settings]
        if loss.shape != ():
            raise ValueError(f"a training step returns one number as loss, got shape {loss.shape}")
        if len({loss.dtype, *(spec.dtype for spec in numbers)}) > 1:
            raise Unlowerable("loss, parameters, memory and settings of different dtypes")
        if loss.dtype.kind != "f":
            raise Unlowerable("a loss that is no float")
        if len(specs) == self.state + self.settings:
            raise ValueError("a training step needs an array of which it takes rows")

    def batched(self, graph: Graph) -> range:
        """Return the inputs of which a step takes rows."""
        return range(self.state + self.settings, len(graph.inputs))


@dataclass(frozen=True)
class TrainingCode:
    """The native code of a training, and what it was made of.

    Attributes
    ----------
    step, tail : Graph
        The step as traced, for full batches and for the short last one, or None.
    """

    step: Graph
    tail: Graph | None
    form: StepForm
    code: bytes


def compile_training(
    step: Graph, form: StepForm, *, tail: Graph | None = None, limit: int = LIMIT
) -> TrainingCode:
    """Return native code for whole epochs of a training step.

    Parameters
    ----------
    step : Graph
        The step on a full batch, in the arrangement that ``form`` describes.
    tail : Graph, optional
        The same on the short batch that ends an epoch, if there is one.
    limit : int
        The greatest number of scalar operations to unroll.

    Raises
    ------
    Unlowerable
        If the step has an operation without a native rule, or is too large to unroll.
    ImportError
        If llvmlite is not installed.
    """
    vector_bytes = this_machine().vector_bytes
    text = write_training(step, form, tail=tail, vector_bytes=vector_bytes, limit=limit)
    return TrainingCode(step, tail, form, object_code(text))


def write_training(
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None,
    vector_bytes: int,
    limit: int = LIMIT,
) -> str:
    """Return the text of a training in LLVM's language."""
    form.check(step)
    kind = kind_of(step.inputs[0].dtype)
    width = vector_bytes // SIZES[kind]
    sizes = [math.prod(symbol.shape) for symbol in step.inputs]
    functions, names = [], []
    for name, graph in (("step", step), ("tail", tail)):
        if graph is not None:
            kernel = _step_kernel(graph, form, width, limit)
            functions.append(
                kernel.write(name, loop.step_parameters(len(form.batched(graph)))).replace(
                    "define void", "define internal void"
                )
            )
            names.append(kernel.names)
    outer = loop.write_loop(
        kind=kind,
        batch=rows_of(step, form),
        tail=0 if tail is None else rows_of(tail, form),
        arrays=len(form.batched(step)),
        parameters=sum(sizes[: form.parameters]),
        padded=padded(sum(sizes[: form.state]), width),
        width=width,
    )
    declared = Names()
    declared.intrinsics.update(loop.loop_declarations(kind))
    return "\n".join(
        [declarations([*names, declared]), *functions, write_shuffle(), outer, _ATTRIBUTES, ""]
    )


def rows_of(graph: Graph, form: StepForm) -> int:
    """Return how many rows a step takes."""
    return int(graph.inputs[form.batched(graph)[0]].shape[0])


def padded(count: int, width: int) -> int:
    """Return how many numbers whole vectors hold, of at least a count."""
    return -(-count // width) * width


def _step_kernel(graph: Graph, form: StepForm, width: int, limit: int) -> Kernel:
    form.check(graph)
    nest = lower(simplify(graph), batched=form.batched(graph), limit=limit)
    sizes = [math.prod(symbol.shape) for symbol in graph.inputs]
    inputs = {i: Slot("%now", sum(sizes[:i])) for i in range(form.state)}
    for i in range(form.settings):
        inputs[form.state + i] = Slot("%settings", sum(sizes[form.state : form.state + i]))
    for i, position in enumerate(form.batched(graph)):
        row = math.prod(graph.inputs[position].shape[1:])
        inputs[position] = Slot(f"%data{i}", 0, row)
    outputs = {0: Slot("%loss")}
    outputs |= {i + 1: Slot("%new", sum(sizes[:i])) for i in range(form.state)}
    # Two chains side by side hide the latency of one; beyond, registers run out.
    registers = 2 if nest.rows >= 2 * width else 1
    return Kernel(nest, inputs, outputs, width=registers * width, registers=registers)
