"""An ELF object is what LLVM writes on Linux; here it becomes code in memory without LLVM.

To load LLVM and let it link takes longer than all else that code from the cache needs. What it does
for our objects is little: it lays out their sections, writes into the code how far away constants
and functions are, and makes the memory executable. An object that needs more is left to LLVM.
"""

from __future__ import annotations

import ctypes
import functools
import mmap
import os
import struct
import sys
from collections.abc import Collection
from typing import Any

_X86_64, _RELOCATABLE = 62, 1
# Sections: bytes of the program, symbols, and where addresses have to be written; whether a section
# has a place in memory.
_BYTES, _SYMBOLS, _RELOCATIONS, _ALLOCATED = 1, 2, 4, 2
_HEADER_SIZE, _ENTRY_SIZE = 64, 24  # of a section, and of a symbol or relocation
# How to go back through calls when C++ raises, which nothing here does.
_UNWINDING = 0x70000001
_PAGE = 4096
# Relocations: how far it is to a symbol, in 32 bits; of a call by way of a table if need be.
_DISTANCE, _CALL = 2, 4
_ELSEWHERE = 0  # the section of a symbol that another library defines
_FIRST_RESERVED = 0xFF00  # from here on numbers of sections mean something else
# An indirect jump to the address that stands behind it: calls reach 2 GiB, libraries may be
# farther away.
_JUMP = b"\xff\x25\x00\x00\x00\x00"
_JUMP_SIZE = 16


class UnknownObjectError(Exception):
    """An object has something that is not known here."""


class _Section:
    """A section's header."""

    def __init__(
        self,
        name: int,
        kind: int,
        flags: int,
        address: int,
        offset: int,
        size: int,
        link: int,
        info: int,
        alignment: int,
        entry_size: int,
    ) -> None:
        self.name, self.kind, self.flags, self.address = name, kind, flags, address
        self.offset, self.size, self.link, self.info = offset, size, link, info
        self.alignment, self.entry_size = alignment, entry_size


class _Symbol:
    """A symbol: a name for a place in a section."""

    def __init__(self, name: str, section: int, value: int) -> None:
        self.name, self.section, self.value = name, section, value


def is_sound(code: bytes, names: Collection[str]) -> bool:
    """Return whether bytes are an object with some functions, such as LLVM writes on this machine.

    LLVM ends the process over many a damaged object, so that none should come before it. Of other
    machines' objects nothing is known here, and all are taken to be sound.
    """
    if not _is_known_here():
        return True
    try:
        _, places = _linked(code)
    except UnknownObjectError:
        return False
    return places.keys() >= set(names)


class LoadedObject:
    """The functions of an object, in memory of their own; they live as long as it does.

    Parameters
    ----------
    code : bytes

    Raises
    ------
    UnknownObjectError
        If this processor, system or object is of a kind that is not known here.
    """

    def __init__(self, code: bytes) -> None:
        if not _is_known_here():
            raise UnknownObjectError("only objects for Linux on x86-64 are known here")
        content, places = _linked(code)
        self._memory = _executable(content)
        base = _address(self._memory)
        self._addresses = {name: base + place for name, place in places.items()}

    def __getitem__(self, name: str) -> int:
        """Return the address of a function."""
        return self._addresses[name]


def _is_known_here() -> bool:
    has_words = struct.calcsize("P") == 8
    return sys.platform == "linux" and has_words and os.uname().machine == "x86_64"


@functools.lru_cache(maxsize=1)  # what was found to be sound is loaded next
def _linked(code: bytes) -> tuple[bytes, dict[str, int]]:
    """Return what an object is in memory, and where in it each function is."""
    try:
        content, places = _content(code)
        return bytes(content), places
    except (LookupError, ValueError, ArithmeticError, struct.error):
        raise UnknownObjectError("it is damaged") from None


