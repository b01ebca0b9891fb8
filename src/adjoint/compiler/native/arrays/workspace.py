"""A workspace is the memory between the parts of a schedule, planned once and used again."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from .views import Buffer

# Of vectors, and of lines of the caches.
ALIGNMENT = 64


class Workspace:
    """Places for buffers in one piece of memory.

    Parameters
    ----------
    start : int
        Bytes at its beginning that are somebody else's.

    Attributes
    ----------
    offsets : dict of Buffer to int
        Where each begins, in bytes.
    size : int
        Bytes in all.
    """

    def __init__(self, start: int = 0) -> None:
        self.offsets: dict[Buffer, int] = {}
        self.size = aligned(start)

    def keep(self, buffer: Buffer) -> None:
        """Give a buffer a place of its own."""
        self.offsets[buffer] = self.size
        self.size += aligned(buffer.bytes)

    def share(self, used: Sequence[Iterable[Buffer]]) -> None:
        """Place buffers where none lies that is used at the same time.

        Parameters
        ----------
        used : sequence of iterable of Buffer
            The buffers that each part reads or writes, in order: a buffer is used from its first
            part to its last.
        """
        spans: dict[Buffer, tuple[int, int]] = {}
        for number, buffers in enumerate(used):
            for buffer in buffers:
                first, _ = spans.get(buffer, (number, number))
                spans[buffer] = first, number
        floor, taken = self.size, dict[Buffer, tuple[int, int]]()
        # The largest first: it leaves the fewest holes.
        for buffer in sorted(spans, key=lambda b: -b.bytes):
            size = aligned(buffer.bytes)
            first, last = spans[buffer]
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
            taken[buffer] = at, at + size
            self.offsets[buffer] = at
            self.size = max(self.size, at + size)


def aligned(count: int) -> int:
    """Return the next multiple of the alignment."""
    return -(-count // ALIGNMENT) * ALIGNMENT
