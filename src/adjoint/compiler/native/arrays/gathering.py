"""Gathering is to copy the rows of a batch side by side, by their numbers."""

from __future__ import annotations

from ..routine import Index, Routine
from .memory import load_contiguous, store_contiguous


def write_gathering(*, rows: int, entries: int, kind: str, width: int) -> Routine:
    """Return the routine that copies rows.

    Of the pointers to the numbers of the rows, to the array that has them, and to where they go.

    Parameters
    ----------
    rows, entries : int
        How many rows are copied, and how many entries each has.
    """
    routine = Routine(["ptr %rows", "ptr %data", "ptr noalias %batch"])
    width = min(width, 1 << (entries.bit_length() - 1))
    block, scalar = routine.block(width), routine.block(1)
    with routine.loop(rows) as row:
        at = routine.address("%rows", "i64", (row.index, 1))
        number = scalar.write(f"load i64, ptr {at}", "i64").text
        source = routine.address("%data", kind, (number, entries))
        target = routine.address("%batch", kind, (row.index, entries))

        def copy(entry: Index, count: int | None) -> None:
            x = load_contiguous(
                routine, block, kind, routine.address(source, kind, (entry, 1)), count
            )
            store_contiguous(routine, x, routine.address(target, kind, (entry, 1)), count)

        whole = entries // width * width
        with routine.loop(whole, width) as loop:
            copy(loop.index, None)
        if entries > whole:
            copy(whole, entries - whole)
    return routine