def _content(code: bytes) -> tuple[bytearray, dict[str, int]]:
    sections = _sections(code)
    symbols = _symbols(code, sections)
    places, size = _laid_out(sections)
    if size > len(code) + len(sections) * _PAGE:
        raise UnknownObjectError("its sections overlap")
    outside = dict.fromkeys(x.name for x in symbols if x.section == _ELSEWHERE and x.name)
    table = {name: size + n * _JUMP_SIZE for n, name in enumerate(outside)}
    memory = bytearray(size + len(table) * _JUMP_SIZE)
    for number, place in places.items():
        start, length = sections[number].offset, sections[number].size
        memory[place : place + length] = code[start : start + length]
    for name, place in table.items():
        struct.pack_into("<6sQ", memory, place, _JUMP, _address_of(name))
    for section in sections:
        if section.kind == _RELOCATIONS and section.info in places:
            for at in _entries(section):
                offset, info, addend = struct.unpack_from("<QQq", code, at)
                if offset + 4 > sections[section.info].size:
                    raise UnknownObjectError("a relocation lies beyond its section")
                target = _target(symbols[info >> 32], info & 0xFFFFFFFF, places, table)
                at_byte = places[section.info] + offset
                struct.pack_into("<i", memory, at_byte, target + addend - at_byte)
    found = {x.name: places[x.section] + x.value for x in symbols if x.section in places}
    return memory, found


def _target(symbol: _Symbol, kind: int, places: dict[int, int], table: dict[str, int]) -> int:
    """Return where in the memory what a relocation refers to is."""
    if symbol.section == _ELSEWHERE and kind == _CALL:
        return table[symbol.name]
    if symbol.section in places and kind in (_DISTANCE, _CALL):
        return places[symbol.section] + symbol.value
    raise UnknownObjectError(f"a relocation of kind {kind} to {symbol.name!r}")


def _sections(code: bytes) -> list[_Section]:
    magic, bits, order = code[:4], code[4], code[5]
    kind, machine = struct.unpack_from("<HH", code, 16)
    if (magic, bits, order, kind, machine) != (b"\x7fELF", 2, 1, _RELOCATABLE, _X86_64):
        raise UnknownObjectError("no relocatable object for x86-64")
    (start,) = struct.unpack_from("<Q", code, 40)
    size, count = struct.unpack_from("<HH", code, 58)
    if size != _HEADER_SIZE:
        raise UnknownObjectError("headers of sections of another size")
    found = [
        _Section(*struct.unpack_from("<IIQQQQIIQQ", code, start + n * size)) for n in range(count)
    ]
    if any(x.offset + x.size > len(code) or x.alignment > _PAGE for x in found):
        raise UnknownObjectError("a section ends beyond the object")
    return found


def _entries(section: _Section) -> range:
    """Return where each symbol or relocation of a section begins."""
    if section.entry_size != _ENTRY_SIZE or section.size % _ENTRY_SIZE:
        raise UnknownObjectError("symbols or relocations of another size")
    return range(section.offset, section.offset + section.size, _ENTRY_SIZE)


def _symbols(code: bytes, sections: list[_Section]) -> list[_Symbol]:
    found = []
    for section in sections:
        if section.kind != _SYMBOLS:
            continue
        names = sections[section.link].offset
        for at in _entries(section):
            name, _, _, number, value, _ = struct.unpack_from("<IBBHQQ", code, at)
            end = code.index(0, names + name)
            number = -1 if number >= _FIRST_RESERVED else number
            if number > _ELSEWHERE and value > sections[number].size:
                raise UnknownObjectError("a symbol lies beyond its section")
            found.append(_Symbol(code[names + name : end].decode(), number, value))
    return found


def _laid_out(sections: list[_Section]) -> tuple[dict[int, int], int]:
    """Return where each section that has a place in memory begins, and where the last one ends."""
    places, end = {}, 0
    for number, section in enumerate(sections):
        if section.flags & _ALLOCATED and section.size and section.kind != _UNWINDING:
            if section.kind != _BYTES:
                raise UnknownObjectError(f"a section of kind {section.kind}")
            end = -(-end // max(1, section.alignment)) * max(1, section.alignment)
            places[number] = end
            end += section.size
    return places, -(-end // _JUMP_SIZE) * _JUMP_SIZE


def _address_of(name: str) -> int:
    """Return where a function of the C library is."""
    try:
        return ctypes.cast(ctypes.CDLL(None)[name], ctypes.c_void_p).value or 0
    except AttributeError:
        raise UnknownObjectError(f"no library that is loaded has {name}") from None


def _executable(content: bytes) -> mmap.mmap:
    """Return memory with a content that can be executed, and not be written to any more."""
    memory = mmap.mmap(-1, max(1, len(content)), flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory[: len(content)] = content
    allows = mmap.PROT_READ | mmap.PROT_EXEC
    protect: Any = ctypes.CDLL(None).mprotect
    protect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    if protect(_address(memory), len(memory), allows):
        raise UnknownObjectError("this system makes no memory executable")
    return memory


def _address(memory: mmap.mmap) -> int:
    return ctypes.addressof(ctypes.c_char.from_buffer(memory))
