"""The cache keeps object code under a digest of all that it was made of, in memory and on disk.

The text that LLVM translates says all of the graph and of how it was lowered; with the processor
and the versions it is the whole key. Files are private to the user, written whole or not at all,
and checked before LLVM sees them: a damaged object would crash the process.
"""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections import OrderedDict
from pathlib import Path

from .machine import Machine, this_machine

_IN_MEMORY = 64
_ON_DISK = 256
_DIGEST = hashlib.sha256().digest_size

_memory: OrderedDict[str, bytes] = OrderedDict()


def object_code(text: str) -> bytes:
    """Return the object code of a module in LLVM's language, translated or remembered.

    The environment variable ADJOINT_CACHE names another folder than ``~/.cache/adjoint``; empty, it
    keeps everything off the disk.
    """
    machine = this_machine()
    key = _key(text, machine)
    if key in _memory:
        _memory.move_to_end(key)
        return _memory[key]
    code = _read(key)
    if code is None:
        code = machine.assemble(text)
        _write(key, code)
    _memory[key] = code
    if len(_memory) > _IN_MEMORY:
        _memory.popitem(last=False)
    return code


def _key(text: str, machine: Machine) -> str:
    from llvmlite import __version__, binding

    parts = (__version__, repr(binding.llvm_version_info), machine.cpu, machine.features, text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _folder() -> Path | None:
    """Return the folder, made private to the user, or None if there is none to be trusted."""
    chosen = os.environ.get("ADJOINT_CACHE")
    if chosen == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(chosen) if chosen else Path(base) / "adjoint"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.stat()
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    # What others may write might be anything, and it would be executed.
    return folder if mine and not status.st_mode & 0o022 else None


def _read(key: str) -> bytes | None:
    """Return what is on disk and undamaged."""
    try:
        folder = _folder()
        content = (folder / f"{key}.o").read_bytes() if folder else b""
    except (OSError, RuntimeError):
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    return code if code and hashlib.sha256(code).digest() == digest else None


def _write(key: str, code: bytes) -> None:
    """Put code on disk, if that is possible; of two writers the last wins, with the same bytes."""
    try:
        folder = _folder()
        if folder is None:
            return
        handle, name = tempfile.mkstemp(dir=folder)
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(hashlib.sha256(code).digest() + code)
            os.replace(name, folder / f"{key}.o")
        except BaseException:
            os.unlink(name)
            raise
        _prune(folder)
    except (OSError, RuntimeError):
        return


def _prune(folder: Path) -> None:
    """Remove the files that were written longest ago, beyond a number of them."""
    files = sorted(folder.glob("*.o"), key=lambda file: file.stat().st_mtime)
    for file in files[:-_ON_DISK]:
        file.unlink(missing_ok=True)
