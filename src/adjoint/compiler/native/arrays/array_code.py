"""Array code is a graph as a sequence of calls: of loop nests, and of products of matrices."""

from __future__ import annotations

import math
from collections.abc import Collection, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ....graphs.graph import Graph
from ....graphs.loops.branching import Branch
from ....graphs.loops.repetition import Repetition
from ....graphs.symbol import Symbol
from ...simplify.fingerprint import fingerprint
from ...simplify.loops import form_of
from ...simplify.simplify import simplify, written_out
from ..formats import SIZES
from ..function_builder import FunctionBuilder
from ..kernel import ArrayLocation
from ..lanes import Names
from ..target import Target
from ..unlowerable import Unlowerable
from ..unrolled_code import locations, parameters, unrolled_function
from .abreast import rows_abreast, write_abreast
from .bands import is_banded, part_of, write_bands
from .body_code import (
    BodyFunction,
    FunctionText,
    gathered_carries,
    write_choice,
    write_repetition,
    write_scan,
)
from .contraction import contracted
from .expansion import expand
from .loop_nest import LoopNest, Start
from .loop_nest_code import write_loop_nest
from .parts import Loops, Multiplication, Part, RandomFill, Turns
from .point_expressions import reduction_nest, storing_nest
from .products import MatrixProduct, arranged, span_of, write_panel, write_product, write_rest
from .random_fill import write_random_fill
from .schedule import Schedule
from .strided_view import ENTRY_BYTES, Allocation, Role
from .workspace import Workspace

# A function makes at most so many calls: the time that LLVM takes for it grows with their square.
_MOST_CALLS = 200
# The floating-point operations of a product from which on it pays to wake another thread: they take
# some hundred microseconds, to wake it takes some tens.
_SHARED_WORK = 8_000_000


# What stands for the name of a body in its text.
_NAME = "body.of.loop"
# The number of scalar operations of a body from which on loops over arrays are faster.
MOST_UNROLLED = 400


@dataclass(frozen=True)
class BodyText:
    """The text of a body's function, and of those that it consists of, under any name."""

    lines: str
    all_names: tuple[Names, ...]

    def text(self, name: str) -> str:
        """Return the text."""
        return self.lines.replace(f"@{_NAME}", f"@{name}")


@dataclass
class CodeModule:
    """The functions of a module in LLVM's language; functions of the same text are written once.

    Parameters
    ----------
    target : Target
        What the functions are written for. If it has a team, its memory is at ``%workspace``.
    """

    target: Target
    functions: dict[str, tuple[str, Any]] = field(default_factory=dict)
    bodies: dict[str, BodyFunction] = field(default_factory=dict)
    nests: dict[Hashable, str] = field(default_factory=dict)
    products: dict[MatrixProduct, str] = field(default_factory=dict)

    def add(self, stem: str, builder: FunctionBuilder | FunctionText | BodyText) -> str:
        """Return the name under which a function is in the module; a new one begins with a stem."""
        # Layers of the same sizes have nests of the same text, whose arrays are parameters.
        key = builder.text("")
        if key not in self.functions:
            self.functions[key] = f"{stem}{len(self.functions)}", builder
        return self.functions[key][0]

    def add_nest(self, stem: str, nest: LoopNest) -> tuple[str, list[Start]]:
        """Return the name of the function of a nest, and the starts that it is given."""
        form, starts = nest.form()
        if form not in self.nests:
            self.nests[form] = self.add(stem, _written(nest, self.target))
        return self.nests[form], starts

    def add_product(self, product: MatrixProduct) -> str:
        """Return the name of the function that computes a product on one thread."""
        if product not in self.products:
            self.products[product] = self.add("product", write_product(product, self.target))
        return self.products[product]

    def add_shared(self, product: MatrixProduct) -> SharedProduct | None:
        """Return the functions of a product that two threads share, if it is large enough."""
        span = span_of(product, self.target)
        work = 2 * product.rows * product.columns * product.depth
        count = product.columns // span
        if not self.target.has_team or product.stack or count < 4 or work < _SHARED_WORK:
            return None
        panel = self.add("panel", write_panel(product, self.target))
        rest = write_rest(product, self.target)
        return SharedProduct(panel, count, span, None if rest is None else self.add("rest", rest))

    def add_body(self, graph: Graph) -> BodyFunction:
        """Return the function of a body, in the regime that suits its size."""
        simple = written_out(simplify(graph))
        key = fingerprint(simple).digest
        if key not in self.bodies:
            self.bodies[key] = self._write_body(simple)
        return self.bodies[key]

    def _write_body(self, graph: Graph) -> BodyFunction:
        try:
            code = unrolled_function(graph, target=self.target, limit=MOST_UNROLLED, name=_NAME)
            text = BodyText("\n".join(code.functions), code.names)
            return BodyFunction(self.add("body", text), 0, doubts=code.doubts)
        except Unlowerable:
            pass
        # A body's memory is not that of the team.
        target, self.target = self.target, self.target._replace(futex=None)
        try:
            expanded = expand(graph)
            inner = ArrayCode(expanded, self)
            text = BodyText(inner.function(_NAME, parameters(graph), *locations(graph)), ())
        finally:
            self.target = target
        doubts = isinstance(expanded.outputs[-1], Symbol)
        return BodyFunction(self.add("body", text), inner.size, tuple(inner.constants), doubts)

    @property
    def names(self) -> list[Names]:
        """The names of all functions, for their declarations."""
        own = [builder for _, builder in self.functions.values()]
        return [
            names
            for each in own
            for names in (each.all_names if isinstance(each, BodyText) else [each.names])
        ]

    @property
    def text(self) -> str:
        """The text of all functions."""
        return "\n".join(builder.text(name) for name, builder in self.functions.values())


