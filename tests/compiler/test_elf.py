"""Object files of Linux: loaded without LLVM where they are of a known kind, else left to it."""

import contextlib
import ctypes
import platform
import struct
import sys

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native import elf, machine
from adjoint.compiler.native.elf import LoadedObject, UnknownObjectError
from adjoint.compiler.native.machine import Library, this_machine

IS_KNOWN = (sys.platform, platform.machine()) == ("linux", "x86_64")
known = pytest.mark.skipif(not IS_KNOWN, reason="objects of another kind")

TEXT = """
declare double @fmod(double, double)
@table = private constant [3 x double] [double 2.0, double 3.0, double 5.0]
define double @entry(i64 %n) {
  %at = getelementptr double, ptr @table, i64 %n
  %x = load double, ptr %at
  %y = call double @twice(double %x)
  ret double %y
}
define internal double @twice(double %x) {
  %y = fadd double %x, %x
  %z = call double @fmod(double %y, double 7.0)
  ret double %z
}
"""


@pytest.fixture(scope="module")
def code():
    return this_machine().assemble(TEXT)


def entries(library):
    function = library.function("entry", ctypes.c_double, ctypes.c_int64)
    return [function(n) for n in range(3)]


def test_constants_and_functions_are_found(code):
    assert entries(Library(code, ["entry"])) == [4.0, 6.0, 3.0]


def test_what_is_not_known_is_linked_by_llvm(code, monkeypatch):
    def refuse(code):
        raise UnknownObjectError("of another kind")

    monkeypatch.setattr(machine, "LoadedObject", refuse)
    assert entries(Library(code, ["entry"])) == [4.0, 6.0, 3.0]


@known
def test_the_memory_cannot_be_written_to(code):
    loaded = LoadedObject(code)
    address = loaded["entry"]
    with open("/proc/self/maps", encoding="ascii") as file:
        spans = [line.split()[:2] for line in file]
    for span, mode in spans:
        start, stop = (int(end, 16) for end in span.split("-"))
        if start <= address < stop:
            assert mode == "r-xp"
            return
    pytest.fail("it is in no memory of the process")


@known
def test_an_unknown_function_and_an_unknown_relocation_are_refused(code):
    for wrong in (code.replace(b"\0fmod\0", b"\0fmox\0"), code.replace(b"\x7fELF", b"\x7fElF")):
        assert wrong != code
        with pytest.raises(UnknownObjectError):
            LoadedObject(wrong)
    marks = [at for at in range(len(code) - 4) if code[at : at + 4] == struct.pack("<I", 4)]
    refused = 0
    for at in marks:
        try:
            LoadedObject(code[:at] + struct.pack("<I", 99) + code[at + 4 :])
        except UnknownObjectError:
            refused += 1
    assert refused


@known
def test_a_damaged_object_raises_nothing_else(code):
    for length in range(0, len(code), 7):
        with pytest.raises(UnknownObjectError):
            LoadedObject(code[:length])
    for damaged in damaged_objects(code):
        with contextlib.suppress(UnknownObjectError):
            loaded = LoadedObject(damaged)
            start = elf._address(loaded._memory)
            stop = start + len(loaded._memory)
            assert all(start <= place < stop for place in loaded._addresses.values())


def damaged_objects(code):
    """Give objects with other bytes, and with other numbers, in all that is not instructions."""
    rng = np.random.default_rng(0)
    sections = elf._sections(code)
    tables = [x for x in sections if x.kind in (elf._SYMBOLS, elf._RELOCATIONS)]
    spans = [(0, 64), (len(code) - 64 * len(sections), len(code))]
    spans += [(x.offset, x.offset + x.size) for x in tables]
    places = [at for start, stop in spans for at in range(start, stop, 4)]
    for at in places:
        for number in (0, 2, 0x7FFFFFFF, 0xFFFFFFFF, len(code)):
            yield code[:at] + struct.pack("<I", number) + code[at + 4 :]
    for _ in range(500):
        damaged = bytearray(code)
        for at in rng.integers(len(code), size=3):
            damaged[at] = rng.integers(256)
        yield bytes(damaged)


@known
def test_only_an_object_with_the_functions_is_sound(code):
    assert elf.is_sound(code, ["entry"])
    assert not elf.is_sound(code, ["entry", "other"])
    assert not elf.is_sound(code[:-1], ["entry"])
    assert not elf.is_sound(code.replace(b"\0fmod\0", b"\0_name\0"), ["entry"])
    (first, *_) = [x for x in elf._sections(code) if x.kind == elf._RELOCATIONS]
    far = struct.pack("<Q", first.size + 1_000_000)
    assert not elf.is_sound(code[: first.offset] + far + code[first.offset + 8 :], ["entry"])


@known
def test_no_executable_memory_leaves_it_to_llvm(code, monkeypatch):
    def refuse(content):
        raise UnknownObjectError("this system makes no memory executable")

    monkeypatch.setattr(elf, "_executable", refuse)
    assert entries(Library(code, ["entry"])) == [4.0, 6.0, 3.0]


def test_functions_live_as_long_as_what_was_compiled():
    x = np.linspace(0, 1, 50)
    kept = [ad.compile(lambda x, n=n: np.sum(np.sin(x * n))) for n in range(20)]
    expected = [f(x) for f in kept]
    del kept[::2]
    assert [f(x) for f in kept] == expected[1::2]
