"""Loop nest code is a loop nest written as a function in LLVM's language."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from ..formats import FORMATS, SIZES
from ..function_builder import FunctionBuilder, Index
from ..instructions import INSTRUCTIONS, converted
from ..kernel import Element
from ..lanes import Block, Lanes
from ..target import Target
from .loop_nest import Access, Axis, LoopNest, loops
from .memory import LaneAddresses, load_vector, store_vector
from .strided_view import ENTRY_BYTES

# A long sum is the sum of the sums of this many vectors each. The error of a sum grows with the
# length of its chain of additions, which is here that of a chunk plus the number of chunks.
CHUNK = 64
# With fewer operations than this on each entry, a reduction would wait for its last addition; it
# then adds to several totals in turn.
LIGHT = 6
CHAINS = 4

# An array of so many bytes does not stay in the second-level cache. What comes next is asked for in
# time, since processors do so on their own only within the page of memory that they are at.
_LARGE = 512 * 1024
_LINE = 64

_IDENTITY = {
    "add": -0.0,  # 0 would turn -0 into 0
    "multiply": 1,
    "maximum": float("-inf"),
    "minimum": float("inf"),
    "logical_or": False,
    "logical_and": True,
}


def write_loop_nest(nest: LoopNest, target: Target) -> FunctionBuilder:
    """Return a nest as a function, whose parameters point to the nest's starts."""
    writer = LoopNestWriter(nest, target, *arranged(nest, target))
    writer.run(0, None)
    return writer.builder


def arranged(nest: LoopNest, target: Target) -> tuple[int, list[Axis], int | None]:
    """Return how many lanes are written, the loops, and the number of the one along the lanes."""
    width = nest.lanes(target)
    axes, lanes_axis = loops(nest, width, folds=not target.is_reproducible)
    return (1 if lanes_axis is None else width), axes, lanes_axis


@dataclass
class Position:
    """The point that is written: the loops' indices, and how many lanes are valid (None: all)."""

    indices: list[Index]
    count: int | None = None