@dataclass(frozen=True)
class SharedProduct:
    """A product that two threads share.

    Parameters
    ----------
    panel : str
        The function of one whole panel of columns.
    count, span : int
        How many whole panels there are, and how many columns each has.
    rest : str or None
        The function of the columns that are left over, if there are any.
    """

    panel: str
    count: int
    span: int
    rest: str | None


@dataclass(frozen=True)
class Call:
    """A call of a function of the module, and the arrays that it is given."""

    function: str
    starts: tuple[Start, ...]
    shared: SharedProduct | None = None
    # The memory of bodies that hold constants in it, from call to call.
    memory: tuple[tuple[Allocation, tuple[tuple[int, Any], ...]], ...] = ()

    def write(self, pointers: Sequence[str]) -> list[str]:
        """Return the instructions, given pointers to the starts."""
        if self.shared is None:
            return [f"  call void @{self.function}({_list(pointers)})"]
        shared = self.shared
        head = f"ptr %workspace, ptr @{shared.panel}, i64 {shared.count}, i64 {shared.span}"
        lines = [f"  call void @share({head}, {_list(pointers)})"]
        if shared.rest is not None:
            lines.append(f"  call void @{shared.rest}({_list(pointers[:-1])})")
        return lines


def _list(pointers: Sequence[str]) -> str:
    return ", ".join(f"ptr {pointer}" for pointer in pointers)


