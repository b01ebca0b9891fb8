"""A training as a module of WebAssembly: whole epochs, and the model's predictions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...compiler.native.arrays.strided_view import ENTRY_BYTES
from ...compiler.native.epoch_record import INTEGERS, STATES, SUMS
from ...compiler.native.lanes import Names, declarations
from ...compiler.native.machine import ATTRIBUTES
from ...compiler.native.step_code import StepCode
from ...compiler.native.step_form import StepForm
from ...compiler.native.training_code import MOST_UNROLLED
from ...compiler.native.training_text import write_steps, write_training
from ...compiler.state import State
from ...core.annotations import Array
from ...graphs.graph import Graph
from ..arranged_training import ArrangedTraining, Golden, arranged_training
from ..refusal import ExportError
from ..scheduled import Scheduled
from ..subject import Subject
from ..subjects import read_subject
from ..training_task import TrainingTask
from .forward import BLOCK, Slot
from .function import bytes_of, function_of, kind_in_memory
from .machine import TARGET, module
from .memory import Memory

# The mean losses of so many epochs are noted in one call, which takes at most so many steps if
# settings follow a schedule.
TABLE = 1024
# A step reads the numbers of whole vectors of rows, beyond the last row too.
BEYOND = 64


@dataclass(frozen=True)
class Placed:
    """A tensor of the state: its path, its shape, and the number of its first entry."""

    path: str
    shape: tuple[int, ...]
    offset: int


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
    schedules : dict of str to Scheduled
        Those of the settings that differ from step to step.
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
    schedules: dict[str, Scheduled]
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
        If a part of it has no native code, or a schedule is too long.
    """
    with arranged_training(given, TARGET, name="WebAssembly") as arranged:
        return _made(arranged)


def _made(arranged: ArrangedTraining) -> WasmTraining:
    graph, form, tail, target = arranged.graph, arranged.form, arranged.tail, arranged.target
    step, given = arranged.step, arranged.given
    steps = write_steps(graph, form, tail=tail, held=(), target=target, limit=MOST_UNROLLED)
    text = write_training(graph, form, steps, tail=tail, held=(), target=target)
    layout = steps.layout
    memory = Memory()
    rows = TABLE if arranged.schedules else 1
    places = _places(memory, steps, form, ENTRY_BYTES[arranged.kind], rows)
    places["initial"] = memory.array(_flat(arranged.state(), steps, step.dtype))
    tensors = {
        id(tensor): Placed(path, tuple(tensor.shape), layout.offsets[place])
        for place, path, tensor in arranged.tensors()
    }
    model = given.task.model
    model.eval()
    forward = _prediction(model, arranged.data[0], memory, tensors, step.dtype)
    whole = "\n".join([text.replace(ATTRIBUTES, ""), forward.text, ATTRIBUTES, ""])
    linked = module(_once(whole), ["train", "predict"], memory.blocks, memory.end)
    places["heap"] = linked.heap
    return WasmTraining(
        linked.module,
        arranged.kind,
        arranged.batch,
        arranged.rest,
        arranged.settings,
        arranged.schedules,
        [(name, kind_in_memory(a.dtype), tuple(a.shape[1:])) for name, a in arranged.rows],
        [tensors[id(p)] for p in step.params.values()],
        forward.reads,
        forward.x,
        forward.y,
        places | forward.places,
        layout.size,
        1 + form.sums,
        INTEGERS,
        SUMS + 2 * form.sums,
        arranged.golden("WebAssembly"),
        given.seed,
        given.shuffle,
    )


def _places(
    memory: Memory, steps: StepCode, form: StepForm, size: int, rows: int
) -> dict[str, int]:
    """Return where everything lies that does not depend on the number of rows.

    The table of settings has so many rows.
    """
    return {
        "record": memory.place(8 * INTEGERS),
        "states": memory.place(STATES * steps.layout.size * size),
        "settings": memory.place(max(form.settings, 1) * size * rows),
        "numbers": memory.place(8 * (SUMS + 2 * form.sums)),
        "table": memory.place(8 * TABLE * (1 + form.sums)),
        "held": memory.place(8),
        "workspace": memory.workspace(steps.workspace, steps.constants),
    }


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
