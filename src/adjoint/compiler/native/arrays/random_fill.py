"""Drawing is to fill an array with the random numbers of `ops.random.uniform`."""

from __future__ import annotations

import numpy as np

from ....core.philox import UNIFORM_SITE
from ....ops.random import HALF
from ..formats import LLVM_TYPES, literal
from ..function_builder import FunctionBuilder, Index
from ..philox import philox

_BITS = {"f64": np.finfo(np.float64).nmant + 1, "f32": np.finfo(np.float32).nmant + 1}


def write_random_fill(*, count: int, stride: int, kind: str) -> FunctionBuilder:
    """Return the builder that writes so many random numbers.

    Of the pointers to the state, whose entries lie a stride apart, and to where the numbers go.
    """
    builder = FunctionBuilder(["ptr %state", "ptr noalias %numbers"])
    block, plain, bits = builder.block(1), LLVM_TYPES[kind], _BITS[kind]

    def entry(place: int) -> str:
        at = builder.address("%state", kind, (place, stride))
        number = block.write(f"load {plain}, ptr {at}", kind)
        return block.write(f"fptosi {plain} {number} to i64", "i64").text

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

    whole = count // 4 * 4
    if whole:
        with builder.loop(whole, 4) as loop:
            draw(loop.index, 4)
    if count > whole:
        draw(whole, count - whole)
    return builder