class LoopNestWriter:
    """Writes one nest, loop by loop from the outermost; a level is the number of a loop.

    Parameters
    ----------
    nest : LoopNest
    target : Target
    width : int
        How many points are computed at once.
    axes : list of Axis
        The loops from the outermost on.
    lanes_axis : int or None
        The number of the loop along the lanes.
    """

    # How many bytes before its use an entry of a large array is asked for, where rows are long.
    ahead = 2048

    def __init__(
        self, nest: LoopNest, target: Target, width: int, axes: list[Axis], lanes_axis: int | None
    ) -> None:
        self.nest, self.width, self.axes, self.lanes_axis = nest, width, axes, lanes_axis
        accesses = nest.accesses()
        self.pointers = {start: f"%p{number}" for number, start in enumerate(nest.starts())}
        # LLVM may keep in registers what a store to a ``noalias`` pointer cannot have changed.
        # Arrays that are only read may overlap.
        written = {store.access.start for store in nest.stores}
        self.builder = FunctionBuilder(
            [
                f"ptr noalias {p}" if start in written else f"ptr {p}"
                for start, p in self.pointers.items()
            ],
            target=target,
        )
        self.strides = {
            access: tuple(axis.strides[i] for axis in self.axes)
            for i, access in enumerate(accesses)
        }
        self.values: dict[Element, Lanes] = {}
        self.spread_values: dict[Element, Lanes] = {}
        self.position = Position([])
        self.order = nest.elements()
        # The loops whose index an element depends on: those along which its loads have a stride.
        self.depends: dict[Element, frozenset[int]] = {}
        for element in self.order:
            own = frozenset().union(*(self.depends[arg] for arg in element.args))
            if isinstance(element.payload, Access):
                strides = self.strides[element.payload]
                own |= {axis for axis, stride in enumerate(strides) if stride}
            self.depends[element] = own
        # A number that is an operand of a vector is spread over the lanes where it is computed.
        results = [store.element for store in nest.stores]
        results += [] if nest.factor is None else [nest.factor]
        users = [element for element in self.order if self._is_vector(element)]
        self.met_by_vectors = {arg for user in users for arg in user.args} | set(results)
        self.first_reduced = next(
            (i for i, axis in enumerate(self.axes) if axis.is_reduced), len(self.axes)
        )

    # --- loops ------------------------------------------------------------------------------------

    def run(self, level: int, totals: list[Lanes] | None) -> list[Lanes] | None:
        """Write what is computed in a loop and in all loops inside of it; return the new totals."""
        self._compute(level)
        reducing = self.nest.operation is not None
        if reducing and level == self.first_reduced and totals is None:
            totals = self.run_reduction(level)
            self._store_totals(totals)
            return None
        if level == len(self.axes):
            if not reducing:
                self._store_all()
                return None
            assert totals is not None
            return self._grown(totals)
        axis = self.axes[level]
        if level == self.lanes_axis:
            return self._lanes(level, axis, totals)
        return self._turns(level, axis.size, 1, totals)

    def run_reduction(self, level: int) -> list[Lanes]:
        """Write the loops of a reduction, which begins with the operation's neutral number."""
        block = self.builder.block(self._total_width())
        kind = self.nest.stores[0].element.kind
        start = block.constant(identity(self.nest.operation, kind), kind)
        found = self.run(level, self._starts(start))
        assert found is not None
        return found

    def _starts(self, start: Lanes) -> list[Lanes]:
        return [start]

    def _total_width(self) -> int:
        return 1 if self.lanes_axis is None else self.width

    def _lanes(self, level: int, axis: Axis, totals: list[Lanes] | None) -> list[Lanes] | None:
        """Write the loop along the lanes: whole vectors, then one masked vector for the rest."""
        whole = axis.size // self.width * self.width
        if whole:
            totals = self._turns(level, whole, self.width, totals)
        if axis.size > whole:
            totals = self._inside(level, whole, axis.size - whole, totals)
        return totals

    def _turns(
        self, level: int, stop: int, step: int, totals: list[Lanes] | None
    ) -> list[Lanes] | None:
        """Write the turns of a loop."""
        if totals and level == len(self.axes) - 1 and not self.nest.running:
            return self._innermost(level, stop, step, totals)
        with self.builder.loop(stop, step, totals or []) as loop:
            inner = self._inside(
                level, loop.index, self.position.count, loop.carried if totals else None
            )
            if inner is not None:
                loop.carried = inner
        return loop.carried if totals else None

    def _innermost(self, level: int, stop: int, step: int, totals: list[Lanes]) -> list[Lanes]:
        """Write the innermost loop of a reduction, in chunks, each total in several chains."""
        chains = CHAINS if len(self.order) <= LIGHT and stop >= 8 * step else 1
        stride = chains * step
        even = stop // stride * stride
        chunk = CHUNK * stride
        # Whole chunks first, then what is left over in chains, then turns that are no whole stride.
        done = 0
        if even > 2 * chunk:
            done = even // chunk * chunk
            with self.builder.loop(done, chunk, totals) as outer:
                parts = self._stretch(level, outer.index, chunk, step, chains, len(totals))
                outer.carried = self._combine(outer.carried, parts)
            totals = outer.carried
        if even > done:
            parts = self._stretch(level, done, even - done, step, chains, len(totals))
            totals = self._combine(totals, parts)
        for rest in range(even, stop, step):
            inner = self._inside(level, rest, self.position.count, totals)
            assert inner is not None
            totals = inner
        return totals

    def _stretch(
        self, level: int, start: Index, length: int, step: int, chains: int, count: int
    ) -> list[list[Lanes]]:
        """Reduce a part of a loop; chains, with ``count`` totals each, take its vectors in turn."""
        kind = self.nest.stores[0].element.kind
        block = self.builder.block(self._total_width())
        nothing = block.constant(identity(self.nest.operation, kind), kind)
        with self.builder.loop(length, chains * step, [nothing] * (chains * count)) as loop:
            grown = []
            for chain in range(chains):
                at = self.builder.entry((start, 1), (loop.index, 1), (chain * step, 1))
                own = loop.carried[chain * count : (chain + 1) * count]
                found = self._inside(level, at, self.position.count, own)
                assert found is not None
                grown += found
            loop.carried = grown
        return [loop.carried[n::count] for n in range(count)]

    def _inside(
        self, level: int, index: Index, count: int | None, totals: list[Lanes] | None
    ) -> list[Lanes] | None:
        """Write the inside of a loop at one index."""
        with self._apart():
            self.position = Position([*self.position.indices, index], count)
            return self.run(level + 1, totals)

    @contextmanager
    def _apart(self) -> Iterator[None]:
        """Let no value that is written inside be used after it."""
        before = self.values, self.spread_values, self.position
        self.values, self.spread_values = self.values.copy(), self.spread_values.copy()
        yield
        self.values, self.spread_values, self.position = before

    # --- elements ---------------------------------------------------------------------------------

    def _compute(self, level: int) -> None:
        """Write the elements whose innermost loop was just entered."""
        for element in self.order:
            if not self._is_due(element, level) or element in self.values:
                continue
            self.values[element] = self._write(element)
            if element in self.met_by_vectors and not self._is_vector(element):
                # It is spread over the lanes here, since its uses are in inner loops.
                self._value(element, self.builder.block(self.width))

    def _is_due(self, element: Element, level: int) -> bool:
        return max(self.depends[element], default=-1) == level - 1

    def _is_vector(self, element: Element) -> bool:
        return self.lanes_axis in self.depends[element]

    def _write(self, element: Element) -> Lanes:
        block = self.builder.block(self.width if self._is_vector(element) else 1)
        if element.operation == "constant":
            return block.constant(element.payload, element.kind)
        if element.operation == "load":
            return self._load(element, block)
        args = [self._value(arg, block) for arg in element.args]
        if element.operation == "convert":
            return converted(args[0], element.kind)
        return INSTRUCTIONS[element.operation](*args)

    def _value(self, element: Element, block: Block) -> Lanes:
        """Return an element for use in a block, in every lane if need be."""
        if element.operation == "constant":
            return block.constant(element.payload, element.kind)
        value = self.values[element]
        if block.width == 1 or self._is_vector(element):
            return Lanes(block, value.text, value.kind)
        if element not in self.spread_values:
            self.spread_values[element] = block.spread(value.text, value.kind)
        return Lanes(block, self.spread_values[element].text, value.kind)

    def _load(self, element: Element, block: Block) -> Lanes:
        access: Access = element.payload
        addresses = self._addresses(access, element.args)
        if self._is_asked_for(access):
            stored = "i8" if element.kind == "i1" else element.kind
            self._ask(addresses, stored, self._distance(access))
        return load_vector(addresses, block, element.kind)

    def _is_asked_for(self, access: Access) -> bool:
        """Return whether a reduction passes along a large array, as fast as memory delivers it."""
        last, strides = len(self.axes) - 1, self.strides[access]
        if self.nest.operation is None or self.lanes_axis != last or strides[last] != 1:
            return False
        sizes = [axis.size for axis, n in zip(self.axes, strides, strict=True) if n]
        return math.prod(sizes) * ENTRY_BYTES[access.allocation.kind] >= _LARGE

    def _distance(self, access: Access) -> int:
        """Return how many bytes before its use an entry is asked for; never one between rows."""
        row, step = self._row_of(access)
        return step if row != step and row <= 4 * self.ahead else self.ahead

    def _row_of(self, access: Access) -> tuple[int, int]:
        """Return how many bytes are read along the lanes, and how far apart such rows are."""
        size, strides = ENTRY_BYTES[access.allocation.kind], self.strides[access]
        row = self.axes[-1].size * size
        return row, (strides[-2] * size if len(strides) > 1 and strides[-2] > 0 else row)

    def _ask(self, addresses: LaneAddresses, kind: str, distance: int) -> None:
        """Have the lines of the cache loaded that will be read some turns later."""
        name = "@llvm.prefetch.p0"
        self.builder.names.intrinsics.add(f"declare void {name}(ptr, i32, i32, i32)")
        at = addresses.address(kind)
        for line in range(0, self.width * ENTRY_BYTES[kind], _LINE):
            there = self.builder.address(at, "i8", (line + distance, 1))
            self.builder.lines.append(f"  call void {name}(ptr {there}, i32 0, i32 3, i32 1)")

    def _addresses(self, access: Access, indices: Sequence[Element]) -> LaneAddresses:
        """Return where the entries of an access lie at the present position."""
        terms = list(zip(self.position.indices, self.strides[access], strict=False))
        lanes: list[tuple[Lanes, int]] = []
        for element, scale in zip(indices, access.scales, strict=True):
            number = self.values[element]
            if self._is_vector(element) and self.width > 1:
                lanes.append((number, scale))
            else:
                terms.append((number.text, scale))
        stride = 0 if self.lanes_axis is None else self.strides[access][self.lanes_axis]
        pointer = self.pointers[access.start]
        return LaneAddresses(self.builder, pointer, terms, stride, self.position.count, lanes)

    # --- results ----------------------------------------------------------------------------------

    def _store_all(self) -> None:
        block = self.builder.block(self.width)
        for store in self.nest.stores:
            addresses = self._addresses(store.access, store.indices)
            store_vector(addresses, self._value(store.element, block), adds=store.adds)

    def _grown(self, totals: list[Lanes]) -> list[Lanes]:
        store = self.nest.stores[0]
        block = self.builder.block(self._total_width())
        value = self._value(store.element, block)
        if self._reduces_lanes() and self.position.count is not None:
            value = self._masked(value, self.position.count)
        total = Lanes(block, totals[0].text, totals[0].kind)
        if self.nest.factor is not None:
            total = self._scaled(total, self._value(self.nest.factor, block))
        grown = combined(self.nest.operation, total, value)
        if self.nest.running:
            store_vector(self._addresses(store.access, ()), grown)
        return [grown]

    def _scaled(self, total: Lanes, factor: Lanes) -> Lanes:
        """Return the total multiplied by a factor; in the first turn it is empty and stays so."""
        # The recurrence runs along the innermost loop, and its factor must not be used in the first
        # turn: 0 times an infinite factor would be NaN.
        index = self.position.indices[-1] if self.first_reduced < len(self.axes) else 0
        if isinstance(index, int):
            return total  # the loop has one turn, whose total is empty
        begun = self.builder.block(1).write(f"icmp sgt i64 {index}, 0", "i1")
        kind = total.block.type_of(total.kind)
        chosen = f"select i1 {begun}, {kind} {factor}, {kind} {total.lift(0.0)}"
        return total * total.block.write(chosen, total.kind)

    def _masked(self, value: Lanes, count: int) -> Lanes:
        bits = ", ".join(f"i1 {'true' if i < count else 'false'}" for i in range(self.width))
        valid = Lanes(value.block, f"<{bits}>", "i1")
        return valid.choose(value, identity(self.nest.operation, value.kind))

    def _combine(self, totals: list[Lanes], parts: list[list[Lanes]]) -> list[Lanes]:
        return [
            combined(self.nest.operation, total, self._joined(own))
            for total, own in zip(totals, parts, strict=True)
        ]

    def _joined(self, parts: list[Lanes]) -> Lanes:
        while len(parts) > 1:
            pairs = [
                combined(self.nest.operation, x, y)
                for x, y in zip(parts[::2], parts[1::2], strict=False)
            ]
            parts = pairs + parts[len(pairs) * 2 :]
        return parts[0]

    def _reduces_lanes(self) -> bool:
        return self.lanes_axis is not None and self.axes[self.lanes_axis].is_reduced

    def _store_totals(self, totals: list[Lanes]) -> None:
        if self.nest.running:
            return
        total = totals[0]
        if self._reduces_lanes():
            while total.block.width > 1:
                half = total.block.width // 2
                total = combined(self.nest.operation, total.part(0, half), total.part(half, half))
        if self.nest.operation == "add" and total.kind in FORMATS:
            total = total + 0.0  # NumPy's sums begin with 0, so a sum of -0 alone is 0
        store_vector(self._addresses(self.nest.stores[0].access, ()), total)


def combined(operation: str | None, x: Lanes, y: Lanes) -> Lanes:
    """Return two parts of a reduction combined."""
    assert operation is not None
    return INSTRUCTIONS[operation](x, y)


def identity(operation: str | None, kind: str) -> float:
    """Return the number that a reduction starts with, which changes no other."""
    assert operation is not None
    if kind == "i1":
        return operation in ("multiply", "minimum", "logical_and")
    if kind in FORMATS or operation == "multiply":
        return float(_IDENTITY[operation])
    greatest: int = 2 ** (8 * SIZES[kind] - 1) - 1
    return {"add": 0, "maximum": -greatest - 1, "minimum": greatest}[operation]
