"""A transposition exchanges rows and columns of a square of vectors, within the registers."""

from __future__ import annotations

from collections.abc import Sequence

from ..lanes import Lanes


def transposed(rows: Sequence[Lanes]) -> list[Lanes]:
    """Return the columns of a square of n rows, each a vector of n lanes; n is a power of two.

    There are log₂ n stages. In each of them the vectors exchange lanes in pairs, so that squares of
    half the size swap their off-diagonal quarters (Eklundh, "A fast computer method for matrix
    transposing", 1972). This takes n log₂ n shuffles, where loading a column lane by lane would
    take n² loads.
    """
    lines = list(rows)
    size = len(lines) // 2
    while size:
        for upper in range(len(lines)):
            if not upper & size:
                lower = upper + size
                lines[upper], lines[lower] = _exchanged(lines[upper], lines[lower], size)
        size //= 2
    return lines


def _exchanged(x: Lanes, y: Lanes, size: int) -> tuple[Lanes, Lanes]:
    width = x.block.width
    first = [width + lane - size if lane & size else lane for lane in range(width)]
    second = [width + lane if lane & size else lane + size for lane in range(width)]
    return _shuffled(x, y, first), _shuffled(x, y, second)


def _shuffled(x: Lanes, y: Lanes, lanes: Sequence[int]) -> Lanes:
    vector = x.block.type_of(x.kind)
    picked = ", ".join(f"i32 {lane}" for lane in lanes)
    mask = f"<{x.block.width} x i32> <{picked}>"
    return x.block.write(f"shufflevector {vector} {x}, {vector} {y}, {mask}", x.kind)
