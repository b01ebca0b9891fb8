"""Loops of C over arrays, and the arrays that they read and write."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..compiler.native.entries import kind_of
from ..compiler.native.lanes import Lanes, Names
from ..compiler.native.unlowerable import Unlowerable
from ..core.annotations import Array
from .c_lanes import CBlock, Functions, inlined
from .c_literals import SIZES, TYPES, constant_array
from .c_places import Places, offset, strides_of
from .identifiers import identifier
from .refusal import ExportError

_OURS = re.compile(
    r"[vwitxysu]\d*|sum|best|at|step|entry|golden_\w*|own|now|next|rows|lane|total|part|batch\d+"
)
# The stack of a program would be more than this.
_MOST_BYTES = 1 << 26


class Loops:
    """Loops, which grow line by line, and their arrays.

    Parameters
    ----------
    prefix : str
        What the names of functions begin with.
    beside : Loops, optional
        Loops of the same file, with which these share functions and constant arrays.

    Attributes
    ----------
    tables : list of str
        The definitions of its constant arrays.
    buffers : dict of str to (str, int)
        The kind and the size of each array that is written on the way.
    lines : list of str
        The loops.
    """

    def __init__(self, prefix: str, beside: Loops | None = None) -> None:
        self.functions: Functions = Functions(prefix) if beside is None else beside.functions
        self.names = Names()
        self.tables: list[str] = [] if beside is None else beside.tables
        self.table_sizes: list[int] = [] if beside is None else beside.table_sizes
        self.buffers: dict[str, tuple[str, int]] = {}
        self.lines: list[str] = []
        self.depth = 0
        self.taken: set[str] = {prefix} if beside is None else beside.taken

    @property
    def table_bytes(self) -> int:
        """How many bytes the constant arrays of the file take."""
        return sum(self.table_sizes)

    def table(self, path: str, array: Array) -> Places:
        """Return a constant array of the file."""
        kind = kind_in_c(array.dtype)
        name = identifier(path, self.taken, default="weight")
        if _OURS.fullmatch(name) or name.startswith(f"{self.functions.prefix}_"):
            name = identifier(f"p_{name}", self.taken)
        self.taken.add(name)
        if array.size:
            self.tables.append(constant_array(name, path, array, kind))
        self.table_sizes.append(array.size * SIZES[kind])
        return Places.whole(name, kind, array.shape)

    def block(self) -> CBlock:
        """Return an empty block."""
        return CBlock(self.names, self.functions)

    def put(self, block: CBlock, *last: str) -> None:
        """Add a block's lines."""
        self.lines += inlined([*block.lines, *last])

    def kept(self, block: CBlock, text: str, kind: str) -> str:
        """Give an expression a name that stands in other lines than the block's, too."""
        self.names.count += 1
        name = f"u{self.names.count}"
        block.lines.append(f"const {TYPES[kind]} {name} = {text};")
        return name

    @contextmanager
    def loops(self, shape: Sequence[int]) -> Iterator[list[str]]:
        """Open a loop for each axis; gives their counters, "0" where an axis has one entry."""
        counters, opened = [], 0
        for size in shape:
            counters.append("0" if size == 1 else f"i{self.depth}")
            if size != 1:
                name = counters[-1]
                self.lines.append(f"for (int {name} = 0; {name} < {size}; {name}++) {{")
                self.depth += 1
                opened += 1
        yield counters
        self.lines += ["}"] * opened
        self.depth -= opened

    def buffer(self, kind: str, shape: Sequence[int]) -> Places:
        """Return a new array for results."""
        name = f"t{len(self.buffers)}"
        self.buffers[name] = kind, max(int(np.prod(shape)), 1)
        if sum(SIZES[k] * n for k, n in self.buffers.values()) > _MOST_BYTES:
            raise ExportError(f"C99: more than {_MOST_BYTES >> 20} MiB of memory on the stack")
        return Places.whole(name, kind, tuple(shape))

    def at(self, name: str, shape: Sequence[int], counters: Sequence[str]) -> str:
        """Return an entry of a whole array."""
        steps, step = [], 1
        for size in reversed(shape):
            steps.append(step)
            step *= size
        return f"{name}[{_offset(0, counters, steps[::-1])}]"

    def read(
        self, block: CBlock, x: Places, counters: Sequence[str], shape: Sequence[int]
    ) -> Lanes:
        """Return an entry of an array that is broadcast to a shape."""
        own = counters[len(shape) - x.flat.ndim :]
        own = ["0" if n == 1 else c for n, c in zip(x.flat.shape, own, strict=True)]
        found = strides_of(x.flat)
        if found is not None:
            return block.let(f"{x.buffer}[{_offset(found[0], own, found[1])}]", x.kind)
        table = self.table("places", x.flat.astype(np.int32))
        return block.let(f"{x.buffer}[{self.at(table.buffer, x.flat.shape, own)}]", x.kind)


def _offset(start: int, counters: Sequence[str], steps: Sequence[int]) -> str:
    return offset(start, [(c, s) for c, s in zip(counters, steps, strict=True) if c != "0"])


def kind_in_c(dtype: Any) -> str:
    """Return the kind of numbers of a dtype."""
    try:
        return kind_of(np.dtype(dtype))
    except Unlowerable:
        raise ExportError(f"C99 has no numbers of dtype {dtype}") from None
