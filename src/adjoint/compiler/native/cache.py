"""The cache keeps object code under a digest of all that it was made of, in memory and on disk.

The text that LLVM translates says all of the graph and of how it was lowered; with the processor
and the versions it is the whole key. What is on disk will be executed, so that it must be the
user's own: folder and files are private to the user, written whole or not at all, and checked
before LLVM sees them. The checksum covers the key too: the code of another key is none of this.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import threading
from collections import OrderedDict
from pathlib import Path

from ...files.whole_file import remove_parts, write_whole
from .machine import Machine, this_machine

_IN_MEMORY = 64
_ON_DISK = 256
_DIGEST = hashlib.sha256().digest_size
# Others may not write there.
_OTHERS_WRITE = 0o022

_memory: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def _renew_lock() -> None:
    """Let a forked child have a lock of its own: that of before may be held by no thread of it."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def object_code(text: str) -> bytes:
    """Return the object code of a module in LLVM's language, translated or remembered.

    The environment variable ADJOINT_CACHE names another folder than ``~/.cache/adjoint``; empty, it
    keeps everything off the disk.
    """
    machine = this_machine()
    key = _key(text, machine)
    code = _recall(key)
    if code is None:
        code = _read(key)
        if code is None:
            code = machine.assemble(text)
            _write(key, code)
        _remember(key, code)
    return code


def _recall(key: str) -> bytes | None:
    with _lock:
        if key in _memory:
            _memory.move_to_end(key)
        return _memory.get(key)


def _remember(key: str, code: bytes) -> None:
    with _lock:
        _memory[key] = code
        while len(_memory) > _IN_MEMORY:
            _memory.popitem(last=False)


def _key(text: str, machine: Machine) -> str:
    from llvmlite import __version__, binding

    parts = (__version__, repr(binding.llvm_version_info), machine.cpu, machine.features, text)
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def _folder() -> Path | None:
    """Return the folder, made private to the user, or None if there is none to be trusted."""
    chosen = os.environ.get("ADJOINT_CACHE")
    if chosen == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(chosen or os.path.join(base, "adjoint")).expanduser()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder if _is_own(folder.stat()) else None


def _is_own(status: os.stat_result) -> bool:
    """Return whether a file or folder is the user's: what others may write might be anything."""
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return mine and not status.st_mode & _OTHERS_WRITE


def _read(key: str) -> bytes | None:
    """Return what is on disk, the user's own and undamaged."""
    try:
        folder = _folder()
        content = b"" if folder is None else _content(folder / f"{key}.o")
    except (OSError, RuntimeError):  # a home that is not known is a RuntimeError
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    return code if code and digest == _checksum(key, code) else None


def _content(path: Path) -> bytes:
    """Return what is in a regular file of the user's; nothing of links, pipes and others' files."""
    # Without waiting: a pipe has a beginning only once somebody writes to it.
    flags = os.O_RDONLY | getattr(os, "O_BINARY", 0)
    flags |= getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        status = os.fstat(file.fileno())
        return file.read() if _is_private(status) else b""


def _is_private(status: os.stat_result) -> bool:
    return stat.S_ISREG(status.st_mode) and _is_own(status)


def _checksum(key: str, code: bytes) -> bytes:
    return hashlib.sha256(key.encode() + b"\0" + code).digest()


def _write(key: str, code: bytes) -> None:
    """Put code on disk, if that is possible; of two writers the last wins, with the same bytes."""
    try:
        folder = _folder()
        if folder is None:
            return
        path = folder / f"{key}.o"
        _clear(path)
        # A loss of power costs a translation, for which nobody waits for the disk each time.
        write_whole(path, _checksum(key, code) + code, mode=0o600, flush=False)
        _prune(folder)
    except (OSError, RuntimeError):
        return


def _clear(path: Path) -> None:
    """Remove what is not to be trusted: it would be written into, or its mode would be kept."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_private(path.lstat()):
            path.unlink()


def _prune(folder: Path) -> None:
    """Remove what killed processes left, and the files written longest ago beyond a number."""
    remove_parts(folder)
    written = []
    for file in folder.glob("*.o"):
        with contextlib.suppress(OSError):  # another process was faster
            written.append((file.lstat().st_mtime, file))
    for _, file in sorted(written)[:-_ON_DISK]:
        with contextlib.suppress(OSError):
            file.unlink()
