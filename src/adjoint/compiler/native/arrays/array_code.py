"""Array code is a graph as one function of kernels: loops over arrays, and products of matrices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ....graphs.graph import Graph
from ..formats import SIZES
from ..kernel import Slot
from ..lanes import Names
from ..routine import Routine
from .contraction import contracted
from .drawing import write_drawing
from .expressions import loops_nest, reduction_nest
from .nest_code import write_nest
from .nests import ArrayNest, Start
from .parts import Loops, Multiplication, Part, RandomFill
from .products import Product, span_of, write_panel, write_product, write_rest
from .schedule import Schedule
from .views import ENTRY_BYTES, Buffer, Role
from .workspace import Workspace

# Floating-point operations of a product that is worth waking another thread for.
_SHARED_WORK = 8_000_000


@dataclass
class Module:
    """The functions of a module in LLVM's language: equal ones are one.

    Parameters
    ----------
    vector_bytes, registers : int
        Of the processor: the size of a vector register, and how many there are.
    has_team : bool
        Whether two threads share large products: the team's memory is at ``%workspace``.
    """

    vector_bytes: int
    registers: int
    has_team: bool = False
    functions: dict[str, tuple[str, Routine]] = field(default_factory=dict)
    products: dict[Product, str] = field(default_factory=dict)

    def add(self, stem: str, routine: Routine) -> str:
        """Return the name of a function of the routine's text, which begins with a stem."""
        key = routine.text("")
        if key not in self.functions:
            self.functions[key] = f"{stem}{len(self.functions)}", routine
        return self.functions[key][0]

    def add_product(self, product: Product) -> str:
        """Return the name of a product's function."""
        if product not in self.products:
            width = self.vector_bytes // SIZES[product.kind]
            routine = write_product(product, width=width, registers=self.registers)
            self.products[product] = self.add("product", routine)
        return self.products[product]

    def add_shared(self, product: Product) -> SharedProduct | None:
        """Return the functions of a product that two threads share, if it is large enough."""
        width, registers = self.vector_bytes // SIZES[product.kind], self.registers
        span = span_of(product, width=width, registers=registers)
        work = 2 * product.rows * product.columns * product.depth
        count = product.columns // span
        if not self.has_team or product.stack or count < 4 or work < _SHARED_WORK:
            return None
        panel = self.add("panel", write_panel(product, width=width, registers=registers))
        rest = write_rest(product, width=width, registers=registers)
        return SharedProduct(panel, count, span, None if rest is None else self.add("rest", rest))

    @property
    def names(self) -> list[Names]:
        """What the functions declare."""
        return [routine.names for _, routine in self.functions.values()]

    @property
    def text(self) -> str:
        """All functions."""
        return "\n".join(routine.text(name) for name, routine in self.functions.values())


@dataclass(frozen=True)
class SharedProduct:
    """The functions of a product: of one whole panel of columns, and of the columns left over."""

    panel: str
    count: int
    span: int
    rest: str | None


@dataclass(frozen=True)
class Call:
    """A kernel applied to places."""

    kernel: str
    places: tuple[Start, ...]
    shared: SharedProduct | None = None

    def write(self, pointers: Sequence[str]) -> list[str]:
        """Return the instructions, given pointers to the places."""
        if self.shared is None:
            return [f"  call void @{self.kernel}({_list(pointers)})"]
        shared = self.shared
        head = f"ptr %workspace, ptr @{shared.panel}, i64 {shared.count}, i64 {shared.span}"
        lines = [f"  call void @share({head}, {_list(pointers)})"]
        if shared.rest is not None:
            lines.append(f"  call void @{shared.rest}({_list(pointers[:-1])})")
        return lines


def _list(pointers: Sequence[str]) -> str:
    return ", ".join(f"ptr {pointer}" for pointer in pointers)


