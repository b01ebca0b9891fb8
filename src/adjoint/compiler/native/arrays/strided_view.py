"""A view is an array in memory: which allocation it lies in, from where on, and how far apart."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ..entries import kind_of

Array = np.ndarray[Any, Any]
# How many bytes an entry takes in memory: a truth value one, as in NumPy.
ENTRY_BYTES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4, "i8": 1, "i1": 1}


class Role(Enum):
    """Whose memory a allocation is."""

    INPUT = "input"
    OUTPUT = "output"
    CONSTANT = "constant"
    TEMPORARY = "temporary"


@dataclass(frozen=True, eq=False)
class Allocation:
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
class StridedView:
    """An array laid over a allocation; offset and strides count entries."""

    allocation: Allocation
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @classmethod
    def of(cls, allocation: Allocation, shape: tuple[int, ...]) -> StridedView:
        """Return the whole allocation as an array, its rows one after another."""
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return cls(allocation, shape, tuple(strides))

    @property
    def kind(self) -> str:
        """What kind of numbers the entries are."""
        return self.allocation.kind

    def moved(self, move: Callable[[Array], Any]) -> StridedView | None:
        """Return what NumPy makes of it, if that is the same memory, seen in another way.

        ``move`` is applied to an array of bytes that is laid out like this view.
        """
        # Never read unless ``move`` copies, and then not used.
        memory = np.empty(max(1, self.allocation.size), np.int8)
        here = np.lib.stride_tricks.as_strided(memory[self.offset :], self.shape, self.strides)
        there = move(here)
        if not isinstance(there, np.ndarray) or not np.may_share_memory(memory, there):
            return None
        offset = there.ctypes.data - memory.ctypes.data
        return StridedView(self.allocation, there.shape, there.strides, offset)

    def broadcast(self, shape: tuple[int, ...]) -> StridedView:
        """Return it repeated to a larger shape."""
        missing = len(shape) - len(self.shape)
        strides = [
            0 if own == 1 != size else stride
            for own, size, stride in zip(self.shape, shape[missing:], self.strides, strict=True)
        ]
        return StridedView(self.allocation, shape, (*[0] * missing, *strides), self.offset)


def constant_view(array: Any) -> StridedView:
    """Return a constant array in a allocation of its own."""
    content = np.ascontiguousarray(array)
    allocation = Allocation(Role.CONSTANT, kind_of(content.dtype), content.size, content=content)
    return StridedView.of(allocation, np.shape(array))
