"""A transposition turns a square of vectors round in registers, by shuffles of pairs."""

from __future__ import annotations

from collections.abc import Sequence

from ..lanes import Lanes


def transposed(rows: Sequence[Lanes]) -> list[Lanes]:
    """Return the columns of a square, as many vectors as there are lanes.

    In each of log₂ stages two vectors exchange the off-diagonal quarters of the squares they are
    in, as in Eklundh ("A fast computer method for matrix transposing", 1972).
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
