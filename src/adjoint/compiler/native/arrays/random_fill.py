"""A random fill writes the numbers of `ops.random.uniform` to an array, to the last bit."""

from __future__ import annotations

import numpy as np

from ....core.philox import UNIFORM_SITE
from ....ops.random import HALF
from ..formats import LLVM_TYPES, literal
from ..function_builder import FunctionBuilder, Index
from ..philox import philox
from ..target import Target

# A float with this many random bits is exact, and every one is as likely as any other.
BITS = {"f64": np.finfo(np.float64).nmant + 1, "f32": np.finfo(np.float32).nmant + 1}


def write_random_fill(*, count: int, stride: int, kind: str, target: Target) -> FunctionBuilder:
    """Return the function that fills an array with random numbers.

    Its parameters are pointers to the state of the generator and to the array.

    Parameters
    ----------
    count : int
        How many numbers the array takes.
    stride : int
        How far apart the entries of the state lie.
    kind : str
        The kind of the numbers, and of the state.
    target : Target
    """
    builder = FunctionBuilder(["ptr %state", "ptr noalias %numbers"], target=target)
    block, plain, bits = builder.block(1), LLVM_TYPES[kind], BITS[kind]

    def entry(place: int) -> str:
        at = builder.address("%state", kind, (place, stride))
        number = block.write(f"load {plain}, ptr {at}", kind)
        return block.write(f"fptosi {plain} {number} to i64", "i64").text

    # A state is three floats that are whole numbers: two halves of a key, and how often was drawn.
    high, low, step = (entry(place) for place in range(3))
    shifted = block.write(f"mul i64 {high}, {HALF}", "i64")
    key = block.write(f"or i64 {shifted}, {low}", "i64").text

    def draw(start: Index, numbers: int) -> None:
        quarter = block.write(f"lshr i64 {start}, 2", "i64")
        following = block.write(f"add i64 {quarter}, 1", "i64").text
        for slot, word in enumerate(philox(block, key, following, step, UNIFORM_SITE)[:numbers]):
            upper = block.write(f"lshr i64 {word}, {64 - bits}", "i64")
            whole = block.write(f"sitofp i64 {upper} to {plain}", kind)
            number = block.write(f"fmul {plain} {whole}, {literal(2.0**-bits, kind)}", kind)
            at = builder.address("%numbers", kind, (start, 1), (slot, 1))
            builder.lines.append(f"  store {plain} {number}, ptr {at}")

    # Philox gives four words a block.
    whole = count // 4 * 4
    if whole:
        with builder.loop(whole, 4) as loop:
            draw(loop.index, 4)
    if count > whole:
        draw(whole, count - whole)
    return builder
