"""Kernel code is a kernel printed as one function in LLVM's language, its rows along the lanes.

A turn of the loop takes as many rows as a vector has lanes, gathered by their numbers. Totals are
kept as vectors; after the loop their lanes are added up, in a fixed order, so that results repeat
bit for bit. If the last turn has fewer rows, the other lanes compute numbers that are masked out of
totals. If these rows fit in half of the lanes, they are a shorter turn of its own behind the loop,
whose turns then are all full and need no mask.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

from .formats import FORMATS, LLVM_TYPES, SIZES, literal
from .instructions import INSTRUCTIONS, converted
from .kernel import ArrayEntry, ArrayLocation, Element, Kernel, Stage
from .lanes import Block, Lanes, Names
from .packs import Pack, Packs, is_one
from .shuffle import DRAW
from .target import Target


class _Turn:
    """The code of one turn of the loop, and what is known in it.

    Attributes
    ----------
    row : Block
    first : str
        The number of the first row.
    rows : int or None
        Where lanes may be beyond the last row, how many rows there are.
    values : dict
        Elements in every lane.
    masked : dict
        Elements with 0 in the lanes beyond the last row.
    shares : dict
        Parts of lanes, by their text and first lane.
    """

    def __init__(self, row: Block, first: str, rows: int | None) -> None:
        self.row, self.first, self.rows = row, first, rows
        self.values: dict[Element, Lanes] = {}
        self.masked: dict[Element, Lanes] = {}
        self.shares: dict[tuple[str, int], Lanes] = {}
        self.valid: Lanes | None = None


class KernelWriter:
    """Prints one kernel.

    Parameters
    ----------
    kernel : Kernel
    inputs, outputs : mapping of int to ArrayLocation
        Where the arrays of the kernel's entries lie, by their numbers in the graph. The numbers of
        the rows are read from the array at the parameter ``%order``. It must be longer than the
        rows by the width, since the last turn reads a whole vector of them.
    width : int
        Number of lanes.
    registers : int
        How many vector registers the lanes take. With two, a processor has two independent chains
        of operations and need not wait for one of them; totals still take one register each.
    target : Target
        What the function is written for.
    draws : bool
        Whether it draws as many rows of the next epoch's order as it takes of this one's; then it
        has a parameter ``%ahead``.
    """

    def __init__(
        self,
        kernel: Kernel,
        inputs: Mapping[int, ArrayLocation],
        outputs: Mapping[int, ArrayLocation],
        *,
        width: int,
        registers: int = 1,
        target: Target,
        draws: bool = False,
    ) -> None:
        self.kernel, self.inputs, self.outputs, self.width = kernel, inputs, outputs, width
        self.part = width // registers
        left = kernel.rows % width
        self.has_short_turn = 0 < left <= self.part < width < kernel.rows
        self.loop_rows = kernel.rows - left if self.has_short_turn else kernel.rows
        self.draws = draws
        self.names = Names(target=target)
        # Four stretches of the function: scalars before the loop, scalars spread over the lanes,
        # the turns, and scalars after them.
        self.before = Block(1, self.names)
        self.spread = Block(width, self.names)
        self.turn = _Turn(
            Block(width, self.names), "%row", kernel.rows if self.loop_rows % width else None
        )
        self.after = Block(1, self.names)
        self.values: dict[Element, Lanes] = {}
        self.sums: list[tuple[Element, Lanes, Lanes]] = []
        self.packs = Packs(kernel, inputs, outputs, self.part)
        self.packed: dict[Pack, Lanes] = {}

    def write(self, name: str, parameters: Sequence[str]) -> str:
        """Return the text of ``void name(parameters)``."""
        totals = [x for x in self.kernel.at(Stage.AFTER) if x.operation == "total"]
        for element in self._needed(factor for total in totals for factor in total.args):
            self.values[element] = self._compute(element, self.before)
        starts = {x: Lanes(self._part(), self.names.fresh(), x.kind) for x in totals}
        loop, ends = self.turn, self._write_turn(starts)
        self.sums = [(x, starts[x], ends[x]) for x in totals]
        if self.has_short_turn:
            self.turn = _Turn(self._part(), str(self.loop_rows), self.kernel.rows)
            ends = self._write_turn(ends)
            self.after.lines += self.turn.row.lines
        self._write_results(ends)
        body = self._body(loop.row.lines)
        return "\n".join([f"define void @{name}({', '.join(parameters)}) #0 {{", *body, "}"])

    def _is_loaded_again(self, element: Element) -> bool:
        """Return whether an element is loaded at every use, rather than once before the loop.

        A processor can spread a number over the lanes as it loads it; if all parameters stayed in
        registers through the loop, most would be spilled to memory.
        """
        return element.operation == "load" and self.kernel.rows > 0

    def _part(self) -> Block:
        return Block(self.part, self.names)

    def _needed(self, elements: Iterable[Element]) -> list[Element]:
        """Return what has no value yet and takes one for elements, operands first.

        What a row has is no single value, and what rows add up has one after the loop.
        """
        needed: set[Element] = set()
        pending = list(elements)
        while pending:
            element = pending.pop()
            if element not in needed and element not in self.values:
                needed.add(element)
                pending.extend(() if element.operation == "total" else element.args)
        return [
            element
            for element in self.kernel.elements
            if element in needed
            and element.stage is not Stage.ROW
            and not self._is_loaded_again(element)
        ]

    # --- elements ---------------------------------------------------------------------------------

    def _compute(self, element: Element, block: Block) -> Lanes:
        if element.operation == "constant":
            return block.constant(element.payload, element.kind)
        if element.operation == "load":
            return self._load(block, self._address(block, self.inputs, element.payload, element))
        args = [self._value(arg, block) for arg in element.args]
        if element.operation == "convert":
            return converted(args[0], element.kind)
        return INSTRUCTIONS[element.operation](*args)

    def _value(self, element: Element, block: Block) -> Lanes:
        """Return an element's value as an operand of instructions in a block."""
        if block is self.turn.row:
            return self._in_every_lane(element)
        if self._is_loaded_again(element):
            return self._compute(element, block)
        # An operator writes to the block of its operands.
        value = self.values[element]
        return Lanes(block, value.text, value.kind)

    def _in_every_lane(self, element: Element) -> Lanes:
        turn = self.turn
        if element not in turn.values:
            if self._is_loaded_again(element):
                scalar = self._compute(element, turn.row.resized(1))
                turn.values[element] = turn.row.spread(scalar.text, element.kind)
            elif element.operation == "constant":
                turn.values[element] = turn.row.constant(element.payload, element.kind)
            else:
                is_loop = turn.row.width == self.width
                block = self.spread if is_loop else turn.row
                turn.values[element] = block.spread(self.values[element].text, element.kind)
        return turn.values[element]

    def _address(
        self,
        block: Block,
        locations: Mapping[int, ArrayLocation],
        entry: ArrayEntry,
        element: Element,
    ) -> tuple[str, str]:
        location = locations[entry.array]
        pointer = self.names.fresh()
        plain, at = LLVM_TYPES[element.kind], location.offset + entry.number
        block.lines.append(f"  {pointer} = getelementptr {plain}, ptr {location.pointer}, i64 {at}")
        return pointer, element.kind

    def _load(self, block: Block, address: tuple[str, str]) -> Lanes:
        pointer, kind = address
        return block.write(f"load {LLVM_TYPES[kind]}, ptr {pointer}", kind)

    # --- results ----------------------------------------------------------------------------------

    def _write_results(self, totals: Mapping[Element, Lanes]) -> None:
        """Write what comes after the loop; of each total the lanes are given."""
        singles = [element for _, element in self.packs.singles]
        for element in self._needed([*singles, *self.packs.shared]):
            if element.operation != "total":
                self.values[element] = self._compute(element, self.after)
            elif element in self.packs.totals:
                pack = self.packs.totals[element]
                self.values[element] = self._packed(pack, totals).part(pack.index(element), 1)
            else:
                self.values[element] = self._across([totals[element]])
        for entry, pack in self.packs.stores:
            self._store(entry, pack[0], self._packed(pack, totals))
        for entry, element in self.packs.singles:
            self._store(entry, element, self._value(element, self.after))

    def _store(self, entry: ArrayEntry, element: Element, value: Lanes) -> None:
        pointer, kind = self._address(self.after, self.outputs, entry, element)
        # LLVM would take it that a vector is aligned to its size.
        aligned = f", align {SIZES[kind]}" if value.block.width > 1 else ""
        self.after.lines.append(f"  store {value.typed()}, ptr {pointer}{aligned}")

    def _packed(self, pack: Pack, totals: Mapping[Element, Lanes]) -> Lanes:
        """Return elements that are computed alike, each in a lane of its own."""
        if pack not in self.packed:
            self.packed[pack] = self._compute_pack(pack, totals)
        return self.packed[pack]

    def _compute_pack(self, pack: Pack, totals: Mapping[Element, Lanes]) -> Lanes:
        first, block = pack[0], self.after.resized(len(pack))
        if first.operation == "constant":
            plain = LLVM_TYPES[first.kind]
            numbers = ", ".join(f"{plain} {literal(x.payload, x.kind)}" for x in pack)
            return Lanes(block, f"<{numbers}>", first.kind)
        if is_one(pack):
            return block.spread(self._value(first, self.after).text, first.kind)
        if first.operation == "total":
            return self._across([totals[element] for element in pack])
        if first.operation == "load":
            pointer, kind = self._address(block, self.inputs, first.payload, first)
            vector = block.type_of(kind)
            return block.write(f"load {vector}, ptr {pointer}, align {SIZES[kind]}", kind)
        parts = zip(*(element.args for element in pack), strict=True)
        args = [self._packed(part, totals) for part in parts]
        if first.operation == "convert":
            return converted(args[0], first.kind)
        return INSTRUCTIONS[first.operation](*args)

    # --- turns ------------------------------------------------------------------------------------

    def _write_turn(self, totals: Mapping[Element, Lanes]) -> dict[Element, Lanes]:
        """Write a turn, and return the totals that it begins with, grown by its rows."""
        turn = self.turn
        # Nothing waits for the loss: what it alone needs, as a logarithm, is computed beside the
        # beginning of the next turn, whose instructions wait for one another.
        rows = self.kernel.row_order(last=0)
        numbers = self._row_numbers() if rows else []
        for element in rows:
            is_entry = element.operation == "row_load"
            turn.values[element] = (
                self._gather(element, numbers) if is_entry else self._compute(element, turn.row)
            )
        grown = {element: self._grown(element, total) for element, total in totals.items()}
        if rows and self.draws:
            turn.row.lines = _with_draws(turn.row.lines, turn.row.width)
        return grown

    def _row_numbers(self) -> list[str]:
        """Write the loads of the numbers of this turn's rows."""
        numbers = []
        scalar = self.turn.row.resized(1)
        for lane in range(self.turn.row.width):
            pointer = self.names.fresh()
            place = f"ptr %order, i64 {self.turn.first}, i64 {lane}"
            scalar.lines.append(f"  {pointer} = getelementptr [1 x i64], {place}")
            numbers.append(scalar.write(f"load i64, ptr {pointer}", "i64").text)
        return numbers

    def _gather(self, element: Element, numbers: list[str]) -> Lanes:
        """Collect one entry of every row of this turn, lane by lane."""
        row, entry = self.turn.row, element.payload
        location = self.inputs[entry.array]
        plain, vector = LLVM_TYPES[element.kind], row.type_of(element.kind)
        rows, at = f"[{location.row_size} x {plain}]", location.offset + entry.number
        scalar = row.resized(1)
        result = "poison"
        for lane, number in enumerate(numbers):
            pointer = self.names.fresh()
            place = f"ptr {location.pointer}, i64 {number}, i64 {at}"
            scalar.lines.append(f"  {pointer} = getelementptr {rows}, {place}")
            loaded = scalar.write(f"load {plain}, ptr {pointer}", element.kind)
            if row.width == 1:
                result = loaded.text
            else:
                insert = f"insertelement {vector} {result}, {plain} {loaded}, i32 {lane}"
                result = scalar.write(insert, element.kind).text
        return Lanes(row, result, element.kind)

    # --- totals -----------------------------------------------------------------------------------

    def _grown(self, element: Element, total: Lanes) -> Lanes:
        total = Lanes(self.turn.row.resized(self.part), total.text, total.kind)
        *others, last = element.args
        factors = [*(self._in_every_lane(other) for other in others), self._mask(last)]
        # A total has the lanes of one register; the registers of a wider turn are added in order.
        for start in range(0, self.turn.row.width, self.part):
            first, *rest = (self._share(factor, start) for factor in factors)
            total = INSTRUCTIONS["times_plus"](first, *rest, total) if rest else total + first
        return total

    def _share(self, lanes: Lanes, start: int) -> Lanes:
        """Return the part of the lanes that lies in one register."""
        key = (lanes.text, start)
        if key not in self.turn.shares:
            self.turn.shares[key] = lanes.part(start, self.part)
        return self.turn.shares[key]

    def _mask(self, element: Element) -> Lanes:
        """Return an element with 0 in the lanes beyond the last row."""
        turn, value = self.turn, self._in_every_lane(element)
        if turn.rows is None:
            return value
        if element not in turn.masked:
            turn.masked[element] = self._valid_lanes(turn.rows).choose(value, value.lift(0))
        return turn.masked[element]

    def _valid_lanes(self, rows: int) -> Lanes:
        turn = self.turn
        if turn.valid is None:
            width = turn.row.width
            first = turn.row.spread(turn.first, "i64")
            lanes = ", ".join(f"i64 {lane}" for lane in range(width))
            steps = Lanes(turn.row, f"<{lanes}>" if width > 1 else "0", "i64")
            turn.valid = (first + steps).compare("<", rows)
        return turn.valid

    def _across(self, totals: Sequence[Lanes]) -> Lanes:
        """Return the sums of the lanes of some totals, as many as a power of two, side by side.

        Halves are added to each other until one lane of each total is left. As long as there are
        several vectors, the halves of two of them fill one.
        """
        vectors = [Lanes(self.after.resized(self.part), x.text, x.kind) for x in totals]
        size = self.part
        while size > 1:
            size //= 2
            pairs = [vectors[i : i + 2] for i in range(0, len(vectors), 2)]
            vectors = [_halves(pair, size, 0) + _halves(pair, size, size) for pair in pairs]
        return vectors[0]

    # --- the function -----------------------------------------------------------------------------

    def _body(self, turn: Sequence[str]) -> list[str]:
        if not turn:
            return ["entry:", *self.before.lines, *self.after.lines, "  ret void"]
        phis = [
            f"  {before} = phi {before.block.type_of(element.kind)} "
            f"[{before.block.constant(_nothing(element.kind), element.kind)}, %entry], "
            f"[{after}, %loop]"
            for element, before, after in self.sums
        ]
        return [
            "entry:",
            *self.before.lines,
            *self.spread.lines,
            "  br label %loop",
            "loop:",
            "  %row = phi i64 [0, %entry], [%following, %loop]",
            *phis,
            *turn,
            f"  %following = add i64 %row, {self.width}",
            f"  %more = icmp slt i64 %following, {self.loop_rows}",
            "  br i1 %more, label %loop, label %end",
            "end:",
            *self.after.lines,
            "  ret void",
        ]


