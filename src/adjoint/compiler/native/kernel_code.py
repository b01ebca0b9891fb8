"""Kernel code is a kernel printed as one function in LLVM's language, its rows along the lanes.

A turn of the loop takes as many rows as a vector has lanes, gathered by their numbers. Totals are
kept as vectors; after the loop their lanes are added up, in a fixed order, so that results repeat
bit for bit. If the last turn has fewer rows, the other lanes compute numbers that are masked out of
totals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .formats import FORMATS, LLVM_TYPES
from .instructions import INSTRUCTIONS, converted
from .kernel import ArrayEntry, Element, Kernel, Stage
from .lanes import Block, Lanes, Names


@dataclass(frozen=True)
class ArrayLocation:
    """Where an array lies: a pointer, an offset from it, and the size of a row, both in entries."""

    pointer: str
    offset: int = 0
    row_size: int = 1


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
    """

    def __init__(
        self,
        kernel: Kernel,
        inputs: Mapping[int, ArrayLocation],
        outputs: Mapping[int, ArrayLocation],
        *,
        width: int,
        registers: int = 1,
    ) -> None:
        self.kernel, self.inputs, self.outputs, self.width = kernel, inputs, outputs, width
        self.part = width // registers
        self.names = Names()
        # Four stretches of the function: scalars before the loop, scalars spread over the lanes,
        # the loop itself, and scalars after it.
        self.before = Block(1, self.names)
        self.spread = Block(width, self.names)
        self.row = Block(width, self.names)
        self.after = Block(1, self.names)
        self.values: dict[tuple[Element, int], Lanes] = {}
        self.sums: list[tuple[Element, Lanes, Lanes]] = []
        self.masked: dict[Element, Lanes] = {}
        self.shares: dict[tuple[str, int], Lanes] = {}
        self.valid: Lanes | None = None

    def write(self, name: str, parameters: Sequence[str]) -> str:
        """Return the text of ``void name(parameters)``."""
        for element in self.kernel.at(Stage.BEFORE):
            self.values[element, Stage.BEFORE] = self._compute(element, self.before)
        numbers = self._row_numbers()
        for element in self.kernel.at(Stage.ROW):
            self.values[element, Stage.ROW] = self._row(element, numbers)
        self._accumulate()
        for element in self.kernel.at(Stage.AFTER):
            if element.operation != "total":
                self.values[element, Stage.AFTER] = self._compute(element, self.after)
        for entry, element in self.kernel.results:
            self._store(entry, element)
        return "\n".join(
            [f"define void @{name}({', '.join(parameters)}) #0 {{", *self._body(), "}"]
        )

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
        if element.stage is Stage.BEFORE and block is self.row:
            return self._in_every_lane(element)
        # An operator writes to the block of its operands.
        value = self.values[element, element.stage]
        return Lanes(block, value.text, value.kind)

    def _in_every_lane(self, element: Element) -> Lanes:
        if element.operation == "load":
            # It is loaded again at every use. A processor can spread a number over the lanes as it
            # loads it; if all parameters stayed spread in registers, most would be spilled to
            # memory.
            scalar = self._compute(element, self.row.resized(1))
            return self.row.spread(scalar.text, element.kind)
        key = (element, Stage.ROW)
        if key not in self.values:
            if element.operation == "constant":
                self.values[key] = self.row.constant(element.payload, element.kind)
            else:
                scalar = self.values[element, Stage.BEFORE]
                self.values[key] = self.spread.spread(scalar.text, element.kind)
        return self.values[key]

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

    def _store(self, entry: ArrayEntry, element: Element) -> None:
        value = self._value(element, self.after)
        pointer, kind = self._address(self.after, self.outputs, entry, element)
        self.after.lines.append(f"  store {LLVM_TYPES[kind]} {value}, ptr {pointer}")

    # --- rows -------------------------------------------------------------------------------------

    def _row_numbers(self) -> list[str]:
        """Write the loads of the numbers of this turn's rows."""
        numbers = []
        scalar = Block(1, self.names)
        for lane in range(self.width if self.kernel.at(Stage.ROW) else 0):
            at = scalar.write(f"add i64 %row, {lane}", "i64")
            pointer = self.names.fresh()
            scalar.lines.append(f"  {pointer} = getelementptr i64, ptr %order, i64 {at}")
            numbers.append(scalar.write(f"load i64, ptr {pointer}", "i64").text)
        self.row.lines += scalar.lines
        return numbers

    def _row(self, element: Element, numbers: list[str]) -> Lanes:
        if element.operation == "row_load":
            return self._gather(element, numbers)
        return self._compute(element, self.row)

    def _gather(self, element: Element, numbers: list[str]) -> Lanes:
        """Collect one entry of every row of this turn, lane by lane."""
        entry: ArrayEntry = element.payload
        location = self.inputs[entry.array]
        plain, vector = LLVM_TYPES[element.kind], self.row.type_of(element.kind)
        scalar = Block(1, self.names)
        result = "poison"
        for lane, number in enumerate(numbers):
            start = scalar.write(f"mul i64 {number}, {location.row_size}", "i64")
            at = scalar.write(f"add i64 {start}, {location.offset + entry.number}", "i64")
            pointer = self.names.fresh()
            scalar.lines.append(
                f"  {pointer} = getelementptr {plain}, ptr {location.pointer}, i64 {at}"
            )
            loaded = scalar.write(f"load {plain}, ptr {pointer}", element.kind)
            if self.width == 1:
                result = loaded.text
            else:
                insert = f"insertelement {vector} {result}, {plain} {loaded}, i32 {lane}"
                result = scalar.write(insert, element.kind).text
        self.row.lines += scalar.lines
        return Lanes(self.row, result, element.kind)

    # --- totals -----------------------------------------------------------------------------------

    def _accumulate(self) -> None:
        """Write each total: summed as a vector in the loop, then across the lanes."""
        for element in self.kernel.at(Stage.AFTER):
            if element.operation == "total":
                before = Lanes(self.row.resized(self.part), self.names.fresh(), element.kind)
                after = self._grown(element, before)
                self.sums.append((element, before, after))
                self.values[element, Stage.AFTER] = self._across(after)

    def _grown(self, element: Element, total: Lanes) -> Lanes:
        *others, last = element.args
        factors = [*(self._value(other, self.row) for other in others), self._mask(last)]
        # A total has the lanes of one register; the registers of a wider turn are added in order.
        for start in range(0, self.width, self.part):
            first, *rest = (self._share(factor, start) for factor in factors)
            total = INSTRUCTIONS["times_plus"](first, *rest, total) if rest else total + first
        return total

    def _share(self, lanes: Lanes, start: int) -> Lanes:
        """Return the part of the lanes that lies in one register."""
        key = (lanes.text, start)
        if key not in self.shares:
            self.shares[key] = lanes.part(start, self.part)
        return self.shares[key]

    def _mask(self, element: Element) -> Lanes:
        """Return an element with 0 in the lanes beyond the last row."""
        value = self._value(element, self.row)
        if self.kernel.rows % self.width == 0:
            return value
        if element not in self.masked:
            zero = value.lift(0)
            self.masked[element] = self._valid_lanes().choose(value, zero)
        return self.masked[element]

    def _valid_lanes(self) -> Lanes:
        if self.valid is None:
            first = self.row.spread("%row", "i64")
            lanes = ", ".join(f"i64 {lane}" for lane in range(self.width))
            steps = Lanes(self.row, f"<{lanes}>" if self.width > 1 else "0", "i64")
            self.valid = (first + steps).compare("<", self.kernel.rows)
        return self.valid

    def _across(self, lanes: Lanes) -> Lanes:
        """Return the sum of the lanes; halves are added to each other until one lane is left."""
        lanes = Lanes(self.after.resized(self.part), lanes.text, lanes.kind)
        while lanes.block.width > 1:
            half = lanes.block.width // 2
            lanes = lanes.part(0, half) + lanes.part(half, half)
        return lanes

    # --- the function -----------------------------------------------------------------------------

    def _body(self) -> list[str]:
        if not self.row.lines:
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
            *self.row.lines,
            f"  %following = add i64 %row, {self.width}",
            f"  %more = icmp slt i64 %following, {self.kernel.rows}",
            "  br i1 %more, label %loop, label %end",
            "end:",
            *self.after.lines,
            "  ret void",
        ]


def _nothing(kind: str) -> float:
    """Return the number that a sum begins with: 0, but -0 for floats, since -0 + 0 is 0."""
    return -0.0 if kind in FORMATS else 0
