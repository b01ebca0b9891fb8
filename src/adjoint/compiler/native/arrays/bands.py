"""Bands are how sums along the rows of an array are taken: a few whole rows at a time.

The lanes lie along the rows, and each column has a sum of its own. A loop down the columns would
read a few neighbouring entries of every row, each of them from another page of memory. A band is
some eight rows that are added up at once, all along, so that memory is read in the order in which
it lies; the sums are kept where they stay in the first-level cache. What belongs to a whole row, as
the entry of a vector by which a matrix is multiplied, is loaded once for the row.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Iterator

from ..formats import FORMATS, SIZES
from ..function_builder import FunctionBuilder, Index
from ..kernel import Element
from ..lanes import Lanes
from ..target import Target
from .loop_nest import Access, Axis, LoopNest, loops
from .loop_nest_code import CHUNK, LIGHT, LoopNestWriter, Position, combined, identity
from .memory import load_contiguous, load_vector, store_contiguous, store_vector
from .strided_view import Allocation, Role

# More rows would fall on the same sets of the cache if their length is a power of two.
_ROWS = 8
# The elements that are known at a position, and the position.
_Values = tuple[dict[Element, Lanes], dict[Element, Lanes], Position]

# The sums of so many bytes are kept between bands: half of the smallest first-level cache.
_PART_BYTES = 16 * 1024
_PART = "%part"


def is_banded(nest: LoopNest, target: Target) -> bool:
    """Return whether a nest sums rows that are long enough to be taken in bands.

    Rows of one vector are summed in registers. A reproducible sum has its order, which is another.
    """
    found = _rows_of(nest, target)
    if found is None or target.is_reproducible:
        return False
    axes, width = found
    rows, lanes = axes[-2:]
    is_large = rows.size >= _ROWS and lanes.size > width
    return is_large and len(nest.elements()) <= LIGHT and _is_read_in_order(nest, axes)


def part_of(nest: LoopNest, target: Target) -> Allocation:
    """Return memory for the sums that a banded nest keeps between bands."""
    found = _rows_of(nest, target)
    assert found is not None
    axes, width = found
    kind = nest.stores[0].element.kind
    return Allocation(Role.TEMPORARY, kind, _span(axes[-1].size, width, SIZES[kind]))


def write_bands(nest: LoopNest, target: Target) -> FunctionBuilder:
    """Return a nest that is banded as a function.

    Its parameters point to the nest's starts, and to the memory of `part_of`.
    """
    found = _rows_of(nest, target)
    assert found is not None
    axes, width = found
    writer = _BandWriter(nest, target, width, axes, len(axes) - 1)
    writer.builder.parameters = [*writer.builder.parameters, f"ptr noalias {_PART}"]
    writer.run(0, None)
    return writer.builder


def _rows_of(nest: LoopNest, target: Target) -> tuple[list[Axis], int] | None:
    """Return the loops, the last two over rows and along them, and the width of a vector."""
    kind = nest.stores[0].element.kind
    if nest.operation is None or nest.running or nest.factor is not None or kind not in FORMATS:
        return None
    width = target.width(SIZES[kind])
    axes, lanes = loops(nest, width, folds=True)
    if width == 1 or lanes is None or lanes != len(axes) - 2 or axes[lanes].is_reduced:
        return None
    return [*axes[:lanes], axes[-1], axes[lanes]], width


def _is_read_in_order(nest: LoopNest, axes: list[Axis]) -> bool:
    """Return whether vectors are contiguous, and only loads are done again for each band."""
    accesses = nest.accesses()
    of_access = {access: number for number, access in enumerate(accesses)}
    depends: dict[Element, tuple[bool, bool]] = {}  # on the rows, on the lanes
    for element in nest.elements():
        if isinstance(element.payload, Access):
            down, along = (axis.strides[of_access[element.payload]] for axis in axes[-2:])
            if along not in (0, 1) or element.args:
                return False
            depends[element] = down != 0, along != 0
            continue
        own = [depends[arg] for arg in element.args]
        depends[element] = any(rows for rows, _ in own), any(lanes for _, lanes in own)
        if depends[element] == (False, True):
            return False
    return all(store.access.scales == () for store in nest.stores)


class _BandWriter(LoopNestWriter):
    """Writes a reduction in bands; the last two loops run over the rows and along them."""

    ahead = 512

    def _distance(self, access: Access) -> int:
        row, step = self._row_of(access)
        return _ROWS * step if row < 4 * self.ahead else self.ahead

    def run_reduction(self, level: int) -> list[Lanes]:
        """Write the loops over rows and along them, and the stores, panel by panel."""
        self.level, columns = level, self.axes[-1].size
        self.block = self.builder.block(self.width)
        kind = self.kind = self.nest.stores[0].element.kind
        span = _span(columns, self.width, SIZES[kind])
        whole = (columns - 1) // span * span
        if whole:
            with self.builder.loop(whole, span) as loop:
                self.panel(loop.index, span)
        self.panel(whole, columns - whole)
        return []

    def _store_totals(self, totals: list[Lanes]) -> None:
        """Write nothing: every panel has stored its own."""

    def panel(self, column: Index, columns: int) -> None:
        """Write the sums of some columns; long sums are the sums of those of chunks."""
        rows, chunk = self.axes[self.level].size, _ROWS * CHUNK
        first = rows if rows <= 2 * chunk else chunk
        self.chunk(0, first, column, columns)
        self.store(column, columns, begins=True)
        if further := (rows - first) // chunk * chunk:
            with self.builder.loop(further, chunk) as loop:
                start = self.builder.entry((loop.index, 1), (first, 1))
                self.chunk(start, chunk, column, columns)
                self.store(column, columns, begins=False)
        if rest := rows - first - further:
            self.chunk(rows - rest, rest, column, columns)
            self.store(column, columns, begins=False)

    def chunk(self, start: Index, rows: int, column: Index, columns: int) -> None:
        """Write the sums of some rows, band by band."""
        nothing = self.block.constant(identity(self.nest.operation, self.kind), self.kind)
        with self.builder.loop(columns, self.width) as loop:
            store_contiguous(self.builder, nothing, self.place(loop.index))
        # As many bands as there must be, all but the last of the same number of rows.
        height = math.ceil(rows / math.ceil(rows / _ROWS))
        whole = rows // height * height
        with self.builder.loop(whole, height) as loop:
            first = self.builder.entry((start, 1), (loop.index, 1))
            self.band(first, height, column, columns)
        if rows > whole:
            first = self.builder.entry((start, 1), (whole, 1))
            self.band(first, rows - whole, column, columns)

    def band(self, start: Index, rows: int, column: Index, columns: int) -> None:
        """Write one band: first what belongs to a whole row, then the columns."""
        heads = []
        for row in range(rows):
            with self._apart():
                index = self.builder.entry((start, 1), (row, 1))
                self.position = Position([*self.position.indices, index])
                self._compute(self.level + 1)
                heads.append((self.values, self.spread_values, self.position))
        for at, count in self.vectors(columns):
            place = self.place(at)
            here = self.builder.entry((column, 1), (at, 1))
            # Two chains are added up side by side.
            chains = [self.value(head, here, count) for head in heads[:2]]
            for row, head in enumerate(heads[2:]):
                value = self.value(head, here, count)
                chains[row % 2] = self.combined(chains[row % 2], value)
            total = load_contiguous(self.builder, self.block, self.kind, place)
            total = self.combined(total, functools.reduce(self.combined, chains))
            store_contiguous(self.builder, total, place)

    def value(self, head: _Values, column: Index, count: int | None) -> Lanes:
        """Write what one row adds to a vector of sums."""
        with self._apart():
            values, spread_values, position = head
            self.values, self.spread_values = values.copy(), spread_values.copy()
            self.position = Position([*position.indices, column], count)
            self._compute(self.level + 2)
            return self._value(self.nest.stores[0].element, self.block)

    def store(self, column: Index, columns: int, *, begins: bool) -> None:
        """Store the sums of a chunk, or add them to those of the chunks before."""
        for at, count in self.vectors(columns):
            total = load_contiguous(self.builder, self.block, self.kind, self.place(at))
            here = self.builder.entry((column, 1), (at, 1))
            with self._apart():
                self.position = Position([*self.position.indices, 0, here], count)
                addresses = self._addresses(self.nest.stores[0].access, ())
                if not begins:
                    total = self.combined(load_vector(addresses, self.block, self.kind), total)
                elif self.nest.operation == "add":
                    total = total + 0.0  # as in other sums
                store_vector(addresses, total)

    def vectors(self, columns: int) -> Iterator[tuple[Index, int | None]]:
        """Write a loop over the vectors of a panel; the last of them may have fewer entries."""
        whole = columns // self.width * self.width
        if whole:
            with self.builder.loop(whole, self.width) as loop:
                yield loop.index, None
        if columns > whole:
            yield whole, columns - whole

    def place(self, at: Index) -> str:
        """Return where the sums of a vector of columns are kept between bands."""
        return self.builder.address(_PART, self.kind, (at, 1))

    def combined(self, x: Lanes, y: Lanes) -> Lanes:
        return combined(self.nest.operation, x, y)


def _span(columns: int, width: int, size: int) -> int:
    """Return how many columns a panel has: about as many as all others."""
    vectors = math.ceil(columns / width)
    panels = math.ceil(vectors * width * size / _PART_BYTES)
    return math.ceil(vectors / panels) * width
