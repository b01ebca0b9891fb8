"""A view is an array in memory: which buffer it lies in, from where on, and how far apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ....core.annotations import Array
from ..entries import kind_of

# How many bytes an entry takes in memory: a truth value one, as in NumPy.
ENTRY_BYTES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4, "i8": 1, "i1": 1}


class Role(Enum):
    """Whose memory a buffer is."""

    INPUT = "input"
    OUTPUT = "output"
    CONSTANT = "constant"
    TEMPORARY = "temporary"


@dataclass(frozen=True, eq=False)
class Buffer:
    """Contiguous memory for entries of one kind.

    Parameters
    ----------
    role : Role
    kind : str
    size : int
        How many entries.
    number : int
        Which input or output it is of the graph.
    content : array, optional
        Of a constant.
    """

    role: Role
    kind: str
    size: int
    number: int = -1
    content: Array | None = None

    @property
    def bytes(self) -> int:
        """How many bytes it takes."""
        return self.size * ENTRY_BYTES[self.kind]


@dataclass(frozen=True)
class View:
    """An array laid over a buffer; offset and strides count entries."""

    buffer: Buffer
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @classmethod
    def of(cls, buffer: Buffer, shape: tuple[int, ...]) -> View:
        """Return the whole buffer as an array, its rows one after another."""
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return cls(buffer, shape, tuple(strides))

    @property
    def kind(self) -> str:
        """What kind of numbers the entries are."""
        return self.buffer.kind

    def moved(self, move: Callable[[Array], Any]) -> View | None:
        """Return what NumPy makes of it, if that is the same memory, seen in another way.

        ``move`` is applied to an array of bytes that is laid out like this view.
        """
        # Never read unless ``move`` copies, and then not used.
        memory = np.empty(max(1, self.buffer.size), np.int8)
        here = np.lib.stride_tricks.as_strided(memory[self.offset :], self.shape, self.strides)
        there = move(here)
        if not isinstance(there, np.ndarray) or not np.may_share_memory(memory, there):
            return None
        offset = there.ctypes.data - memory.ctypes.data
        return View(self.buffer, there.shape, there.strides, offset)

    def broadcast(self, shape: tuple[int, ...]) -> View:
        """Return it repeated to a larger shape."""
        missing = len(shape) - len(self.shape)
        strides = [
            0 if own == 1 != size else stride
            for own, size, stride in zip(self.shape, shape[missing:], self.strides, strict=True)
        ]
        return View(self.buffer, shape, (*[0] * missing, *strides), self.offset)


def constant_view(array: Any) -> View:
    """Return a constant array in a buffer of its own."""
    content = np.ascontiguousarray(array)
    buffer = Buffer(Role.CONSTANT, kind_of(content.dtype), content.size, content=content)
    return View.of(buffer, np.shape(array))
