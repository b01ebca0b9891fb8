"""A machine makes object code of text in LLVM's language, for this computer or for another."""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import itertools
import os
import sys
import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...errors import PortableWarning, require
from .elf import LoadedObject, UnknownObjectError
from .target import Target

# Without "alignstack" the registers that a large function puts aside lie at an address that
# differs from process to process, often across two lines of the cache: LLVM decides how to align
# the stack before it knows of them. Without the other attributes it uses only half of the widest
# registers on some processors, whose clock used to slow down otherwise.
ATTRIBUTES = (
    "attributes #0 = { nounwind alignstack=64"
    ' "prefer-vector-width"="512" "min-legal-vector-width"="512" }'
)

# What Linux says of a processor: of those with x86's instructions, and of ARM's.
_LASTING = (
    *("vendor_id", "cpu family", "model", "model name", "stepping", "flags"),
    *("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision", "Features"),
)

# The systems of triples in which the vendor may be left out.
_SYSTEMS = ("linux", "none")

_libraries = itertools.count()


class Machine(NamedTuple):
    """LLVM's code generator for a processor, and what decides how code for it is written.

    Attributes
    ----------
    generator
        LLVM's target machine.
    cpu, features : str
        What LLVM calls the processor, and what it adds to or takes from that one.
    target : Target
    """

    generator: Any
    cpu: str
    features: str
    target: Target

    @property
    def key(self) -> tuple[object, ...]:
        """What tells code for this machine from all other code that LLVM could make."""
        binding = importlib.import_module("llvmlite.binding")
        version = repr(binding.llvm_version_info)
        return str(self.generator.triple), self.cpu, self.features, self.target, version

    def assemble(self, text: str) -> bytes:
        """Return the object code of a module in LLVM's language.

        LLVM's optimisation passes do not run, only its code generation. The text is already written
        as it shall be executed, and the passes would take longer than everything else.
        """
        from llvmlite import binding

        module = binding.parse_assembly(text)
        module.verify()
        module.triple = self.generator.triple
        module.data_layout = str(self.generator.target_data)
        return bytes(self.generator.emit_object(module))


@functools.cache
def warn_once(reason: str) -> None:
    """Warn once that compiled programs run in the portable tier for want of llvmlite."""
    warnings.warn(
        f"compiled programs run as NumPy code, which is slower: {reason}",
        PortableWarning,
        stacklevel=2,
    )


@functools.cache
def this_machine() -> Machine:
    """Return the machine for this computer.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    binding: Any = require("llvmlite.binding", extra="native", purpose="native code")
    _hold_through_forks_once(binding)
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    cpu = binding.get_host_cpu_name()
    generator = binding.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features.flatten(), opt=1, reloc="pic", codemodel="default", jit=True
    )
    # 64 bytes need AVX-512 with DQ, which has the conversions of 64-bit integers.
    widest = 64 if features.get("avx512dq") else 32 if features.get("avx2") else 16
    # AVX-512 and the 64-bit ARM have 32 vector registers, older x86 half as many.
    registers = 32 if widest == 64 or generator.triple.startswith(("aarch64", "arm64")) else 16
    target = Target(
        widest,
        registers,
        has_permutes=widest == 64,
        keeps_registers=generator.triple.startswith("x86_64"),
    )
    return Machine(generator, cpu, features.flatten(), target)


@functools.cache
def machine_elsewhere(triple: str, target: Target, *, cpu: str = "", features: str = "") -> Machine:
    """Return a machine that code is written for here, and that runs it elsewhere.

    Parameters
    ----------
    triple : str
        Architecture, vendor, system and, if there is one, the binary interface; see `normalised`.
    target : Target
    cpu, features : str
        As LLVM names them.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    binding: Any = require("llvmlite.binding", extra="native", purpose="native code")
    _hold_through_forks_once(binding)
    binding.initialize_all_targets()
    binding.initialize_all_asmprinters()
    generator = binding.Target.from_triple(normalised(triple)).create_target_machine(
        cpu=cpu, features=features, opt=1, reloc="static", codemodel="default", jit=False
    )
    return Machine(generator, cpu, features, target)


def normalised(triple: str) -> str:
    """Return a triple with its vendor, which LLVM does not put in.

    Without it LLVM takes the system for the vendor: "thumbv7em-none-eabi" would have no binary
    interface at all, and other functions would be called in another way.
    """
    parts = triple.split("-")
    if len(parts) == 3 and parts[1] in _SYSTEMS:
        parts.insert(1, "unknown")
    return "-".join(parts)


@functools.cache
def identity() -> tuple[str, ...]:
    """Return what tells apart all processors, and all versions of LLVM, for which code differs.

    Where the system tells the processor's features, LLVM is not loaded, which takes longer than to
    read code that it once made.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    package = None
    if sys.modules.get("llvmlite", True):  # None is how tests hide a package
        package = getattr(importlib.util.find_spec("llvmlite"), "origin", None)
    processor = None if package is None else _processor()
    if package is None or processor is None:
        machine = this_machine()
        binding = importlib.import_module("llvmlite.binding")
        return machine.cpu, machine.features, repr(binding.llvm_version_info)
    status = os.stat(package)  # another version of llvmlite is another file
    return processor, package, f"{status.st_mtime_ns} {status.st_size}"


def _processor() -> str | None:
    """Return how Linux describes the first of the processors, but for what changes; else None."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
            lines = list(itertools.takewhile(str.strip, file))
    except OSError:
        return None
    named = (line.partition(":")[::2] for line in lines)
    found = {name.strip(): text.strip() for name, text in named}
    known = {name: text for name, text in found.items() if name in _LASTING}
    return repr(known) if {"flags", "Features"} & known.keys() else None


@functools.cache
def _hold_through_forks_once(binding: Any) -> None:
    """Let a fork wait until no thread is inside LLVM.

    llvmlite lets one thread at a time into LLVM. A child has none of the other threads: a lock that
    one of them held would stay closed for ever, and LLVM's data might be half changed.
    """
    lock = getattr(binding.ffi.lib, "_lock", None)
    if lock is not None and hasattr(os, "register_at_fork"):

        def leave() -> None:
            lock.__exit__(None, None, None)

        os.register_at_fork(before=lock.__enter__, after_in_parent=leave, after_in_child=leave)


class Library:
    """Object code in memory; its functions live as long as it does."""

    def __init__(self, code: bytes, names: Sequence[str]) -> None:
        self._places: Any
        try:
            self._places = LoadedObject(code)
        except UnknownObjectError:
            self._places = _linked(code, names)

    def address(self, name: str) -> int:
        """Return where a function is."""
        found: int = self._places[name]
        return found

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function that `ctypes` calls while other threads run."""
        return ctypes.CFUNCTYPE(result, *arguments)(self.address(name))

    def short_function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function that keeps the interpreter's lock: faster to call if it is short."""
        return ctypes.PYFUNCTYPE(result, *arguments)(self.address(name))


def _linked(code: bytes, names: Sequence[str]) -> Any:
    """Return the addresses of an object's functions, which LLVM links."""
    from llvmlite import binding

    builder = binding.JITLibraryBuilder().add_object_img(code).add_current_process()
    for name in names:
        builder = builder.export_symbol(name)
    return builder.link(_linker(), f"adjoint{next(_libraries)}")


@functools.cache
def _linker() -> Any:
    from llvmlite import binding

    # Code reads its constants relative to where it stands, up to 2 GiB away. LLVM's newer linker
    # puts all of one object into one block. The older one looks for a place for each section, and
    # in a process of many gigabytes these can be too far apart.
    return binding.create_lljit_compiler(this_machine().generator, use_jit_link=True)
