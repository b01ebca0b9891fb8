"""Rows abreast are sums along several rows at once, which share what is the same for all of them.

A matrix times a vector reads the vector again for every row. If it is so long that it does not stay
in the first-level cache beside a row, it is loaded once for a few rows. Where the matrix comes from
main memory, several rows also keep more loads under way. Each sum is taken in the order in which it
is taken alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

from ..function_builder import FunctionBuilder, Index
from ..kernel import Element
from ..lanes import Lanes
from ..target import Target
from .loop_nest import Axis, LoopNest
from .loop_nest_code import CHAINS, LIGHT, LoopNestWriter, Position, arranged
from .strided_view import ENTRY_BYTES

# What is the same for all rows is read again from the second-level cache if it has more bytes.
_SHARED_BYTES = 12 * 1024
# An array of so many bytes comes from main memory.
_FAR_BYTES = 16 * 1024 * 1024
# The elements that are known in a row, and its index.
_Row = tuple[dict[Element, Lanes], dict[Element, Lanes], Index]


def rows_abreast(nest: LoopNest, target: Target) -> int:
    """Return how many rows of a nest are summed at once: one if more would not be faster."""
    width, axes, lanes = arranged(nest, target)
    if nest.operation is None or nest.running or nest.factor is not None or lanes is None:
        return 1
    if lanes != len(axes) - 1 or [axis.is_reduced for axis in axes[-2:]] != [False, True]:
        return 1
    if len(nest.elements()) > LIGHT or not _is_worth_it(nest, axes):
        return 1
    # Half of the registers hold sums.
    sums = CHAINS * width * ENTRY_BYTES[nest.stores[0].element.kind]
    count = target.registers * target.vector_bytes // (2 * sums)
    return max(1, min(count, axes[-2].size))


def _is_worth_it(nest: LoopNest, axes: list[Axis]) -> bool:
    for number, access in enumerate(nest.accesses()):
        strides = [axis.strides[number] for axis in axes]
        if strides[-1] == 0:
            continue
        sizes = [axis.size for axis, stride in zip(axes, strides, strict=True) if stride]
        bytes_read = math.prod(sizes) * ENTRY_BYTES[access.allocation.kind]
        shared_bytes = axes[-1].size * ENTRY_BYTES[access.allocation.kind]
        if bytes_read >= _FAR_BYTES or (strides[-2] == 0 and shared_bytes > _SHARED_BYTES):
            return True
    return False


def write_abreast(nest: LoopNest, target: Target) -> FunctionBuilder:
    """Return a nest of rows abreast as a function, whose parameters point to the nest's starts."""
    writer = _RowsWriter(nest, target, *arranged(nest, target))
    writer.count = rows_abreast(nest, target)
    writer.run(0, None)
    return writer.builder


class _RowsWriter(LoopNestWriter):
    """Writes sums along the last loop, for several turns of the loop before it at once."""

    ahead = 512
    count = 1

    def __init__(
        self, nest: LoopNest, target: Target, width: int, axes: list[Axis], lanes_axis: int | None
    ) -> None:
        super().__init__(nest, target, width, axes, lanes_axis)
        self.level = len(axes) - 2
        # What is known of each of the rows that are written together.
        self.rows: list[_Row] = []

    def _turns(
        self, level: int, stop: int, step: int, totals: list[Lanes] | None
    ) -> list[Lanes] | None:
        if level != self.level:
            return super()._turns(level, stop, step, totals)
        whole = stop // self.count * self.count
        with self.builder.loop(whole, self.count) as loop:
            self.together(loop.index)
        if stop > whole:
            with self.builder.loop(stop - whole) as loop:
                self._inside(level, self.builder.entry((whole, 1), (loop.index, 1)), None, None)
        return None

    def together(self, start: Index) -> None:
        """Write the sums of some rows."""
        rows = []
        for row in range(self.count):
            with self._apart():
                index = self.builder.entry((start, 1), (row, 1))
                self.position = Position([*self.position.indices, index])
                self._compute(self.level + 1)
                rows.append((self.values, self.spread_values, index))
        self.rows = rows
        self._inside(self.level, 0, None, None)
        self.rows = []

    def _starts(self, start: Lanes) -> list[Lanes]:
        return [start] * max(1, len(self.rows))

    def _is_due(self, element: Element, level: int) -> bool:
        """Return whether an element is written at a level: for several rows, if it is the same."""
        is_shared = not self.rows or self.level not in self.depends[element]
        return is_shared and super()._is_due(element, level)

    def _grown(self, totals: list[Lanes]) -> list[Lanes]:
        if not self.rows:
            return super()._grown(totals)
        grown, rows, last = [], self.rows, len(self.axes)
        for row, total in zip(rows, totals, strict=True):
            with self._row(row):
                self._compute(last)
                grown += super()._grown([total])
        return grown

    def _store_totals(self, totals: list[Lanes]) -> None:
        if not self.rows:
            super()._store_totals(totals)
            return
        for row, total in zip(self.rows, totals, strict=True):
            with self._row(row):
                super()._store_totals([total])

    @contextmanager
    def _row(self, row: _Row) -> Iterator[None]:
        """Let what is written inside be about one of the rows."""
        values, spread_values, index = row
        rows, self.rows = self.rows, []
        with self._apart():
            self.values |= values
            self.spread_values |= spread_values
            before = self.position
            indices = [*before.indices]
            indices[self.level] = index
            self.position = Position(indices, before.count)
            yield
        self.rows = rows
