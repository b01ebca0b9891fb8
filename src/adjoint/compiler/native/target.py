"""A target is what decides how code is written: facts about a processor, which may be elsewhere.

All that writes code is handed a target, and asks nothing of the computer that it runs on. So the
text for a browser or a microcontroller is written as that for the processor at hand is. Two equal
targets have the same text.
"""

from __future__ import annotations

from typing import NamedTuple


class Target(NamedTuple):
    """Facts about a processor.

    Attributes
    ----------
    vector_bytes, registers : int
        The size of a vector register, and how many there are. Where numbers are larger than that,
        code takes them one by one.
    fuses : bool
        Whether a product and a sum may be rounded together, where the processor has an instruction
        for it. If not, they are rounded one after the other, on every processor alike.
    has_permutes : bool
        Whether it has AVX-512's instructions that look up each lane in a table.
    has_wide_products : bool
        Whether it multiplies integers of 64 bits to one of 128. If not, they are made of halves.
    futex : int or None
        The number of Linux' system call by which a second thread sleeps, see `team`; None if there
        is to be one thread.
    keeps_registers : bool
        Whether LLVM can call a function that leaves all registers of the processor as they are.
    lane_bytes : int
        The size of the vectors in which numbers are added up, lane by lane; 0 for a register's. If
        they are larger than a register, LLVM puts them in several.
    """

    vector_bytes: int = 16
    registers: int = 16
    fuses: bool = True
    has_permutes: bool = False
    has_wide_products: bool = True
    futex: int | None = None
    keeps_registers: bool = False
    lane_bytes: int = 0

    def width(self, size: int) -> int:
        """Return how many numbers of so many bytes fill a vector register; at least one."""
        return max(1, self.vector_bytes // size)

    def lanes(self, size: int) -> int:
        """Return in how many lanes numbers of so many bytes are added up."""
        return max(1, (self.lane_bytes or self.vector_bytes) // size)

    def reproducible(self) -> Target:
        """Return the target for which code gives the same bits as for all other processors.

        The order of the additions of a sum depends on the number of lanes, and on nothing else.
        """
        return self._replace(fuses=False, has_permutes=False, lane_bytes=VIRTUAL_BYTES)

    @property
    def is_reproducible(self) -> bool:
        """Whether the order of the additions of a sum is the same on every processor."""
        return self.lane_bytes > 0

    @property
    def has_team(self) -> bool:
        """Whether two threads share large products."""
        return self.futex is not None


# As many as the widest registers have: wider lanes would cost time, and so would narrower ones.
VIRTUAL_BYTES = 64
# What is written for it runs on every processor.
ANY = Target()
