"""The machine is this computer's processor: it makes text in LLVM's language callable functions."""

from __future__ import annotations

import ctypes
import functools
import itertools
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ...errors import PortableWarning, require

# Without these attributes LLVM uses only half of the widest registers on some processors, whose
# clock used to slow down otherwise.
ATTRIBUTES = (
    'attributes #0 = { nounwind "prefer-vector-width"="512" "min-legal-vector-width"="512" }'
)

_libraries = itertools.count()


@dataclass(frozen=True)
class Machine:
    """The processor, and its properties that decide how code is written.

    Attributes
    ----------
    vector_bytes, registers : int
        The size of a vector register, and how many there are.
    """

    target: Any
    cpu: str
    features: str
    vector_bytes: int
    registers: int

    def width(self, kind_size: int) -> int:
        """Return how many numbers of a size fill a vector register."""
        return self.vector_bytes // kind_size

    def assemble(self, text: str) -> bytes:
        """Return the object code of a module in LLVM's language.

        LLVM's optimisation passes do not run, only its code generation. The text is already written
        as it shall be executed, and the passes would take longer than everything else.
        """
        from llvmlite import binding

        module = binding.parse_assembly(text)
        module.verify()
        module.triple = self.target.triple
        module.data_layout = str(self.target.target_data)
        return bytes(self.target.emit_object(module))


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
    """Return this computer's processor.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    binding: Any = require("llvmlite.binding", extra="native", purpose="native code")
    _hold_through_forks(binding)
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    features = binding.get_host_cpu_features()
    cpu = binding.get_host_cpu_name()
    target = binding.Target.from_default_triple().create_target_machine(
        cpu=cpu, features=features.flatten(), opt=2, reloc="pic", codemodel="default", jit=True
    )
    # 64 bytes need AVX-512 with DQ, which has the conversions of 64-bit integers.
    widest = 64 if features.get("avx512dq") else 32 if features.get("avx2") else 16
    # AVX-512 and the 64-bit ARM have 32 vector registers, older x86 half as many.
    registers = 32 if widest == 64 or target.triple.startswith(("aarch64", "arm64")) else 16
    return Machine(target, cpu, features.flatten(), widest, registers)


def _hold_through_forks(binding: Any) -> None:
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
        from llvmlite import binding

        self._jit = _linker()
        builder = binding.JITLibraryBuilder().add_object_img(code).add_current_process()
        for name in names:
            builder = builder.export_symbol(name)
        self._tracker = builder.link(self._jit, f"adjoint{next(_libraries)}")

    def address(self, name: str) -> int:
        """Return where a function is."""
        found: int = self._tracker[name]
        return found

    def function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function that `ctypes` calls while other threads run."""
        return ctypes.CFUNCTYPE(result, *arguments)(self._tracker[name])

    def short_function(self, name: str, result: Any, *arguments: Any) -> Any:
        """Return a function that keeps the interpreter's lock: faster to call if it is short."""
        return ctypes.PYFUNCTYPE(result, *arguments)(self._tracker[name])


@functools.cache
def _linker() -> Any:
    from llvmlite import binding

    # Code reads its constants relative to where it stands, up to 2 GiB away. LLVM's newer linker
    # puts all of one object into one block. The older one looks for a place for each section, and
    # in a process of many gigabytes these can be too far apart.
    return binding.create_lljit_compiler(this_machine().target, use_jit_link=True)
