"""A memory block is bytes for native code; they begin at a line of the cache."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array

_LINE = 64


class MemoryBlock:
    """Bytes at a fixed address, some of which are constants.

    Parameters
    ----------
    size : int
    constants : sequence of (int, array)
        The constants, each with its first byte.

    Attributes
    ----------
    address : int
    constants : list of (int, array)
        The constants as they lie in the block.
    """

    def __init__(self, size: int, constants: Sequence[tuple[int, Array]] = ()) -> None:
        self._bytes = aligned_zeros((size,), np.dtype(np.uint8))
        self.address = self._bytes.ctypes.data
        self.constants: list[tuple[int, Array]] = []
        for at, constant in constants:
            place = self._bytes[at : at + constant.nbytes].view(constant.dtype)
            place.reshape(constant.shape)[...] = constant
            self.constants.append((at, place.reshape(constant.shape)))

    def integers(self, start: int) -> Array:
        """Return the bytes from ``start`` on as integers of 64 bits, which may be written to."""
        rest = (len(self._bytes) - start) // 8 * 8
        return self._bytes[start : start + rest].view(np.int64)


def aligned_zeros(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return zeros that begin at a line of the cache."""
    size = math.prod(shape) * dtype.itemsize
    memory = np.zeros(size + _LINE, np.uint8)
    start = -memory.ctypes.data % _LINE
    return memory[start : start + size].view(dtype).reshape(shape)
