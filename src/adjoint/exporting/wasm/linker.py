"""The linker makes a module of one object that LLVM wrote, and of blocks of numbers.

An object's code holds final indices of functions already, as long as nothing is imported before its
own. So functions stay as they are; what has to be put in are the addresses of constants. The stack
pointer, which an object imports, becomes a number of the module's own, and the memory is made by
the module: it imports nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from .binary import MAGIC, Reader, name, padded, section, sections, signed, unsigned, vector

PAGE = 65536
# The stack comes first and grows downwards: where it is too small, the module stops at address 0,
# and writes over nothing.
STACK = PAGE
# Sections by number.
_CUSTOM, _TYPE, _IMPORT, _FUNCTION, _MEMORY, _GLOBAL, _EXPORT = 0, 1, 2, 3, 5, 6, 7
_CODE, _DATA, _COUNT = 10, 11, 12
# Relocations: those whose value is final in an object, and those of an address in memory.
_FINAL = {0: "function", 6: "type", 7: "global"}
_ADDRESSES = {3: padded, 4: padded, 5: lambda value: (value % 2**32).to_bytes(4, "little")}
_I32_CONST, _END, _HIDDEN_OR_LOCAL = 0x41, 0x0B, 0x3
_UNDEFINED, _NAMED = 0x10, 0x40


class UnlinkableError(ValueError):
    """An object needs what a module here cannot have; the message names it."""


class Linked(NamedTuple):
    """A module.

    Attributes
    ----------
    module : bytes
    heap : int
        The first address that is free.
    """

    module: bytes
    heap: int


class _Symbols(NamedTuple):
    """The functions of an object by name, and where each symbol of data lies, by its number."""

    functions: dict[str, int]
    data: dict[int, tuple[int, int]]


def link(code: bytes, exports: Sequence[str], blocks: Mapping[int, bytes], end: int) -> Linked:
    """Return a module.

    Parameters
    ----------
    code : bytes
        An object.
    exports : sequence of str
        The functions that others may call.
    blocks : mapping of int to bytes
        What the memory holds from an address on; all else is 0.
    end : int
        The first address after the blocks; the object's constants come there.

    Raises
    ------
    UnlinkableError
        If the object calls functions that it does not bring, or calls by a table.
    """
    kept: dict[int, bytes] = {}
    custom: dict[str, Reader] = {}
    for number, content in sections(code):
        if number == _CUSTOM:
            reader = Reader(content)
            custom[reader.name()] = reader
        else:
            kept[number] = content
    start = -(-end // 64) * 64
    symbols = _symbols(custom["linking"])
    segments = list(_segments(kept.get(_DATA, b"\0")))
    patched = {
        _CODE: _relocated(kept[_CODE], custom.get("reloc.CODE"), symbols, segments, start),
        _DATA: _relocated(
            kept.get(_DATA, b"\0"), custom.get("reloc.DATA"), symbols, segments, start
        ),
    }
    own = {start + at: content for at, content in _segments(patched[_DATA])}
    heap = -(-max([start, *(at + len(content) for at, content in own.items())]) // 64) * 64
    types, globals_ = kept[_TYPE], list(_globals(kept.get(_IMPORT, b"\0")))
    given = [name(text) + b"\0" + unsigned(_index(symbols, text)) for text in exports]
    full = {at: content for at, content in {**blocks, **own}.items() if content.strip(b"\0")}
    data = [
        b"\0" + bytes([_I32_CONST]) + signed(at) + bytes([_END]) + unsigned(len(content)) + content
        for at, content in full.items()
    ]
    parts = [
        section(_TYPE, types),
        section(_FUNCTION, kept[_FUNCTION]),
        section(_MEMORY, vector([b"\0" + unsigned(-(-heap // PAGE))])),
        section(_GLOBAL, vector(globals_)),
        section(_EXPORT, vector([*given, name("memory") + b"\2\0"])),
        section(_CODE, patched[_CODE]),
        section(_DATA, vector(data)),
    ]
    return Linked(MAGIC + b"".join(parts), heap)


def _index(symbols: _Symbols, text: str) -> int:
    if text not in symbols.functions:
        raise UnlinkableError(f"there is no function {text!r}")
    return symbols.functions[text]


def _globals(imports: bytes) -> Iterator[bytes]:
    """Yield the globals that an object imports, as definitions; refuse other imports."""
    reader = Reader(imports)
    for _ in range(reader.unsigned()):
        reader.name()
        what, kind = reader.name(), reader.byte()
        if kind == 3 and what == "__stack_pointer":
            about = reader.bytes(2)
            yield about + bytes([_I32_CONST]) + signed(STACK) + bytes([_END])
        elif kind == 2 and what == "__linear_memory":
            flags = reader.byte()
            reader.unsigned()
            if flags & 1:
                reader.unsigned()
        else:
            raise UnlinkableError(f"it needs {what}, which is not part of it")


def _symbols(reader: Reader) -> _Symbols:
    reader.unsigned()  # the version
    found = _Symbols({}, {})
    while reader.at < len(reader.data):
        kind, size = reader.byte(), reader.unsigned()
        end = reader.at + size
        if kind == 8:
            for number in range(reader.unsigned()):
                _read_symbol(reader, number, found)
        reader.at = end
    return found


def _read_symbol(reader: Reader, number: int, found: _Symbols) -> None:
    kind, flags = reader.byte(), reader.unsigned()
    if kind == 1:
        what = reader.name()
        if flags & _UNDEFINED:
            raise UnlinkableError(f"it needs {what}, which is not part of it")
        segment, at, _ = (reader.unsigned() for _ in range(3))
        found.data[number] = segment, at
        return
    index = reader.unsigned()
    if kind in (0, 2, 4, 5) and (not flags & _UNDEFINED or flags & _NAMED):
        what = reader.name()
        if kind == 0 and not flags & (_UNDEFINED | _HIDDEN_OR_LOCAL):
            found.functions[what] = index


def _segments(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the address and the content of each segment of a section of data."""
    reader = Reader(data)
    for _ in range(reader.unsigned()):
        flags, opcode, at, end = reader.byte(), reader.byte(), reader.signed(), reader.byte()
        if (flags, opcode, end) != (0, _I32_CONST, _END):
            raise UnlinkableError("a segment of data has no known address")
        yield at, reader.bytes(reader.unsigned())


def _relocated(
    content: bytes,
    reader: Reader | None,
    symbols: _Symbols,
    segments: Sequence[tuple[int, bytes]],
    start: int,
) -> bytes:
    """Return a section with the addresses of data in their places."""
    if reader is None:
        return content
    patched = bytearray(content)
    reader.unsigned()  # the number of the section
    for _ in range(reader.unsigned()):
        kind, at, symbol = reader.byte(), reader.unsigned(), reader.unsigned()
        if kind in _FINAL:
            continue
        if kind not in _ADDRESSES:
            raise UnlinkableError(f"its code has a relocation of kind {kind}")
        addend = reader.signed()
        segment, offset = symbols.data[symbol]
        value = _ADDRESSES[kind](start + segments[segment][0] + offset + addend)
        patched[at : at + len(value)] = value
    return bytes(patched)
