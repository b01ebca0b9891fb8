"""A training as a module of WebAssembly: whole epochs, and the model's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...compiler.native.arrays.strided_view import ENTRY_BYTES
from ...compiler.native.entries import kind_of
from ...compiler.native.epoch_loop import EpochLoop
from ...compiler.native.epoch_record import INTEGERS, STATES, SUMS, Status
from ...compiler.native.lanes import Names, declarations
from ...compiler.native.machine import ATTRIBUTES, this_machine
from ...compiler.native.step_code import StepCode
from ...compiler.native.step_form import StepForm
from ...compiler.native.target import Target
from ...compiler.native.training_code import MOST_UNROLLED, compile_training
from ...compiler.native.training_text import write_steps, write_training
from ...compiler.native.unlowerable import Unlowerable
from ...compiler.state import State
from ...core.annotations import Array
from ...core.reproducibility import reproducibly
from ...graphs.graph import Graph
from ...graphs.recording import enable_grad
from ...optim.snapshot import kept
from ...training.arranged_step import arranged_step
from ...training.step import BATCH, TrainingStep
from ..refusal import ExportError
from ..subject import Subject
from ..subjects import read_subject
from ..training_task import TrainingTask
from .forward import BLOCK, Slot
from .function import bytes_of, function_of, kind_in_memory
from .machine import TARGET, module
from .memory import Memory

# The mean losses of so many epochs are noted in one call.
TABLE = 1024
# A step reads the numbers of whole vectors of rows, beyond the last row too.
BEYOND = 64
_GOLDEN_EPOCHS = 2


@dataclass(frozen=True)
class Placed:
    """A tensor of the state: its path, its shape, and the number of its first entry."""

    path: str
    shape: tuple[int, ...]
    offset: int


@dataclass(frozen=True)
class Golden:
    """Rows, and what a short training on them here gives.

    Attributes
    ----------
    data : list of array
    losses : list of float
    weights : array
        The parameters at the end, one after another.
    """

    data: list[Array]
    losses: list[float]
    weights: Array


@dataclass(frozen=True)
class WasmTraining:
    """A module that trains and predicts, with all that its caller has to know.

    Attributes
    ----------
    module : bytes
        It exports ``train``, ``predict`` for a block of rows, and ``memory``.
    kind : str
        The kind of the state's numbers.
    batch, tail : int
        Rows of a step, and of a short last one.
    settings : dict of str to float
    data : list of (str, str, tuple of int)
        Name, kind and shape of a row of each array of data.
    parameters : list of Placed
    predicts : list of int or Placed
        What `predict` reads after its rows: an address, or where it lies in the state.
    x, y : Slot
        Where the rows to predict lie, and the predictions.
    places : dict of str to int
        Addresses by name.
    size : int
        How many numbers a state has.
    columns : int
        How many numbers an epoch notes.
    integers, numbers : int
        How many of each the record of an epoch has.
    golden : Golden
    seed : int
    shuffle : bool
    """

    module: bytes
    kind: str
    batch: int
    tail: int
    settings: dict[str, float]
    data: list[tuple[str, str, tuple[int, ...]]]
    parameters: list[Placed]
    predicts: list[int | Placed]
    x: Slot
    y: Slot
    places: dict[str, int]
    size: int
    columns: int
    integers: int
    numbers: int
    golden: Golden
    seed: int
    shuffle: bool


def training_of(given: TrainingTask) -> WasmTraining:
    """Return the module of a training.

    Raises
    ------
    ExportError
        If a part of it has no native code, or its settings follow a schedule.
    """
    task = given.task
    with kept(task.model, task.optimizer), enable_grad(), reproducibly(given.reproducible):
        task.model.train()
        try:
            return _made(given)
        except Unlowerable as reason:
            raise ExportError(f"WebAssembly: this training has no native code: {reason}") from None


def _made(given: TrainingTask) -> WasmTraining:
    task = given.task
    step = TrainingStep(task.model, task.loss, task.optimizer)
    if step.settings.are_scheduled:
        raise ExportError(
            "WebAssembly: the optimiser's settings follow a schedule; a training that is exported "
            "has the same ones at every step, and whoever runs it may change them"
        )
    settings = {
        **{path: float(scalar.data) for path, scalar in step.scalars.items()},
        **{name: float(number) for name, number in step.settings.numbers().items()},
    }
    X, *rest = task.data
    data = [X, *(a.astype(np.int64) if a.dtype.kind in "iu" else a for a in rest)]
    graph, form, tail, _ = arranged_step(step, data, task.batch_size, settings=len(settings))
    target = _target(given)
    steps = write_steps(graph, form, tail=tail, held=(), target=target, limit=MOST_UNROLLED)
    text = write_training(graph, form, steps, tail=tail, held=(), target=target)
    state = _state(step)
    kind, layout = kind_of(step.dtype), steps.layout
    memory = Memory()
    places = _places(memory, steps, form, ENTRY_BYTES[kind])
    places["initial"] = memory.array(_flat(state, steps, step.dtype))
    tensors = {
        id(tensor): Placed(path, tuple(tensor.shape), offset)
        for (path, tensor), offset in zip(
            _carried(step).items(), _offsets_of_tensors(step, layout.offsets), strict=True
        )
    }
    task.model.eval()
    forward = _prediction(task.model, X, memory, tensors, step.dtype)
    whole = "\n".join([text.replace(ATTRIBUTES, ""), forward.text, ATTRIBUTES, ""])
    linked = module(_once(whole), ["train", "predict"], memory.blocks, memory.end)
    places["heap"] = linked.heap
    short = 0 if tail is None else form.rows(tail)
    return WasmTraining(
        linked.module,
        kind,
        form.rows(graph),
        short,
        settings,
        [
            (name, kind_in_memory(a.dtype), tuple(a.shape[1:]))
            for name, a in zip(BATCH, data, strict=False)
        ],
        [tensors[id(p)] for p in step.params.values()],
        forward.reads,
        forward.x,
        forward.y,
        places | forward.places,
        layout.size,
        1 + form.sums,
        INTEGERS,
        SUMS + 2 * form.sums,
        _golden(given, graph, form, tail, state, data, settings),
        given.seed,
        given.shuffle,
    )


def _target(given: TrainingTask) -> Target:
    return TARGET.reproducible() if given.reproducible else TARGET


def _places(memory: Memory, steps: StepCode, form: StepForm, size: int) -> dict[str, int]:
    """Return where everything lies that does not depend on the number of rows."""
    return {
        "record": memory.place(8 * INTEGERS),
        "states": memory.place(STATES * steps.layout.size * size),
        "settings": memory.place(max(form.settings, 1) * size),
        "numbers": memory.place(8 * (SUMS + 2 * form.sums)),
        "table": memory.place(8 * TABLE * (1 + form.sums)),
        "held": memory.place(8),
        "workspace": memory.workspace(steps.workspace, steps.constants),
    }


def _carried(step: TrainingStep) -> dict[str, Any]:
    """Return the tensors of the state, without what the optimiser remembers."""
    return {**step.params, **step.buffers}


def _offsets_of_tensors(step: TrainingStep, offsets: Sequence[int]) -> list[int]:
    """Return where these lie: parameters come first, buffers last."""
    count, buffers = len(step.params), len(step.buffers)
    return [*offsets[:count], *(offsets[-buffers:] if buffers else [])]


def _state(step: TrainingStep) -> list[Array]:
    """Return the numbers of the state in the order of `StepForm`."""
    memory = [
        np.asarray(step.optimizer.recall(place)[name])
        for place, names in zip(step.places, step.remembered(), strict=True)
        for name in names
    ]
    tensors = [tensor.data for tensor in step.params.values()]
    buffers = [np.asarray(buffer.data, step.dtype) for buffer in step.buffers.values()]
    return [*tensors, *memory, *buffers]


def _flat(state: Sequence[Array], steps: StepCode, dtype: Any) -> Array:
    flat = np.zeros(steps.layout.size, dtype)
    for at, array in zip(steps.layout.offsets, state, strict=True):
        flat[at : at + array.size] = array.ravel()
    return flat


@dataclass(frozen=True)
class _Prediction:
    """The text of the function that predicts a block of rows, and where it reads and writes."""

    text: str
    reads: list[int | Placed]
    x: Slot
    y: Slot
    places: dict[str, int]


def _prediction(
    model: Any, X: Array, memory: Memory, tensors: dict[int, Placed], dtype: Any
) -> _Prediction:
    subject: Subject = read_subject(model, (X[:1],))
    graph: Graph = subject.trace(BLOCK).graph
    if len(graph.outputs) != 1 or tuple(graph.outputs[0].shape[:1]) != (BLOCK,):
        raise ExportError("WebAssembly: the model must give one array with a row for each row")
    reads: list[int | Placed] = []
    used = {parent for node in graph.nodes for parent in node.parents}
    for (path, tensor), symbol in zip(
        State(subject.function).inputs.items(), graph.inputs[1:], strict=True
    ):
        place = tensors.get(id(tensor))
        array = np.asarray(getattr(tensor, "data", tensor))
        if place is not None and array.dtype != dtype and symbol.node in used:
            raise ExportError(f"WebAssembly: {path} of {array.dtype} in a training in {dtype}")
        reads.append(memory.array(array) if place is None else place)
    function = function_of(graph, "predict")
    x, y = (_slot(spec, memory) for spec in (graph.inputs[0], graph.outputs[0]))
    workspace = memory.workspace(function.code.workspace, function.code.constants)
    names: list[Names] = list(function.names)
    text = "\n".join([declarations(names), *function.with_parameters()])
    return _Prediction(text, reads, x, y, {"predicting": workspace})


def _slot(rows: Any, memory: Memory) -> Slot:
    kind = kind_in_memory(rows.dtype)
    return Slot(kind, tuple(rows.shape[1:]), memory.place(bytes_of(rows.shape, kind)))


def _once(text: str) -> str:
    """Return a text with each declaration, and each function of the compiler's own, once."""
    seen: set[str] = set()
    lines: list[str] = []
    skips = False
    for line in text.splitlines():
        if line.startswith(("declare ", "define ", "@")):
            name = line[line.index("@") :].split("(")[0].split(" ")[0]
            if name in seen:
                skips = line.startswith("define ")
                continue
            seen.add(name)
        if not skips:
            lines.append(line)
        elif line == "}":
            skips = False
    return "\n".join([*lines, ""])


def _golden(
    given: TrainingTask,
    graph: Graph,
    form: StepForm,
    tail: Graph | None,
    state: Sequence[Array],
    data: Sequence[Array],
    settings: dict[str, float],
) -> Golden:
    """Train on a few rows here: a whole batch, and a short one if there is one.

    The code is written for the same vectors, and neither fuses nor reorders. So the numbers are
    those of the module to the last bit.
    """
    here = this_machine()._replace(target=_target(given))
    count = min(len(data[0]), form.rows(graph) + (0 if tail is None else form.rows(tail)))
    rows = [array[:count] for array in data]
    loop = EpochLoop(
        compile_training(graph, form, tail=tail, machine=here),
        state,
        rows,
        epochs=_GOLDEN_EPOCHS,
        settings=list(settings.values()),
        seed=given.seed if given.shuffle else None,
    )
    status = loop.run(_GOLDEN_EPOCHS, steps=count * _GOLDEN_EPOCHS)
    if status is not Status.PAUSED:
        raise ExportError("WebAssembly: the first steps of this training are not finite")
    return Golden(
        rows, loop.losses(), np.concatenate([np.ravel(x) for x in loop.state[: form.parameters]])
    )
