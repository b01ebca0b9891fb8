"""A workspace is the memory between the parts of a schedule: planned once, used at every call."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .strided_view import Allocation

# In bytes: the widest vector register, and a line of the cache, have 64.
ALIGNMENT = 64


class Workspace:
    """The positions of allocations in one piece of memory.

    Parameters
    ----------
    start : int
        Bytes at its beginning that are used for something else.

    Attributes
    ----------
    offsets : dict of Allocation to int
        The byte at which each begins.
    size : int
        How many bytes it has in all.
    """

    def __init__(self, start: int = 0) -> None:
        self.offsets: dict[Allocation, int] = {}
        self.size = aligned(start)

    def keep(self, allocation: Allocation) -> None:
        """Give an allocation bytes that no other uses, as constants need between calls."""
        self.offsets[allocation] = self.size
        self.size += aligned(allocation.bytes)

    def share(self, used: Sequence[Iterable[Allocation]]) -> None:
        """Let allocations share bytes if they are never in use at the same time.

        Parameters
        ----------
        used : sequence of iterable of Allocation
            The allocations that each part reads or writes, in the order of the parts. An
            allocation is in use from the first part that names it to the last.
        """
        spans: dict[Allocation, tuple[int, int]] = {}
        for number, allocations in enumerate(used):
            for allocation in allocations:
                first, _ = spans.get(allocation, (number, number))
                spans[allocation] = first, number
        floor, taken = self.size, dict[Allocation, tuple[int, int]]()
        # First fit with the largest first: small allocations then fill the gaps that are left.
        for allocation in sorted(spans, key=lambda b: -b.bytes):
            size = aligned(allocation.bytes)
            first, last = spans[allocation]
            others = sorted(
                place
                for other, place in taken.items()
                if spans[other][0] <= last and first <= spans[other][1]
            )
            at = floor
            for start, stop in others:
                if start - at >= size:
                    break
                at = max(at, stop)
            taken[allocation] = at, at + size
            self.offsets[allocation] = at
            self.size = max(self.size, at + size)


def aligned(count: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-count // ALIGNMENT) * ALIGNMENT
