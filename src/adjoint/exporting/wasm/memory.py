"""Memory is where the arrays of a module lie, which is known before it runs."""

from __future__ import annotations

from ...core.annotations import Array
from .linker import STACK

_LINE = 64


class Memory:
    """Addresses given out one after another, each at the beginning of a line of the cache.

    Attributes
    ----------
    blocks : dict of int to bytes
        What the memory holds from an address on, where it is not 0.
    end : int
        The first address that is free.
    """

    def __init__(self) -> None:
        self.blocks: dict[int, bytes] = {}
        self.end = STACK

    def place(self, size: int, content: bytes = b"") -> int:
        """Return the address of so many bytes, which begin with some content."""
        at = self.end
        self.end = -(-(at + max(size, 1)) // _LINE) * _LINE
        if content:
            self.blocks[at] = content
        return at

    def array(self, array: Array) -> int:
        """Return the address of an array."""
        return self.place(array.nbytes, array.tobytes())

    def workspace(self, size: int, constants: tuple[tuple[int, Array], ...]) -> int:
        """Return the address of a workspace with its constants."""
        start = self.place(size)
        self.blocks |= {start + at: array.tobytes() for at, array in constants}
        return start