class ArrayCode:
    """A graph written as calls of kernels.

    Parameters
    ----------
    graph : Graph
        Expanded.
    module : Module
        To which the kernels are added.
    start : int
        Where in the workspace its own places begin, in bytes.

    Raises
    ------
    Unlowerable
        If an operation cannot be computed by loops or products.

    Attributes
    ----------
    constants : list of (int, array)
        What must be in the workspace, and from which byte on, before the first call.
    size : int
        Where in the workspace its places end.
    """

    def __init__(self, graph: Graph, module: Module, *, start: int = 0) -> None:
        self.module = module
        self.schedule = Schedule(graph)
        self.counts = {"loops": 0, "products": 0}
        self.calls = [self._call(part) for part in self.schedule.parts if not _is_empty(part)]
        workspace = Workspace(start)
        used = [[buffer for buffer, _ in call.places] for call in self.calls]
        constants = dict.fromkeys(b for group in used for b in group if b.role is Role.CONSTANT)
        for buffer in constants:
            workspace.keep(buffer)
        temporary = [[b for b in group if b.role is Role.TEMPORARY] for group in used]
        workspace.share(temporary)
        self.constants = [(workspace.offsets[b], np.asarray(b.content)) for b in constants]
        self.offsets, self.size = workspace.offsets, workspace.size

    def body(self, inputs: Mapping[int, Slot], outputs: Mapping[int, Slot]) -> list[str]:
        """Return the instructions of the calls; the workspace is at ``%workspace``."""
        slots = {Role.INPUT: inputs, Role.OUTPUT: outputs}
        lines: list[str] = []
        pointers: dict[Start, str] = {}

        def pointer(start: Start) -> str:
            if start not in pointers:
                buffer, offset = start
                if buffer.role in slots:
                    slot = slots[buffer.role][buffer.number]
                    base, at = slot.pointer, (slot.offset + offset) * ENTRY_BYTES[buffer.kind]
                else:
                    at = self.offsets[buffer] + offset * ENTRY_BYTES[buffer.kind]
                    base = "%workspace"
                pointers[start] = f"%at{len(pointers)}"
                lines.append(f"  {pointers[start]} = getelementptr i8, ptr {base}, i64 {at}")
            return pointers[start]

        for call in self.calls:
            lines += call.write([pointer(place) for place in call.places])
        return lines

    def describe(self) -> str:
        """Return a line for a report."""
        return (
            f"{self.counts['loops']} nests of loops, {self.counts['products']} products of "
            f"matrices, {self.size:,} bytes between them"
        )

    def _call(self, part: Part) -> Call:
        if isinstance(part, Multiplication):
            self.counts["products"] += 1
            return self._multiply(part)
        self.counts["loops"] += 1
        if isinstance(part, RandomFill):
            return self._draw(part)
        if isinstance(part, Loops):
            return self._loop("loops", loops_nest(self.schedule, part))
        return self._loop("reduction", reduction_nest(self.schedule, part))

    def _loop(self, name: str, nest: ArrayNest) -> Call:
        routine, places = write_nest(contracted(nest), self.module.vector_bytes)
        return Call(self.module.add(name, routine), tuple(places))

    def _draw(self, part: RandomFill) -> Call:
        state, target = part.state, part.target
        routine = write_drawing(count=target.buffer.size, stride=state.strides[0], kind=target.kind)
        places = [(view.buffer, view.offset) for view in (state, target)]
        return Call(self.module.add("drawing", routine), tuple(places))

    def _multiply(self, part: Multiplication) -> Call:
        product = product_of(part)
        width = self.module.vector_bytes // SIZES[product.kind]
        panel = Buffer(Role.TEMPORARY, product.kind, product.panel_entries(width))
        places = [(view.buffer, view.offset) for view in (part.left, part.right, part.target)]
        shared = self.module.add_shared(product)
        if shared is not None:
            other = Buffer(Role.TEMPORARY, product.kind, panel.size)
            return Call("share", (*places, (panel, 0), (other, 0)), shared)
        return Call(self.module.add_product(product), (*places, (panel, 0)))


def product_of(part: Multiplication) -> Product:
    """Return the sizes and strides of a product."""
    left, right, target = part.left, part.right, part.target
    outer = target.shape[:-2]
    a = left.broadcast((*outer, *left.shape[-2:]))
    b = right.broadcast((*outer, *right.shape[-2:]))
    stack = tuple(zip(outer, a.strides, b.strides, target.strides, strict=False))
    rows, columns = target.shape[-2:]
    return Product(
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
