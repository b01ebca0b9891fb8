"""A product of matrices is computed in tiles of the result that fit the registers.

The sums of a tile stay in registers while a loop runs over the depth, the axis that is summed over.
Each turn adds the product of a column of the left factor, one number at a time in every lane, and a
row of the right factor, one vector at a time. A panel is as many columns of the right factor as a
tile has. It is copied to be contiguous if its rows are far apart, since each of them would lie in a
page of memory of its own, and it is transposed if its columns are contiguous. The structure is that
of Goto and van de Geijn ("Anatomy of high-performance matrix multiplication", ACM TOMS 34, 2008).
Their packing of the left factor is left out: its entries are loaded one at a time anyway.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from ..formats import LLVM_TYPES, SIZES
from ..function_builder import FunctionBuilder, Index
from ..lanes import Lanes
from ..target import Target
from .memory import LaneAddresses, load_contiguous, load_vector, store_contiguous
from .transposition import transposed

# The rows of a panel that are used at once: 1024 rows of two vectors are 128 KiB with the widest
# registers, which stay in the second-level cache while all rows of the left factor pass.
_DEPTH = 1024
# A right factor of at most this many bytes fits the first-level cache and is not copied.
_NEAR = 32 * 1024
_POINTERS = ("ptr %a", "ptr %b", "ptr noalias %c", "ptr noalias %panel")


@dataclass(frozen=True)
class MatrixProduct:
    """The sizes and strides, in entries, of a product C = A B, or of a stack of such products.

    Parameters
    ----------
    rows, columns, depth : int
        C has rows · columns entries, each a sum of ``depth`` products.
    left : (int, int)
        Strides of A along rows and depth.
    right : (int, int)
        Strides of B along depth and columns.
    stack : tuple of (int, int, int, int)
        Loops around the product: the number of turns, and the strides of A, B and C.
    kind : str
        The kind of the numbers, f32 or f64.
    is_turned : bool
        Whether C is stored column by column; its rows are then fewer than a vector has lanes.
    """

    rows: int
    columns: int
    depth: int
    left: tuple[int, int]
    right: tuple[int, int]
    stack: tuple[tuple[int, int, int, int], ...]
    kind: str
    is_turned: bool = False

    def turned(self) -> MatrixProduct:
        """Return the product C' = B' A', which stores the same C."""
        return replace(
            self,
            rows=self.columns,
            columns=self.rows,
            left=self.right[::-1],
            right=self.left[::-1],
            stack=tuple((turns, b, a, c) for turns, a, b, c in self.stack),
            is_turned=True,
        )

    def operations(self, width: int) -> int:
        """Return about how many instructions the product takes, most of them on vectors."""
        vectors = math.ceil(self.columns / width)
        found = self.rows * vectors * self.depth
        return found + self.rows * vectors * width if self.is_turned else found

    def is_copied(self, width: int) -> bool:
        """Return whether the right factor is copied, panel by panel.

        Few rows of the left factor would not earn back the time of the copy.
        """
        if self.right[1] != 1:
            return True
        reach = self.right[0] * self.depth * SIZES[self.kind]
        return reach > _NEAR and self.rows > 2 * width

    def panel_entries(self, width: int) -> int:
        """Return how many entries the copy of a panel takes, or the sums of a turned one."""
        if self.is_turned:
            return self.rows * 2 * width
        return min(self.depth, _DEPTH) * 2 * width if self.is_copied(width) else 0


def arranged(product: MatrixProduct, width: int) -> MatrixProduct:
    """Return a product, turned if its rows fill the lanes of vectors and its columns do not.

    Every entry is the same sum in the same order, so that not one bit of the result depends on it.
    """
    # Rows that are not contiguous would have to be copied for it, by code that is long to compile.
    if not 1 < product.columns < width or product.left[0] != 1:
        return product
    turned = product.turned()
    is_shorter = turned.operations(width) < 0.8 * product.operations(width)
    return turned if is_shorter else product


