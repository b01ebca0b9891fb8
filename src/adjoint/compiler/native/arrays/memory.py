"""Memory is read and written in vectors, whole or in part, or entry by entry where they lie apart."""

from __future__ import annotations

from collections.abc import Sequence

from ..formats import LLVM_TYPES
from ..lanes import Block, Lanes
from ..routine import Index, Routine
from .views import ENTRY_BYTES

Terms = Sequence[tuple[Index, int]]


def load_vector(
    routine: Routine,
    block: Block,
    kind: str,
    pointer: str,
    terms: Terms,
    stride: int,
    count: int | None,
) -> Lanes:
    """Return the entries from Σ index · stride on, as many as there are lanes.

    Parameters
    ----------
    stride : int
        How far apart the entries of the lanes are.
    count : int or None
        How many lanes there are entries for, if not for all.
    """
    stored = "i8" if kind == "i1" else kind
    if block.width == 1 or stride == 1:
        at = routine.address(pointer, stored, *terms)
        return _as_kind(load_contiguous(routine, block, stored, at, count), kind)
    result, plain, vector = "poison", LLVM_TYPES.get(stored, stored), _type(block, stored)
    for lane in range(block.width if count is None else count):
        at = routine.address(pointer, stored, *terms, (lane, stride))
        number = block.resized(1).write(f"load {plain}, ptr {at}", stored)
        result = block.write(
            f"insertelement {vector} {result}, {plain} {number}, i32 {lane}", stored
        ).text
    return _as_kind(Lanes(block, result, stored), kind)


def store_vector(
    routine: Routine, value: Lanes, pointer: str, terms: Terms, stride: int, count: int | None
) -> None:
    """Write lanes to the entries from Σ index · stride on."""
    block = value.block
    if value.kind == "i1":
        value = Lanes(block, block.write(f"zext {block.type_of('i1')} {value} to {_type(block, 'i8')}", "i8").text, "i8")
    if block.width == 1 or stride == 1:
        store_contiguous(routine, value, routine.address(pointer, value.kind, *terms), count)
        return
    plain, vector = LLVM_TYPES[value.kind], _type(block, value.kind)
    for lane in range(block.width if count is None else count):
        at = routine.address(pointer, value.kind, *terms, (lane, stride))
        number = block.resized(1).write(f"extractelement {vector} {value}, i32 {lane}", value.kind)
        routine.lines.append(f"  store {plain} {number}, ptr {at}")


def load_contiguous(
    routine: Routine, block: Block, kind: str, at: str, count: int | None = None
) -> Lanes:
    """Return the entries at an address; lanes beyond a count are 0."""
    vector, align = _type(block, kind), ENTRY_BYTES[kind if kind != "i8" else "i1"]
    if count is None or count >= block.width:
        return block.write(f"load {vector}, ptr {at}, align {align}", kind)
    mask = f"<{block.width} x i1>"
    name = f"@llvm.masked.load.v{block.width}{kind}.p0"
    routine.names.intrinsics.add(f"declare {vector} {name}(ptr, i32, {mask}, {vector})")
    given = f"ptr {at}, i32 {align}, {mask} {mask_of(count, block.width)}"
    return block.write(f"call {vector} {name}({given}, {vector} zeroinitializer)", kind)


def store_contiguous(routine: Routine, value: Lanes, at: str, count: int | None = None) -> None:
    """Write lanes, or the first of them, to an address."""
    block, kind = value.block, value.kind
    vector, align = _type(block, kind), ENTRY_BYTES[kind if kind != "i8" else "i1"]
    if count is None or count >= block.width:
        routine.lines.append(f"  store {vector} {value}, ptr {at}, align {align}")
        return
    mask = f"<{block.width} x i1>"
    name = f"@llvm.masked.store.v{block.width}{kind}.p0"
    routine.names.intrinsics.add(f"declare void {name}({vector}, ptr, i32, {mask})")
    given = f"{vector} {value}, ptr {at}, i32 {align}, {mask} {mask_of(count, block.width)}"
    routine.lines.append(f"  call void {name}({given})")


def mask_of(count: int, width: int) -> str:
    """Return the mask of the first lanes."""
    return f"<{', '.join(f'i1 {str(lane < count).lower()}' for lane in range(width))}>"


def _type(block: Block, kind: str) -> str:
    return block.type_of(kind)


def _as_kind(lanes: Lanes, kind: str) -> Lanes:
    """Make truth values of bytes."""
    if lanes.kind == kind:
        return lanes
    return lanes.compare("!=", 0)