class ArrayCode:
    """A graph written as calls of functions.

    Parameters
    ----------
    graph : Graph
        A graph that `expand` returned.
    module : CodeModule
        The functions are added to it.
    start : int
        The byte of the workspace at which the memory of this code begins.

    Raises
    ------
    Unlowerable
        If an operation cannot be computed by loops or products.

    Attributes
    ----------
    constants : list of (int, array)
        The arrays that must be in the workspace before the first call, each with its first byte.
    size : int
        The byte of the workspace at which the memory of this code ends.
    """

    def __init__(self, graph: Graph, module: CodeModule, *, start: int = 0) -> None:
        self.module = module
        self.schedule = Schedule(graph)
        self.counts = {"loops": 0, "products": 0, "bodies": 0}
        self.calls = [self._call(part) for part in self.schedule.parts if not _is_empty(part)]
        workspace = Workspace(start)
        used = [[allocation for allocation, _ in call.starts] for call in self.calls]
        # Constants keep their bytes from call to call; temporary arrays share theirs.
        constants = dict.fromkeys(b for group in used for b in group if b.role is Role.CONSTANT)
        for allocation in constants:
            workspace.keep(allocation)
        temporary = [[b for b in group if b.role is Role.TEMPORARY] for group in used]
        kept = [b for call in self.calls for b, _ in call.memory]
        for allocation in kept:
            workspace.keep(allocation)
        held = set(kept)
        workspace.share([[b for b in group if b not in held] for group in temporary])
        self.constants = [(workspace.offsets[b], np.asarray(b.content)) for b in constants]
        for call in self.calls:
            for allocation, own in call.memory:
                at = workspace.offsets[allocation]
                self.constants += [(at + start, array) for start, array in own]
        self.offsets, self.size = workspace.offsets, workspace.size

    def function(
        self,
        name: str,
        parameters: Sequence[str],
        inputs: Mapping[int, ArrayLocation],
        outputs: Mapping[int, ArrayLocation],
        *,
        first: Sequence[str] = (),
    ) -> str:
        """Return the text of a function that makes all calls; it may call parts of itself.

        Parameters
        ----------
        name : str
        parameters : sequence of str
            With their types; one of them is ``ptr %workspace``.
        inputs, outputs : mapping of int to ArrayLocation
        first : sequence of str
            Instructions that come before the calls.
        """
        groups = [
            self._body(self.calls[start : start + _MOST_CALLS], inputs, outputs)
            for start in range(0, len(self.calls), _MOST_CALLS)
        ]
        if len(groups) < 2:
            return _function(
                name, parameters, [*first, *(line for part in groups for line in part)]
            )
        names = [f"{name}.{number}" for number in range(len(groups))]
        # The whole hands its own parameters on.
        given = ", ".join(parameter.replace(" noalias", "") for parameter in parameters)
        calls = [f"  call void @{part}({given})" for part in names]
        parts = [
            _function(part, parameters, lines) for part, lines in zip(names, groups, strict=True)
        ]
        return "\n".join([*parts, _function(name, parameters, [*first, *calls])])

    def _body(
        self,
        calls: Sequence[Call],
        inputs: Mapping[int, ArrayLocation],
        outputs: Mapping[int, ArrayLocation],
    ) -> list[str]:
        """Return the instructions of some calls, in a function with a parameter ``%workspace``."""
        locations = {Role.INPUT: inputs, Role.OUTPUT: outputs}
        lines: list[str] = []
        pointers: dict[Start, str] = {}

        def pointer(start: Start) -> str:
            if start not in pointers:
                allocation, offset = start
                if allocation.role in locations:
                    location = locations[allocation.role][allocation.number]
                    base, at = (
                        location.pointer,
                        (location.offset + offset) * ENTRY_BYTES[allocation.kind],
                    )
                else:
                    at = self.offsets[allocation] + offset * ENTRY_BYTES[allocation.kind]
                    base = "%workspace"
                pointers[start] = f"%at{len(pointers)}"
                lines.append(f"  {pointers[start]} = getelementptr i8, ptr {base}, i64 {at}")
            return pointers[start]

        for call in calls:
            lines += call.write([pointer(start) for start in call.starts])
        return lines

    def describe(self) -> str:
        """Return a line for a report."""
        bodies = self.counts["bodies"]
        return (
            f"{self.counts['loops']} nests of loops, {self.counts['products']} products of "
            f"matrices, {f'{bodies} loops with bodies, ' if bodies else ''}"
            f"{self.size:,} bytes between them"
        )

    def _call(self, part: Part) -> Call:
        if isinstance(part, Multiplication):
            self.counts["products"] += 1
            return self._multiply(part)
        if isinstance(part, Turns):
            self.counts["bodies"] += 1
            return self._turn(part)
        self.counts["loops"] += 1
        if isinstance(part, RandomFill):
            return self._fill(part)
        if isinstance(part, Loops):
            return self._loop("loops", storing_nest(self.schedule, part))
        return self._loop("reduction", reduction_nest(self.schedule, part))

    def _loop(self, name: str, nest: LoopNest) -> Call:
        nest, target = contracted(nest), self.module.target
        function, starts = self.module.add_nest(name, nest)
        if is_banded(nest, target):
            starts = [*starts, (part_of(nest, target), 0)]
        return Call(function, tuple(starts))

    def _fill(self, part: RandomFill) -> Call:
        state, target = part.state, part.target
        builder = write_random_fill(
            count=target.allocation.size,
            stride=state.strides[0],
            kind=target.kind,
            target=self.module.target,
        )
        starts = [(view.allocation, view.offset) for view in (state, target)]
        return Call(self.module.add("random_fill", builder), tuple(starts))

    def _turn(self, part: Turns) -> Call:
        form = form_of(part.node)
        given = [math.prod(view.shape) * ENTRY_BYTES[view.kind] for view in part.operands]
        taken = [view.allocation.bytes for view in part.results]
        carried: list[Any] = []
        if isinstance(form, Branch):
            bodies = [self.module.add_body(side) for side in form]
            text = write_choice(bodies, given, taken)
        elif isinstance(form, Repetition):
            bodies = [self.module.add_body(form.test), self.module.add_body(form.body)]
            text = write_repetition(form, bodies[0], bodies[1], given)
            carried = list(part.results)
        else:
            bodies = [self.module.add_body(_without(form.body, gathered_carries(form)))]
            end = form.carried + form.scanned
            turns = max(form.length, 1)
            rows = [n // turns if form.carried <= i < end else n for i, n in enumerate(given)]
            parts = [n if i < form.carried else n // turns for i, n in enumerate(taken)]
            text = write_scan(form, bodies[0], rows, parts)
            carried = list(part.results[: form.carried])
        places = [
            Allocation(Role.TEMPORARY, view.kind, view.allocation.size)
            for view in carried
            for _ in range(2)
        ]
        memory = [Allocation(Role.TEMPORARY, "i8", max(body.memory, 1)) for body in bodies]
        views = (*part.operands, *part.results, part.doubt)
        starts = [(view.allocation, view.offset) for view in views]
        starts += [(allocation, 0) for allocation in (*places, *memory)]
        kept = tuple(
            (allocation, body.constants)
            for allocation, body in zip(memory, bodies, strict=True)
            if body.constants
        )
        return Call(self.module.add("turns", text), tuple(starts), memory=kept)

    def _multiply(self, part: Multiplication) -> Call:
        width = self.module.target.width(SIZES[part.target.kind])
        given = product_of(part)
        product = arranged(given, width)
        factors = (part.right, part.left) if product is not given else (part.left, part.right)
        panel = Allocation(Role.TEMPORARY, product.kind, product.panel_entries(width))
        starts = [(view.allocation, view.offset) for view in (*factors, part.target)]
        # Each thread copies panels of the right factor to a place of its own.
        shared = self.module.add_shared(product)
        if shared is not None:
            other = Allocation(Role.TEMPORARY, product.kind, panel.size)
            return Call("share", (*starts, (panel, 0), (other, 0)), shared)
        return Call(self.module.add_product(product), (*starts, (panel, 0)))


def _written(nest: LoopNest, target: Target) -> FunctionBuilder:
    """Return the function of a nest, in the order in which memory is read fastest."""
    if is_banded(nest, target):
        return write_bands(nest, target)
    if rows_abreast(nest, target) > 1:
        return write_abreast(nest, target)
    return write_loop_nest(nest, target)


def _without(body: Graph, numbers: Collection[int]) -> Graph:
    """Return a body without some of its outputs."""
    return Graph(body.inputs, [x for n, x in enumerate(body.outputs) if n not in numbers])


def _function(name: str, parameters: Sequence[str], lines: Sequence[str]) -> str:
    head = f"define internal void @{name}({', '.join(parameters)}) #0 {{"
    return "\n".join([head, *lines, "  ret void", "}"])


def product_of(part: Multiplication) -> MatrixProduct:
    """Return the sizes and strides of a product."""
    left, right, target = part.left, part.right, part.target
    outer = target.shape[:-2]
    a = left.broadcast((*outer, *left.shape[-2:]))
    b = right.broadcast((*outer, *right.shape[-2:]))
    stack = tuple(zip(outer, a.strides, b.strides, target.strides, strict=False))
    rows, columns = target.shape[-2:]
    return MatrixProduct(
        rows,
        columns,
        left.shape[-1],
        (a.strides[-2], a.strides[-1]),
        (b.strides[-2], b.strides[-1]),
        stack,
        target.kind,
    )


def _is_empty(part: Part) -> bool:
    return isinstance(part, Loops) and not any(root.is_stored for root in part.roots)