def tile(rows: int, columns: int, width: int, registers: int) -> tuple[int, int]:
    """Return how many rows a tile has, and how many vectors are in each of its rows.

    The sums take all registers but those of the factors: the vectors of the right factor's row and
    one number of the left. Fewer rows are taken if then fewer are left over for the last tile,
    whose registers would not be full.
    """
    vectors = min(2, math.ceil(columns / width))
    # One register for the number of the left factor, `vectors` for the row of the right, one to
    # spare.
    most = (registers - 2 - vectors) // vectors
    most = min(most, 14 if vectors == 2 else 16)
    if rows <= most:
        return rows, vectors
    fits = range(most, max(1, most // 2), -1)
    return min(fits, key=lambda size: math.ceil(rows / size) * (size + 1)), vectors


def write_product(product: MatrixProduct, target: Target) -> FunctionBuilder:
    """Return the function of a product; its parameters point to A, B, C and the copy of a panel."""
    builder = FunctionBuilder(_POINTERS, target=target)
    _TileWriter(builder, product).stacked(0, ())
    return builder


def write_panel(product: MatrixProduct, target: Target) -> FunctionBuilder:
    """Return the function of one panel; its last parameter is the number of the first column."""
    builder = FunctionBuilder([*_POINTERS, "i64 %column"], target=target)
    writer = _TileWriter(builder, product)
    writer.whole(writer.span, "%column")
    return builder


def write_rest(product: MatrixProduct, target: Target) -> FunctionBuilder | None:
    """Return the function of the columns that are left over by whole panels, if there are any."""
    builder = FunctionBuilder(_POINTERS, target=target)
    writer = _TileWriter(builder, product)
    rest = product.columns % writer.span
    if not rest:
        return None
    writer.whole(rest, product.columns - rest)
    return builder


def span_of(product: MatrixProduct, target: Target) -> int:
    """Return how many columns a whole panel has."""
    width = target.width(SIZES[product.kind])
    return tile(product.rows, product.columns, width, target.registers)[1] * width


class _TileWriter:
    """Writes a product tile by tile; a method that writes a loop has its bounds as parameters."""

    def __init__(self, builder: FunctionBuilder, product: MatrixProduct) -> None:
        target = builder.names.target
        self.builder, self.product = builder, product
        self.width = width = target.width(SIZES[product.kind])
        self.block = builder.block(width)
        self.tile_rows, self.vectors = tile(product.rows, product.columns, width, target.registers)
        self.is_copied = product.is_copied(width)
        self.span = self.vectors * width
        self.pointers = ("%a", "%b", "%c")

    def stacked(self, level: int, indices: tuple[Index, ...]) -> None:
        """Write the loops over the stack from a level on, and inside of them the product."""
        stack, kind = self.product.stack, self.product.kind
        if level < len(stack):
            with self.builder.loop(stack[level][0]) as loop:
                self.stacked(level + 1, (*indices, loop.index))
            return
        a, b, c = (
            self.builder.address(
                pointer, kind, *((i, strides[n]) for i, strides in zip(indices, stack, strict=True))
            )
            for n, pointer in enumerate(("%a", "%b", "%c"), 1)
        )
        self.pointers = a, b, c
        whole = self.product.columns // self.span * self.span
        if whole:
            with self.builder.loop(whole, self.span) as loop:
                self.whole(self.span, loop.index)
        if self.product.columns > whole:
            self.whole(self.product.columns - whole, whole)

    def whole(self, count: int, column: Index) -> None:
        """Write the product with a panel of columns, whose depth is taken in blocks."""
        depth = self.product.depth
        first = min(depth, _DEPTH)
        self.panel(0, first, column, count, True)
        blocks = depth // _DEPTH - 1
        if blocks > 0:
            with self.builder.loop(blocks * _DEPTH, _DEPTH) as loop:
                start = self.builder.entry((loop.index, 1), (_DEPTH, 1))
                self.panel(start, _DEPTH, column, count, False)
        if depth > _DEPTH and (rest := depth % _DEPTH):
            self.panel(depth - rest, rest, column, count, False)
        if self.product.is_turned:
            self.turn_out(column, count)

    def turn_out(self, column: Index, count: int) -> None:
        """Write the sums of a panel to C, whose columns are stored one after another.

        A loop over single numbers is compiled at once and is a small part of a deep product's time.
        Shuffles within registers are no faster in all, and took LLVM some 20 milliseconds more.
        """
        builder, rows, kind = self.builder, self.product.rows, self.product.kind
        c = builder.address(self.pointers[2], kind, (column, rows))
        one = builder.block(1)
        with builder.loop(count) as loop:
            for row in range(rows):
                at = builder.address("%panel", kind, (row, self.span), (loop.index, 1))
                x = load_contiguous(builder, one, kind, at)
                to = builder.address(c, kind, (loop.index, rows), (row, 1))
                store_contiguous(builder, x, to)

    def panel(self, start: Index, depth: int, column: Index, count: int, begins: bool) -> None:
        """Write the tiles of a panel, for one block of the depth."""
        vectors = math.ceil(count / self.width)
        if self.is_copied:
            self.copy(start, depth, column, count, vectors)
        rows = self.product.rows
        whole = rows // self.tile_rows * self.tile_rows
        if whole:
            with self.builder.loop(whole, self.tile_rows) as loop:
                self.sums(start, depth, loop.index, column, self.tile_rows, vectors, count, begins)
        if rows > whole:
            self.sums(start, depth, whole, column, rows - whole, vectors, count, begins)

    def copy(self, start: Index, depth: int, column: Index, count: int, vectors: int) -> None:
        """Copy a panel of the right factor row by row, filled up to whole vectors with zeros."""
        (down, across), kind, builder = self.product.right, self.product.kind, self.builder
        origin = builder.address(self.pointers[1], kind, (start, down), (column, across))
        if across == 1:
            with builder.loop(depth) as loop:
                for vector in range(vectors):
                    at = builder.address(origin, kind, (loop.index, down), (vector * self.width, 1))
                    x = load_contiguous(builder, self.block, kind, at, count - vector * self.width)
                    self.put(x, loop.index, vector, vectors)
            return
        whole = depth // self.width * self.width
        for vector in range(vectors):
            if whole:
                with builder.loop(whole, self.width) as loop:
                    self.turn(origin, loop.index, self.width, vector, count, vectors)
            if depth > whole:
                self.turn(origin, whole, depth - whole, vector, count, vectors)

    def turn(
        self, origin: str, row: Index, rows: int, vector: int, count: int, vectors: int
    ) -> None:
        """Copy a square of the right factor whose rows are not contiguous, by transposing it."""
        (down, across), kind, builder = self.product.right, self.product.kind, self.builder
        lines = []
        for lane in range(self.width):
            column = vector * self.width + lane
            # Columns beyond the last are zeros, which add nothing to a sum.
            if column >= count:
                lines.append(self.block.constant(0.0, kind))
                continue
            at = [(row, down), (column, across)]
            if down == 1:
                address = builder.address(origin, kind, *at)
                lines.append(load_contiguous(builder, self.block, kind, address, rows))
            else:
                lines.append(self.gathered(origin, at, down, rows))
        for i, line in enumerate(transposed(lines)[:rows]):
            self.put(line, builder.entry((row, 1), (i, 1)), vector, vectors)

    def gathered(self, origin: str, at: list[tuple[Index, int]], down: int, rows: int) -> Lanes:
        count = None if rows == self.width else rows
        addresses = LaneAddresses(self.builder, origin, at, down, count)
        return load_vector(addresses, self.block, self.product.kind)

    def put(self, x: Lanes, row: Index, vector: int, vectors: int) -> None:
        at = self.builder.address(
            "%panel", x.kind, (row, vectors * self.width), (vector * self.width, 1)
        )
        store_contiguous(self.builder, x, at)

    def sums(
        self,
        start: Index,
        depth: int,
        row: Index,
        column: Index,
        rows: int,
        vectors: int,
        count: int,
        begins: bool,
    ) -> None:
        """Write one tile: its sums over a block of the depth.

        The first block begins with zeros (``begins``), the others with what is in C.
        """
        builder, kind = self.builder, self.product.kind
        # Sums of a turned product are gathered behind each other first, see `turn_out`.
        if self.product.is_turned:
            c, down = builder.address("%panel", kind, (row, self.span)), self.span
        else:
            down = self.product.columns
            c = builder.address(self.pointers[2], kind, (row, down), (column, 1))
        places = [
            (builder.address(c, kind, (i, down), (v * self.width, 1)), v)
            for i in range(rows)
            for v in range(vectors)
        ]
        if begins:
            sums = [self.block.constant(0.0, kind)] * len(places)
        else:
            sums = [
                load_contiguous(builder, self.block, kind, at, count - v * self.width)
                for at, v in places
            ]
        left_down, left_along = self.product.left
        a = builder.address(self.pointers[0], kind, (row, left_down), (start, left_along))
        # The copy is contiguous, row after row; the original has its own stride.
        if self.is_copied:
            b, b_step = "%panel", vectors * self.width
        else:
            b_step = self.product.right[0]
            b = builder.address(self.pointers[1], kind, (start, b_step), (column, 1))
        # Two turns at a time halve the number of counts and branches.
        unroll = 2 if depth % 2 == 0 else 1
        with builder.loop(depth, unroll, sums) as loop:
            for turn in range(unroll):
                a_now = builder.address(a, kind, (loop.index, left_along), (turn, left_along))
                b_now = builder.address(b, kind, (loop.index, b_step), (turn, b_step))
                loop.carried = self.grown(loop.carried, a_now, b_now, rows, vectors, count)
        for total, (at, v) in zip(loop.carried, places, strict=True):
            store_contiguous(builder, total, at, count - v * self.width)

    def grown(
        self, sums: list[Lanes], a: str, b: str, rows: int, vectors: int, count: int
    ) -> list[Lanes]:
        """Add the products of one column of the left factor and one row of the right factor."""
        builder, kind, plain = self.builder, self.product.kind, LLVM_TYPES[self.product.kind]
        right = [
            load_contiguous(
                builder,
                self.block,
                kind,
                builder.address(b, kind, (vector * self.width, 1)),
                None if self.is_copied else count - vector * self.width,
            )
            for vector in range(vectors)
        ]
        # A row of the right factor is loaded once and used in all rows of the tile; each number of
        # the left factor is loaded into all lanes by one instruction. So a tile of r rows and v
        # vectors takes r + v loads for r v fused multiply-adds.
        grown = []
        for i in range(rows):
            at = builder.address(a, kind, (i, self.product.left[0]))
            number = builder.block(1).write(f"load {plain}, ptr {at}", kind)
            left = self.block.spread(number.text, kind)
            grown += [left.times_plus(right[v], sums[i * vectors + v]) for v in range(vectors)]
        return grown
