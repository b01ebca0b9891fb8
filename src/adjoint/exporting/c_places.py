"""Places say where in memory an array's entries stand: what only moves entries costs nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..core.annotations import Array
from .c_lanes import CBlock, CLanes
from .c_literals import TYPES


@dataclass(frozen=True)
class Places:
    """An array whose entries stand somewhere in a buffer of C.

    Attributes
    ----------
    buffer : str
    kind : str
        The kind of its numbers.
    flat : array of int
        Where in the buffer each entry stands, in the array's shape.
    """

    buffer: str
    kind: str
    flat: Array

    @classmethod
    def whole(cls, buffer: str, kind: str, shape: tuple[int, ...]) -> Places:
        """Return the array that is all of a buffer, in C's order."""
        return cls(buffer, kind, np.arange(int(np.prod(shape)), dtype=np.int64).reshape(shape))


@dataclass(frozen=True)
class Variable:
    """An array of C, or a single number, which has a name.

    Attributes
    ----------
    name : str
    kind : str
        The kind of its numbers as they are stored.
    is_single : bool
    """

    name: str
    kind: str
    is_single: bool = False

    def at(self, index: int | str) -> str:
        """Return an entry."""
        return self.name if self.is_single else f"{self.name}[{index}]"

    def read(self, block: CBlock, index: int | str, kind: str) -> CLanes:
        """Return an entry in another kind of its own sort, as integers have."""
        if self.kind == kind:
            return CLanes(block, self.at(index), kind)
        return block.let(f"({TYPES[kind]}){self.at(index)}", kind)


def strides_of(flat: Array) -> tuple[int, list[int]] | None:
    """Return the first place and the step along each axis; None if the steps vary."""
    start = int(flat.flat[0])
    steps = []
    expected = np.array(start)
    for axis, size in enumerate(flat.shape):
        first = [0] * flat.ndim
        first[axis] = min(1, size - 1)
        steps.append(int(flat[tuple(first)]) - start)
        shape = [1] * flat.ndim
        shape[axis] = size
        expected = expected + (np.arange(size) * steps[-1]).reshape(shape)
    return (start, steps) if np.array_equal(np.broadcast_to(expected, flat.shape), flat) else None


def offset(start: int, terms: Sequence[tuple[str, int]]) -> str:
    """Return an index as C: the sum of the loops' counters times their steps.

    >>> offset(2, [("i", 8), ("j", 1), ("k", 0)])
    '8 * i + j + 2'
    """
    parts = [name if step == 1 else f"{step} * {name}" for name, step in terms if step]
    if start or not parts:
        parts.append(str(start))
    return " + ".join(parts).replace("+ -", "- ")
