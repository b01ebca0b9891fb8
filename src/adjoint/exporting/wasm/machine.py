"""The machine that runs WebAssembly, with vectors of 128 bits, and what is assembled for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ...compiler.native.machine import Machine, machine_elsewhere
from ...compiler.native.target import Target
from ..refusal import ExportError
from .arithmetic import refused, with_arithmetic
from .binary import marked
from .linker import Linked, UnlinkableError, link

# Every browser since 2023 has these, and node since version 16.
_FEATURES = "+simd128,+bulk-memory,+sign-ext,+nontrapping-fptoint"
TARGET = Target(vector_bytes=16, registers=16, fuses=False, has_wide_products=False)


def machine() -> Machine:
    """Return the machine.

    Raises
    ------
    ImportError
        If llvmlite is not installed.
    """
    return machine_elsewhere("wasm32-unknown-unknown", TARGET, features=_FEATURES)


def module(text: str, exports: Sequence[str], blocks: Mapping[int, bytes], end: int) -> Linked:
    """Return a module of a text in LLVM's language, see `link`, with a mark of its own.

    Raises
    ------
    ExportError
        If it needs a function that is not part of it.
    """
    code = machine().assemble(with_arithmetic(text))
    try:
        linked = link(code, exports, blocks, end)
    except UnlinkableError as error:
        raise ExportError(refused(error)) from None
    return linked._replace(module=marked(linked.module))
