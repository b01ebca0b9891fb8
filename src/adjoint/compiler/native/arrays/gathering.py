"""Gathering copies the rows of a batch side by side: they lie anywhere in the data.

Products of matrices and loops read a batch many times; one copy makes all of these reads
contiguous.
"""

from __future__ import annotations

from ..function_builder import FunctionBuilder, Index
from .memory import load_contiguous, store_contiguous


def write_gathering(*, rows: int, entries: int, kind: str, width: int) -> FunctionBuilder:
    """Return the function that copies rows.

    Its parameters are pointers to the numbers of the rows, to the data, and to the copy.

    Parameters
    ----------
    rows, entries : int
        How many rows are copied, and how many entries each has.
    kind : str
        The kind of the entries in memory.
    width : int
        How many entries a vector register holds.
    """
    builder = FunctionBuilder(["ptr %rows", "ptr %data", "ptr noalias %batch"])
    # No wider than a row: the greatest power of two within its entries.
    width = min(width, 1 << (entries.bit_length() - 1))
    block, scalar = builder.block(width), builder.block(1)
    with builder.loop(rows) as row:
        at = builder.address("%rows", "i64", (row.index, 1))
        number = scalar.write(f"load i64, ptr {at}", "i64").text
        source = builder.address("%data", kind, (number, entries))
        target = builder.address("%batch", kind, (row.index, entries))

        def copy(entry: Index, count: int | None) -> None:
            x = load_contiguous(
                builder, block, kind, builder.address(source, kind, (entry, 1)), count
            )
            store_contiguous(builder, x, builder.address(target, kind, (entry, 1)), count)

        whole = entries // width * width
        with builder.loop(whole, width) as loop:
            copy(loop.index, None)
        if entries > whole:
            copy(whole, entries - whole)
    return builder
