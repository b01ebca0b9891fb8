"""A learner is a training in C: the names of what it keeps, and the lines of its functions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..compiler.native.formats import SIZES
from ..compiler.native.target import Target
from ..compiler.state import State
from ..core.annotations import Array
from ..graphs.recording import no_grad
from .arranged_training import ArrangedTraining
from .c_literals import SIZES as BYTES
from .c_literals import STORED, TYPES
from .c_loops import Loops, kind_in_c
from .c_places import Places, Variable
from .c_program import Program
from .c_steps import steps_in_c
from .identifiers import identifier, identifiers
from .refusal import ExportError
from .scheduled import Scheduled
from .subject import tolerance_of
from .subjects import read_subject

# One number at a time, each operation rounded for itself: what every compiler makes of C.
TARGET = Target(vector_bytes=1, fuses=False, has_wide_products=False)
_FIELDS = ("seed", "epoch", "steps", "turn", "numbers", *(f"work_{kind}" for kind in BYTES))
# The first predictions of so many rows are golden.
_PREDICTED = 4


@dataclass(frozen=True)
class Member:
    """An array of the state: its name in C, its path, and its first numbers."""

    name: str
    path: str
    first: Array

    @property
    def size(self) -> int:
        """How many numbers it has."""
        return int(self.first.size)


class Learner:
    """What is written of one training.

    Parameters
    ----------
    arranged : ArrangedTraining
    prefix : str
        What all names begin with that others see.

    Attributes
    ----------
    members : list of Member
    settings : dict of str to float
        By their names in C.
    schedules : dict of str to Scheduled
        Those that differ from step to step.
    data : list of Variable
        The arrays of rows, which the caller passes.
    steps : list of StepInC
    scans : bool
        Whether the numbers are to be searched for NaN after a step.
    memory : dict of str to int
        How many numbers of each kind a step works with.
    predict : Program
    tolerance : float
        How much predictions may differ from the model's.
    golden : Golden
    """

    def __init__(self, arranged: ArrangedTraining, prefix: str) -> None:
        self.arranged, self.prefix, self.kind = arranged, prefix, arranged.kind
        paths, state = arranged.paths(), arranged.state()
        self.members = [
            Member(*named)
            for named in zip(identifiers(paths, ["golden"]), paths, state, strict=True)
        ]
        names = identifiers(arranged.settings, _FIELDS)
        self.settings = dict(zip(names, arranged.settings.values(), strict=True))
        self.schedules: dict[str, Scheduled] = {
            name: arranged.schedules[path]
            for name, path in zip(names, arranged.settings, strict=True)
            if path in arranged.schedules
        }
        self.data = [_data(name, array) for name, array in arranged.rows]
        self.loops = Loops(prefix)
        self.steps, self.scans = steps_in_c(
            arranged.graph,
            arranged.form,
            tail=arranged.tail,
            target=arranged.target,
            loops=self.loops,
            state=[member.name for member in self.members],
            settings=list(self.settings),
            data=self.data,
        )
        self.memory: dict[str, int] = {}
        for step in self.steps:
            for kind, size in step.memory.items():
                self.memory[kind] = max(size, self.memory.get(kind, 0))
        self.golden = arranged.golden("C99")
        self.first_predictions = self._first_predictions()
        self.predict, self.tolerance = self._prediction()

    # --- predictions

    def _examples(self) -> Array:
        return np.asarray(self.golden.data[0][:_PREDICTED])

    def _first_predictions(self) -> Array:
        model = self.arranged.given.task.model
        model.eval()
        with no_grad(), np.errstate(all="ignore"):
            found = [model(row[np.newaxis]) for row in self._examples()]
        if any(not hasattr(y, "data") for y in found):
            raise ExportError("C99: the model must give one array with a row for each row")
        return np.concatenate([np.asarray(y.data) for y in found])

    def _prediction(self) -> tuple[Program, float]:
        """Return the loops that predict one row, with the weights of the state."""
        arranged = self.arranged
        subject = read_subject(arranged.given.task.model, (self._examples()[:1],))
        traced = subject.trace(1)
        places = {id(tensor): place for place, _, tensor in arranged.tensors()}
        used = {parent for node in traced.graph.nodes for parent in node.parents}
        held = {}
        for n, tensor in enumerate(State(subject.function).inputs.values()):
            if id(tensor) in places and traced.graph.inputs[1 + n].node in used:
                if np.dtype(tensor.dtype) != arranged.step.dtype:
                    raise ExportError(
                        f"C99: {traced.paths[n]} of {tensor.dtype} in a training in "
                        f"{arranged.step.dtype}"
                    )
                name = f"now->{self.members[places[id(tensor)]].name}"
                held[n] = Places.whole(name, self.kind, tuple(tensor.shape))
        program = Program(
            traced.graph, traced.paths, traced.state, self.prefix, beside=self.loops, held=held
        )
        if len(program.outputs) != 1:
            raise ExportError("C99: the model must give one array with a row for each row")
        return program, tolerance_of(program.graph)

    def struct_bytes(self) -> int:
        """Return about what `sizeof` says of a training."""
        state = sum(member.size for member in self.members)
        found = 8 * 4 + SIZES[self.kind] * (2 * state + len(self.settings))
        return found + sum(BYTES[kind] * size for kind, size in self.memory.items())

    def parameters(self) -> str:
        """Return the parameters that are rows, with their types."""
        return ", ".join(f"const {STORED[x.kind]} *{x.name}" for x in self.data)

    def arguments(self) -> str:
        """Return the names of the arrays of rows."""
        return ", ".join(x.name for x in self.data)

    def declared(self) -> dict[str, str]:
        """Return the functions that others call, by what they do."""
        own, plain = f"{self.prefix}_training", TYPES[self.kind]
        (given, kind, _), (y, found, _) = self.predict.inputs[0], self.predict.outputs[0]
        return {
            "init": f"void {self.prefix}_init({own} *own, uint64_t seed)",
            "epoch": f"int {self.prefix}_epoch({own} *own, {self.parameters()}, int32_t count, "
            "int32_t *order, double *loss)",
            "step": f"int {self.prefix}_step({own} *own, {self.parameters()}, {plain} *loss)",
            "predict": f"int {self.prefix}_predict(const {own} *own, "
            f"const {STORED[kind]} *{given}, {STORED[found]} *{y})",
        }


def _data(name: str, array: Array) -> Variable:
    """Return what an array of rows is in C; labels are integers of 32 bits."""
    kind = kind_in_c(array.dtype)
    return Variable(identifier(name.lower()), "i32" if kind == "i64" and name != "X" else kind)
