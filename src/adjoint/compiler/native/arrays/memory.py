"""Memory is read and written in vectors if the entries are contiguous, otherwise lane by lane."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..formats import LLVM_TYPES
from ..function_builder import FunctionBuilder, Index
from ..lanes import Block, Lanes
from .strided_view import ENTRY_BYTES

# The strides at which entries are picked from vectors instead of being loaded one by one, and from
# how many: a power of two, to which LLVM fills up other numbers. It pays for sixteen numbers at a
# time, not for the eight float64 of a vector.
_NEAREST = {2: 2, 3: 4, 4: 4}


@dataclass(frozen=True)
class LaneAddresses:
    """The addresses of the entries that belong to the lanes, at one position of some loops.

    Parameters
    ----------
    builder : FunctionBuilder
    pointer : str
        The beginning of the array.
    terms : list of (index, stride)
        Σ index · stride is the number of the first lane's entry.
    stride : int
        How far apart the entries of neighbouring lanes are.
    count : int or None
        How many lanes have an entry; None if all have.
    numbers : list of (Lanes, scale)
        Lane by lane, number · scale is added to the number of the entry.
    """

    builder: FunctionBuilder
    pointer: str
    terms: Sequence[tuple[Index, int]]
    stride: int
    count: int | None
    numbers: Sequence[tuple[Lanes, int]] = ()

    def address(self, kind: str, lane: int | None = None) -> str:
        """Return the address of the first lane's entry, or of that of a given lane."""
        if lane is None:
            return self.builder.address(self.pointer, kind, *self.terms)
        own: list[tuple[Index, int]] = [
            (lanes.part(lane, 1).text, scale) for lanes, scale in self.numbers
        ]
        return self.builder.address(self.pointer, kind, *self.terms, (lane, self.stride), *own)

    def is_contiguous(self, width: int) -> bool:
        """Return whether the entries of this many lanes are one vector in memory."""
        return width == 1 or (self.stride == 1 and not self.numbers)

    def is_near(self, width: int) -> bool:
        """Return whether the entries lie in a few vectors from which they can be picked."""
        return width > 1 and self.stride in _NEAREST and not self.numbers

    def lanes(self, width: int) -> range:
        """Return the numbers of the lanes that have an entry."""
        return range(width if self.count is None else self.count)


def load_vector(addresses: LaneAddresses, block: Block, kind: str) -> Lanes:
    """Return the entries; lanes that have none may hold anything."""
    stored = "i8" if kind == "i1" else kind
    if addresses.is_contiguous(block.width):
        at = addresses.address(stored)
        return _as_kind(
            load_contiguous(addresses.builder, block, stored, at, addresses.count), kind
        )
    if addresses.is_near(block.width) and stored == "f32" and block.names.target.has_permutes:
        return _picked(addresses, block, stored)
    # "poison" is LLVM's vector of any content, whose lanes are then replaced one by one.
    result, plain, vector = "poison", LLVM_TYPES[stored], block.type_of(stored)
    for lane in addresses.lanes(block.width):
        at = addresses.address(stored, lane)
        number = block.resized(1).write(f"load {plain}, ptr {at}", stored)
        result = block.write(
            f"insertelement {vector} {result}, {plain} {number}, i32 {lane}", stored
        ).text
    return _as_kind(Lanes(block, result, stored), kind)


def _picked(addresses: LaneAddresses, block: Block, kind: str) -> Lanes:
    """Return entries that lie not far apart, picked from the vectors in which they are."""
    stride, lanes = addresses.stride, addresses.lanes(block.width)
    # What is between the last entry and the end of the last vector may be no memory of the array.
    reach = (len(lanes) - 1) * stride + 1
    wide = block.resized(block.width * _NEAREST[stride])
    whole = load_contiguous(addresses.builder, wide, kind, addresses.address(kind), reach)
    picked = ", ".join(f"i32 {min(lane, lanes[-1]) * stride}" for lane in range(block.width))
    return block.write(
        f"shufflevector {whole.typed()}, {wide.type_of(kind)} poison, "
        f"<{block.width} x i32> <{picked}>",
        kind,
    )


def store_vector(addresses: LaneAddresses, value: Lanes, *, adds: bool = False) -> None:
    """Write lanes to memory, or add them to what is there.

    Entries that are not contiguous are added lane by lane, since two lanes may name the same entry.
    """
    block = value.block
    if value.kind == "i1":
        value = value.convert("zext", "i8")
    if addresses.is_contiguous(block.width):
        at = addresses.address(value.kind)
        if adds:
            value = (
                load_contiguous(addresses.builder, block, value.kind, at, addresses.count) + value
            )
        store_contiguous(addresses.builder, value, at, addresses.count)
        return
    for lane in addresses.lanes(block.width):
        at, number = addresses.address(value.kind, lane), value.part(lane, 1)
        if adds:
            number = load_contiguous(addresses.builder, number.block, value.kind, at) + number
        store_contiguous(addresses.builder, number, at)


def load_contiguous(
    builder: FunctionBuilder, block: Block, kind: str, at: str, count: int | None = None
) -> Lanes:
    """Return the entries at an address; lanes from ``count`` on are 0 and not read from memory."""
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
    """Write the lanes to an address, or only the first ``count`` of them."""
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
    """Return a mask in LLVM's language that is true for the first lanes."""
    return f"<{', '.join(f'i1 {str(lane < count).lower()}' for lane in range(width))}>"


def _as_kind(lanes: Lanes, kind: str) -> Lanes:
    """Return bytes from memory as truth values, if these are asked for."""
    if lanes.kind == kind:
        return lanes
    return lanes.compare("!=", 0)
