"""Steps of a training as functions of C, in the two regimes of native code."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ..compiler.native.arrays.array_code import product_of
from ..compiler.native.arrays.contraction import contracted
from ..compiler.native.arrays.expansion import expand
from ..compiler.native.arrays.loop_nest import Access, LoopNest
from ..compiler.native.arrays.parts import Loops as StoringLoops
from ..compiler.native.arrays.parts import Multiplication, Part, RandomFill, Turns
from ..compiler.native.arrays.point_expressions import reduction_nest, storing_nest
from ..compiler.native.arrays.schedule import Schedule
from ..compiler.native.arrays.strided_view import ENTRY_BYTES, Allocation, Role, StridedView
from ..compiler.native.arrays.workspace import Workspace
from ..compiler.native.entries import kind_of
from ..compiler.native.formats import SIZES
from ..compiler.native.step_code import functions_of, step_kernels
from ..compiler.native.step_form import StepForm
from ..compiler.native.target import Target
from ..compiler.native.training_code import MOST_UNROLLED
from ..compiler.native.training_text import simple_step
from ..compiler.native.unlowerable import Unlowerable
from ..graphs.graph import Graph
from .c_kernel import KernelInC
from .c_literals import STORED, TYPES, number
from .c_loops import Loops
from .c_nests import NestInC
from .c_places import Variable, offset
from .refusal import ExportError


@dataclass(frozen=True)
class StepInC:
    """What one function of a training does.

    Attributes
    ----------
    name : str
        ``step`` for whole batches, ``tail`` for a short last one.
    rows : int
    lines : list of str
        The body of a function; it returns whether the result is in doubt.
    memory : dict of str to int
        How many numbers of each kind it keeps in the workspace.
    stack : int
        How many bytes its arrays take besides.
    """

    name: str
    rows: int
    lines: list[str]
    memory: dict[str, int]
    stack: int = 0


def steps_in_c(
    step: Graph,
    form: StepForm,
    *,
    tail: Graph | None,
    target: Target,
    loops: Loops,
    state: Sequence[str],
    settings: Sequence[str],
    data: Sequence[Variable],
) -> tuple[list[StepInC], bool]:
    """Return the steps, and whether the new state is to be searched for NaN after each.

    Parameters
    ----------
    loops : Loops
        Takes the functions and constant arrays.
    state, settings : sequence of str
        The names of the arrays of the state, and of the settings, in the order of ``form``.
    data : sequence of Variable
        The arrays that batches are rows of.

    Raises
    ------
    Unlowerable, ExportError
        If a step has an operation that C has not.
    """
    step, tail = simple_step(step), None if tail is None else simple_step(tail)
    kind = kind_of(step.inputs[0].dtype)
    inputs = {n: Variable(f"now->{name}", kind) for n, name in enumerate(state)}
    inputs |= {
        form.state + n: Variable(f"own->{name}", kind, is_single=True)
        for n, name in enumerate(settings)
    }
    outputs = {n + 1: Variable(f"next->{name}", kind) for n, name in enumerate(state)}
    outputs[0] = Variable("*loss", kind, is_single=True)
    try:
        kernels, shows = step_kernels(step, form, tail, (), MOST_UNROLLED)
    except Unlowerable:
        found = []
        for name, graph, own in functions_of(step, form, tail, ()):
            arrays = _ArrayStep(graph, own, target, Loops(loops.functions.prefix, loops))
            found.append(arrays.step(name, inputs, outputs, data))
        return found, False
    found = []
    for name, graph, own, kernel in kernels:
        lines = Loops(loops.functions.prefix, loops)
        rows = dict(zip(own.batched(graph), data, strict=True))
        row = {at: Variable(f"{x.name}_row", x.kind) for at, x in rows.items()}
        lanes = target.lanes(SIZES[kind])
        writer = KernelInC(kernel, lines, inputs | row, outputs, lanes)
        writer.write(
            [
                "const size_t row = (size_t)(rows ? rows[i] : i);",
                *(_row_of(x, math.prod(graph.inputs[at].shape[1:])) for at, x in rows.items()),
            ]
        )
        body = [*lines.lines, "return 0;"]
        found.append(StepInC(name, own.rows(graph), body, {}, writer.stack))
    return found, not shows


def _row_of(array: Variable, size: int) -> str:
    """Return the line that points to a row of an array."""
    step = "row" if size == 1 else f"{size} * row"
    return f"const {STORED[array.kind]} *{array.name}_row = {array.name} + {step};"


class _ArrayStep:
    """Writes one step as loops over arrays and products of matrices."""

    def __init__(self, graph: Graph, form: StepForm, target: Target, loops: Loops) -> None:
        self.graph, self.form, self.target, self.loops = graph, form, target, loops
        expanded = expand(graph, parameters=form.parameters)
        self.doubt = len(graph.outputs)
        self.schedule = Schedule(expanded)
        self.variables: dict[Allocation, tuple[Variable, int]] = {}

    def step(
        self,
        name: str,
        inputs: Mapping[int, Variable],
        outputs: Mapping[int, Variable],
        data: Sequence[Variable],
    ) -> StepInC:
        """Return the function of a step."""
        parts = [part for part in self.schedule.parts if not _is_empty(part)]
        nests = [self._nest(part) for part in parts]
        used = [
            _used(part) if nest is None else [allocation for allocation, _ in nest.starts()]
            for part, nest in zip(parts, nests, strict=True)
        ]
        rows = self.form.rows(self.graph)
        batches = {
            at: Allocation(Role.TEMPORARY, kind_of(x.dtype), math.prod(x.shape))
            for at, x in enumerate(self.graph.inputs)
            if at in self.form.batched(self.graph)
        }
        self.inputs = dict(inputs)
        self.outputs = {**outputs, self.doubt: Variable("doubt", "i1", is_single=True)}
        memory = self._placed(batches, used)
        self._gather(batches, data, rows)
        self.loops.lines.append("uint8_t doubt = 0;")
        for part, nest in zip(parts, nests, strict=True):
            if nest is not None:
                NestInC(nest, self.target, self.loops, self._found).write()
            elif isinstance(part, Multiplication):
                self._multiply(part)
            elif isinstance(part, RandomFill):
                self._fill(part)
        self.loops.lines.append("return doubt;")
        return StepInC(name, rows, self.loops.lines, memory)

    def _nest(self, part: Part) -> LoopNest | None:
        if isinstance(part, Turns):
            name = part.node.primitive.name
            raise ExportError(
                f"C99 has no {name} in a training with reproducible=True, whose sums would have "
                "another order turn by turn; without it the turns are written out"
            )
        if isinstance(part, (Multiplication, RandomFill)):
            return None
        if isinstance(part, StoringLoops):
            return contracted(storing_nest(self.schedule, part))
        return contracted(reduction_nest(self.schedule, part))

    # --- memory

    def _placed(
        self, batches: Mapping[int, Allocation], used: Sequence[Sequence[Allocation]]
    ) -> dict[str, int]:
        """Give every array a place; arrays of a kind share theirs if they are not used together."""
        temporary = [[x for x in group if x.role is Role.TEMPORARY] for group in used]
        every = dict.fromkeys([*batches.values(), *(x for group in temporary for x in group)])
        memory: dict[str, int] = {}
        for kind in dict.fromkeys(x.kind for x in every):
            space = Workspace()
            for batch in batches.values():
                if batch.kind == kind:
                    space.keep(batch)
            space.share([[x for x in group if x.kind == kind] for group in temporary])
            memory[kind] = space.size // ENTRY_BYTES[kind]
            for allocation, at in space.offsets.items():
                name = f"t{len(self.variables)}"
                start = at // ENTRY_BYTES[kind]
                self.loops.lines.append(
                    f"{STORED[kind]} *const {name} = own->work_{kind} + {start};"
                )
                self.variables[allocation] = Variable(name, kind), 0
        for at, allocation in batches.items():
            self.inputs[at] = self.variables[allocation][0]
        return memory

    def _gather(
        self, batches: Mapping[int, Allocation], data: Sequence[Variable], rows: int
    ) -> None:
        """Copy the rows of a batch."""
        lines = self.loops.lines
        lines += [
            f"for (int i = 0; i < {rows}; i++) {{",
            "const size_t row = (size_t)(rows ? rows[i] : i);",
        ]
        for (at, batch), source in zip(batches.items(), data, strict=True):
            size, own = batch.size // rows, self.inputs[at]
            entry = source.at(f"{size} * row + j" if size > 1 else "row")
            value = f"{entry} != 0" if own.kind == "i1" else entry
            copied = f"{own.at(f'{size} * i + j' if size > 1 else 'i')} = {value};"
            inner = f"for (int j = 0; j < {size}; j++) {{"
            lines += [inner, copied, "}"] if size > 1 else [copied]
        lines.append("}")

    def _found(self, access: Access) -> tuple[Variable, int]:
        return self._at(access.allocation, access.offset)

    def _at(self, allocation: Allocation, start: int) -> tuple[Variable, int]:
        """Return the array of an allocation, and which of its entries is meant."""
        if allocation.role is Role.INPUT:
            return self.inputs[allocation.number], start
        if allocation.role is Role.OUTPUT:
            return self.outputs[allocation.number], start
        if allocation not in self.variables:
            content = np.ascontiguousarray(allocation.content)
            table = self.loops.table("constant", content)
            self.variables[allocation] = Variable(table.buffer, allocation.kind), 0
        variable, first = self.variables[allocation]
        return variable, first + start

    # --- products and random numbers

    def _multiply(self, part: Multiplication) -> None:
        """Write a product; each entry is one sum along the depth, from the first factor on."""
        product, lines = product_of(part), self.loops.lines
        kind = product.kind
        counters, terms = [], []
        for n, (turns, *steps) in enumerate(product.stack):
            lines.append(f"for (int k{n} = 0; k{n} < {turns}; k{n}++) {{")
            counters.append(f"k{n}")
            terms.append(steps)

        def entry(view: StridedView, n: int, *own: tuple[str, int]) -> str:
            variable, start = self._at(view.allocation, view.offset)
            outer = [(name, steps[n]) for name, steps in zip(counters, terms, strict=True)]
            return variable.at(offset(start, [*outer, *own]))

        rows, columns, depth = product.rows, product.columns, product.depth
        left = entry(part.left, 0, ("i", product.left[0]), ("k", product.left[1]))
        right = entry(part.right, 1, ("k", product.right[0]), ("j", product.right[1]))
        out = entry(part.target, 2, ("i", part.target.strides[-2]), ("j", part.target.strides[-1]))
        lines.append(f"for (int i = 0; i < {rows}; i++) {{")
        each = f"for (int j = 0; j < {columns}; j++) {{"
        zero, plain = number(0.0, kind), TYPES[kind]
        if product.right[1] == 1:  # side by side: a compiler takes several columns at once
            lines += [each, f"{out} = {zero};", "}"]
            lines += [f"for (int k = 0; k < {depth}; k++) {{", f"const {plain} factor = {left};"]
            lines += [each, f"{out} += factor * {right};", "}", "}"]
        else:
            lines += [each, f"{plain} sum = {zero};", f"for (int k = 0; k < {depth}; k++) {{"]
            lines += [f"sum += {left} * {right};", "}", f"{out} = sum;", "}"]
        lines += ["}"] * (1 + len(counters))

    def _fill(self, part: RandomFill) -> None:
        state, start = self._at(part.state.allocation, part.state.offset)
        out, first = self._at(part.target.allocation, part.target.offset)
        function = self.loops.functions.fixed(f"uniform_{part.target.kind}")
        given = f"&{state.at(start)}, {part.state.strides[0]}, &{out.at(first)}"
        self.loops.lines.append(f"{function}({given}, {part.target.allocation.size});")


def _used(part: Part) -> list[Allocation]:
    if isinstance(part, Multiplication):
        return [view.allocation for view in (part.left, part.right, part.target)]
    assert isinstance(part, RandomFill)
    return [part.state.allocation, part.target.allocation]


def _is_empty(part: Part) -> bool:
    return isinstance(part, StoringLoops) and not any(root.is_stored for root in part.roots)
