"""A strided view is an array in memory: its allocation, its first entry, and its strides."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import numpy as np

from ....core.annotations import Array
from ..entries import kind_of

# The bytes of one entry in memory. A truth value takes a whole byte, as in NumPy, though it is one
# bit (`i1`) in a register.
ENTRY_BYTES = {"f64": 8, "f32": 4, "i64": 8, "i32": 4, "i8": 1, "i1": 1}


class Role(Enum):
    """Who owns the memory of an allocation."""

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
        How many entries it has.
    number : int
        The number of the graph's input or output that lies in it, otherwise -1.
    content : array, optional
        The entries, if it is a constant.
    """

    role: Role
    kind: str
    size: int
    number: int = -1
    content: Array | None = None

    @property
    def bytes(self) -> int:
        """The size in bytes."""
        return self.size * ENTRY_BYTES[self.kind]


@dataclass(frozen=True)
class StridedView:
    """An array laid over an allocation; offset and strides count entries, not bytes."""

    allocation: Allocation
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    offset: int = 0

    @classmethod
    def of(cls, allocation: Allocation, shape: tuple[int, ...]) -> StridedView:
        """Return the whole allocation as an array in row-major order."""
        strides = [math.prod(shape[axis + 1 :]) for axis in range(len(shape))]
        return cls(allocation, shape, tuple(strides))

    @property
    def kind(self) -> str:
        """What kind of numbers the entries are."""
        return self.allocation.kind

    def moved(self, move: Callable[[Array], Any]) -> StridedView | None:
        """Return the view that ``move`` makes of this one, or None if NumPy has to copy for it.

        NumPy itself decides: ``move`` is applied to an array of bytes that is laid out like this
        view, and offset and strides are read off the result.
        """
        # Only the addresses matter: the bytes are read by a ``move`` that copies, and its result is
        # thrown away.
        memory = np.empty(max(1, self.allocation.size), np.int8)
        here = np.lib.stride_tricks.as_strided(memory[self.offset :], self.shape, self.strides)
        there = move(here)
        if not isinstance(there, np.ndarray) or not np.may_share_memory(memory, there):
            return None
        # Entries are bytes here, so that NumPy's strides and addresses count entries.
        offset = there.ctypes.data - memory.ctypes.data
        return StridedView(self.allocation, there.shape, there.strides, offset)

    def broadcast(self, shape: tuple[int, ...]) -> StridedView:
        """Return this view repeated to a larger shape, by strides of 0."""
        missing = len(shape) - len(self.shape)
        strides = [
            0 if own == 1 != size else stride
            for own, size, stride in zip(self.shape, shape[missing:], self.strides, strict=True)
        ]
        return StridedView(self.allocation, shape, (*[0] * missing, *strides), self.offset)


def constant_view(array: Any) -> StridedView:
    """Return a constant array in an allocation of its own."""
    content = np.asarray(array)  # in any layout: it is copied into the workspace, entry by entry
    allocation = Allocation(Role.CONSTANT, kind_of(content.dtype), content.size, content=content)
    return StridedView.of(allocation, np.shape(array))
