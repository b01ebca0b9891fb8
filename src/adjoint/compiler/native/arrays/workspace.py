"""A workspace is the memory between the parts of a schedule: planned once, used at every call."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from itertools import groupby

import numpy as np

from .free_times import FreeTimes
from .strided_view import Allocation

# In bytes: the widest vector register, and a line of the cache, have 64.
ALIGNMENT = 64
# So many places are held against another in NumPy in the time that `FreeTimes` needs for one.
_AT_ONCE = 2_500


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
        places = _Places(self.size, len(spans))
        # First fit with the largest first: small allocations then fill the gaps that are left.
        largest_first = sorted(spans, key=lambda b: -b.bytes)
        for size, group in groupby(largest_first, key=lambda b: b.bytes):
            equals = list(group)
            found = places.take_all(aligned(size), [spans[b] for b in equals])
            self.offsets.update(zip(equals, found, strict=True))
        self.size = places.end


class _Places:
    """Places that are taken, in the order of their bytes, and from which part to which.

    They are rows of arrays, so that another is quickly held against all of them. An unrolled loop
    has thousands of one size, for which a tree is faster.

    Parameters
    ----------
    floor : int
        The first byte.
    most : int
        How many places there will be.

    Attributes
    ----------
    end : int
        The byte at which the last of them ends.
    """

    def __init__(self, floor: int, most: int) -> None:
        self.floor = self.end = floor
        self._count = 0
        # The rows are where each place begins and ends, in bytes, and its first and last part.
        self._rows = np.zeros((4, most), np.int64)

    def take_all(self, size: int, spans: Sequence[tuple[int, int]]) -> list[int]:
        """Return the first bytes of places of one size, each taken before the next is looked for.

        Parameters
        ----------
        size : int
        spans : sequence of (int, int)
            From which part to which each is in use, ordered by the first of them.
        """
        count = self._count + len(spans)
        if size and len(spans) * count > _AT_ONCE * (count + len(spans)):
            return self._take_by_tree(size, spans)
        return [self.take(size, first, last) for first, last in spans]

    def take(self, size: int, first: int, last: int) -> int:
        """Return the first byte of so many that are free from one part to another."""
        start, stop, begun, ended = self._rows[:, : self._count]
        others = np.flatnonzero((begun <= last) & (first <= ended))
        # Before each of them all up to the greatest end so far is used, and after the last one.
        free_from = np.maximum.accumulate(np.concatenate([[self.floor], stop[others]]))
        gaps = np.flatnonzero(start[others] - free_from[:-1] >= size)
        at = int(free_from[gaps[0]] if gaps.size else free_from[-1])
        self._insert(at, at + size, first, last)
        self.end = max(self.end, at + size)
        return at

    def _take_by_tree(self, size: int, spans: Sequence[tuple[int, int]]) -> list[int]:
        """Do as `take_all` says in time that grows as n log n with all places there are."""
        rows = self._rows[:, : self._count]
        # All places begin and end at multiples of a unit, which are the numbers of the tree.
        unit = math.gcd(size, *(rows[:2] - self.floor).ravel().tolist())
        width = size // unit
        free = FreeTimes((self.end - self.floor) // unit + width * len(spans) + 1)

        def take(start: int, stop: int, first: int, last: int) -> None:
            # What begins less than its width before a place would reach into it.
            low = (start - self.floor) // unit - width + 1
            free.take(max(low, 0), (stop - self.floor) // unit, first, last)

        for row in rows.T.tolist():
            take(*row)
        found = []
        for first, last in spans:
            free.move_to(first)
            at = self.floor + free.first_free(last) * unit
            take(at, at + size, first, last)
            found.append(at)
        self._insert_all(size, found, spans)
        return found

    def _insert_all(self, size: int, starts: list[int], spans: Sequence[tuple[int, int]]) -> None:
        count = self._count + len(starts)
        begins = np.array(starts)
        self._rows[:, self._count : count] = begins, begins + size, *np.transpose(spans)
        self._rows[:, :count] = self._rows[:, np.argsort(self._rows[0, :count], kind="stable")]
        self._count, self.end = count, max(self.end, max(starts) + size)

    def _insert(self, *row: int) -> None:
        place = int(self._rows[0, : self._count].searchsorted(row[0], "right"))
        self._rows[:, place + 1 : self._count + 1] = self._rows[:, place : self._count].copy()
        self._rows[:, place] = row
        self._count += 1


def aligned(count: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-count // ALIGNMENT) * ALIGNMENT
