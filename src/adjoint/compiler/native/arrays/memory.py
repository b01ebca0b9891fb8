"""Memory is read and written in vectors, whole or in part, or entry by entry if they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..formats import LLVM_TYPES
from ..function_builder import FunctionBuilder, Index
from ..lanes import Block, Lanes
from .strided_view import ENTRY_BYTES


@dataclass(frozen=True)
class LaneAddresses:
    """Where the entries of the lanes lie, at one spot of some loops.

    Parameters
    ----------
    builder : FunctionBuilder
    pointer : str
        To the array.
    terms : list of (index, stride)
        Their sum is the entry of the first lane.
    stride : int
        How far apart the entries of the lanes are.
    count : int or None
        How many lanes there are entries for, if not for all.
    numbers : list of (Lanes, scale)
        What is added for each lane by itself.
    """

    builder: FunctionBuilder
    pointer: str
    terms: Sequence[tuple[Index, int]]
    stride: int
    count: int | None
    numbers: Sequence[tuple[Lanes, int]] = ()

    def address(self, kind: str, lane: int | None = None) -> str:
        """Return the address of the entries, or of that of one lane."""
        if lane is None:
            return self.builder.address(self.pointer, kind, *self.terms)
        own: list[tuple[Index, int]] = [
            (lanes.part(lane, 1).text, scale) for lanes, scale in self.numbers
        ]
        return self.builder.address(self.pointer, kind, *self.terms, (lane, self.stride), *own)

    def is_contiguous(self, width: int) -> bool:
        """Return whether so many lanes are one vector in memory."""
        return width == 1 or (self.stride == 1 and not self.numbers)

    def lanes(self, width: int) -> range:
        """Return the lanes that there are entries for."""
        return range(width if self.count is None else self.count)


def load_vector(place: LaneAddresses, block: Block, kind: str) -> Lanes:
    """Return the entries of a place; lanes that have none are anything."""
    stored = "i8" if kind == "i1" else kind
    if place.is_contiguous(block.width):
        at = place.address(stored)
        return _as_kind(load_contiguous(place.builder, block, stored, at, place.count), kind)
    result, plain, vector = "poison", LLVM_TYPES[stored], block.type_of(stored)
    for lane in place.lanes(block.width):
        at = place.address(stored, lane)
        number = block.resized(1).write(f"load {plain}, ptr {at}", stored)
        result = block.write(
            f"insertelement {vector} {result}, {plain} {number}, i32 {lane}", stored
        ).text
    return _as_kind(Lanes(block, result, stored), kind)


def store_vector(place: LaneAddresses, value: Lanes, *, adds: bool = False) -> None:
    """Write lanes to a place, or add them to what is there, one after another."""
    block = value.block
    if value.kind == "i1":
        value = value.convert("zext", "i8")
    if place.is_contiguous(block.width):
        at = place.address(value.kind)
        if adds:
            value = load_contiguous(place.builder, block, value.kind, at, place.count) + value
        store_contiguous(place.builder, value, at, place.count)
        return
    for lane in place.lanes(block.width):
        at, number = place.address(value.kind, lane), value.part(lane, 1)
        if adds:
            number = load_contiguous(place.builder, number.block, value.kind, at) + number
        store_contiguous(place.builder, number, at)


def load_contiguous(
    builder: FunctionBuilder, block: Block, kind: str, at: str, count: int | None = None
) -> Lanes:
    """Return the entries at an address; lanes beyond a count are 0."""
    vector, align = block.type_of(kind), ENTRY_BYTES[kind]
    if block.width == 1 or count is None or count >= block.width:
        return block.write(f"load {vector}, ptr {at}, align {align}", kind)
    mask = f"<{block.width} x i1>"
    name = f"@llvm.masked.load.v{block.width}{kind}.p0"
    builder.names.intrinsics.add(f"declare {vector} {name}(ptr, i32, {mask}, {vector})")
    given = f"ptr {at}, i32 {align}, {mask} {mask_of(count, block.width)}"
    return block.write(f"call {vector} {name}({given}, {vector} zeroinitializer)", kind)


def store_contiguous(
    builder: FunctionBuilder, value: Lanes, at: str, count: int | None = None
) -> None:
    """Write lanes, or the first of them, to an address."""
    block, kind = value.block, value.kind
    vector, align = block.type_of(kind), ENTRY_BYTES[kind]
    if block.width == 1 or count is None or count >= block.width:
        builder.lines.append(f"  store {vector} {value}, ptr {at}, align {align}")
        return
    mask = f"<{block.width} x i1>"
    name = f"@llvm.masked.store.v{block.width}{kind}.p0"
    builder.names.intrinsics.add(f"declare void {name}({vector}, ptr, i32, {mask})")
    given = f"{vector} {value}, ptr {at}, i32 {align}, {mask} {mask_of(count, block.width)}"
    builder.lines.append(f"  call void {name}({given})")


def mask_of(count: int, width: int) -> str:
    """Return the mask of the first lanes."""
    return f"<{', '.join(f'i1 {str(lane < count).lower()}' for lane in range(width))}>"


def _as_kind(lanes: Lanes, kind: str) -> Lanes:
    """Make truth values of bytes."""
    if lanes.kind == kind:
        return lanes
    return lanes.compare("!=", 0)
