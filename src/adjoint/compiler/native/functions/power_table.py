"""A table of powers of two, which lies in vector registers and is looked up by permuting lanes.

With it eˣ takes half as many multiplications: x = n log(2)/16 + r leaves |r| ≤ log(2)/32, for which
a short polynomial is enough (Tang, "Table-driven implementation of the exponential function in IEEE
floating-point arithmetic", ACM TOMS 15, 1989). AVX-512 looks up all lanes of a vector by one
instruction. Elsewhere a longer polynomial is faster.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..formats import LLVM_TYPES, literal
from ..lanes import Lanes

# How many bits of an index say which power is meant.
INDEX_BITS = 4
# Coefficients for (eʳ - 1 - r) / r² on |r| ≤ log(2)/32, from the lowest power.
SHORT_TERMS = {
    "f64": (  # relative error of eʳ 2.8e-17
        0.5,
        0.1666666666530169,
        0.04166666666496045,
        0.008333449701253456,
        0.0013889034348599464,
    ),
    "f32": (  # relative error of eʳ 4.7e-9
        0.5000097749180301,
        0.16666862164590476,
    ),
}
# 2 to the power k/16 rounded to float64, and its rounding error relative to it.
_POWERS = (
    (1.0, 0.0),
    (1.0442737824274138, 8.189317638195515e-17),
    (1.0905077326652577, -2.7939114859515733e-17),
    (1.1387886347566916, 7.826573258636076e-17),
    (1.189207115002721, 3.3484623336251524e-17),
    (1.241857812073484, 3.750854201303127e-17),
    (1.2968395546510096, 1.9572585293112036e-17),
    (1.3542555469368927, 5.68648095791174e-17),
    (1.4142135623730951, -6.835808657661922e-17),
    (1.4768261459394993, -2.3591094770850053e-17),
    (1.5422108254079407, 5.1548301170786783e-17),
    (1.6104903319492543, 1.5341410053603723e-17),
    (1.681792830507429, 4.875160526227062e-17),
    (1.7562521603732995, 1.685487290628973e-17),
    (1.8340080864093424, 1.790126907604513e-17),
    (1.9152065613971474, -5.545065618639427e-17),
)
# How many lanes one instruction looks up, of which name.
_INSTRUCTIONS = {"f64": (8, "vpermi2var.pd.512"), "f32": (16, "permvar.sf.512")}


def has_table(x: Lanes) -> bool:
    """Return whether the target looks up all lanes of a vector at once."""
    return x.block.names.target.has_permutes


def halves_of_powers(index: Lanes, kind: str) -> tuple[Lanes, Lanes]:
    """Return half of 2 to the power k/16, and by how much of itself it was rounded down.

    Parameters
    ----------
    index : Lanes
        Integers whose lowest four bits are k.
    kind : str
        The kind of the numbers.
    """
    pairs: Sequence[tuple[float, float]] = _POWERS
    if kind == "f32":
        single = [float(np.float32(high)) for high, _ in _POWERS]
        pairs = [(s, (high - s) / s) for s, (high, _) in zip(single, _POWERS, strict=True)]
    powers, errors = zip(*pairs, strict=True)
    return _look_up(index, [x / 2 for x in powers], kind), _look_up(index, errors, kind)


def _look_up(index: Lanes, table: Sequence[float], kind: str) -> Lanes:
    """Return the entries of a table at the lowest bits of indices, register by register."""
    count, _ = _INSTRUCTIONS[kind]
    width = index.block.width
    if width <= count:
        return _permuted(index.padded(count), table, kind).part(0, width)
    parts = [_permuted(index.part(start, count), table, kind) for start in range(0, width, count)]
    return index.block.joined(parts)


def _permuted(index: Lanes, table: Sequence[float], kind: str) -> Lanes:
    block = index.block
    count, instruction = _INSTRUCTIONS[kind]
    numbers = [f"{LLVM_TYPES[kind]} {literal(x, kind)}" for x in table]
    vector = block.type_of(kind)
    registers = [
        f"{vector} <{', '.join(numbers[start : start + count])}>"
        for start in range(0, len(numbers), count)
    ]
    # The numbers of one register come before the indices; two registers have the indices between.
    args = [registers[0], index.typed(), *registers[1:]]
    types = [vector, block.type_of(index.kind), vector][: len(args)]
    name = f"@llvm.x86.avx512.{instruction}"
    block.names.intrinsics.add(f"declare {vector} {name}({', '.join(types)})")
    return block.write(f"call {vector} {name}({', '.join(args)})", kind)