def _halves(vectors: Sequence[Lanes], size: int, start: int) -> Lanes:
    """Return ``size`` lanes of every 2 · ``size`` in one or two vectors, from ``start`` on."""
    width = len(vectors) * vectors[0].block.width
    lanes = [lane for at in range(start, width, 2 * size) for lane in range(at, at + size)]
    return vectors[0].picked(lanes, vectors[1] if len(vectors) > 1 else None)


def _with_draws(lines: Sequence[str], rows: int) -> list[str]:
    """Return the lines of a turn among which rows of the next order are drawn, four at a time.

    One after another they would fill the processor's queues, and floating-point instructions would
    have to wait. At the beginning of a turn most of these wait for one another, so that the
    processor has to look far ahead for others; in the middle there is work enough.
    """
    count = max(1, rows // 4)
    first, last = (int(share * len(lines)) for share in (0.4, 0.8))
    places = [first + (last - first) * n // max(count - 1, 1) for n in range(count)]
    edges = [0, *places, len(lines)]
    parts = [lines[start:end] for start, end in pairwise(edges)]
    return [line for part in parts for line in (*part, DRAW)][:-1]


def _nothing(kind: str) -> float:
    """Return the number that a sum begins with: 0, but -0 for floats, since -0 + 0 is 0."""
    return -0.0 if kind in FORMATS else 0
