"""The cache keeps object code in memory and on disk, under a digest of all that it depends on.

That is the graph, the machine, and the versions of adjoint and LLVM: code is found before
anything is written for LLVM. What is read from the disk is executed, so it must be the user's own.
The folder and the files are private to the user, are written whole or not at all, and are checked
before they are used. The checksum in a file covers the key, so that the code of another key is not
taken for it. What cannot be read or loaded is made anew even if its checksum fits.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import stat
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from operator import attrgetter

import numpy as np

from ...core.annotations import Array
from ...version import __version__
from ..simplify.fingerprint import Fingerprint
from .elf import is_sound
from .machine import Machine, identity
from .object_code import ObjectCode

_IN_MEMORY = 64
_ON_DISK = 256
_DIGEST = hashlib.sha256().digest_size
# The permission bits by which others may write.
_OTHERS_WRITE = 0o022

# The rooms with what decides which code is written.
_WRITING_ROOMS = ("core", "ops", "special", "graphs", "compiler")
_name = attrgetter("name")

_BEGUN = time.time()
_memory: OrderedDict[str, bytes] = OrderedDict()
_lock = threading.Lock()


def _renew_lock() -> None:
    """Give a forked child a new lock: the old one may be held by a thread that it does not have."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def object_code(
    kind: Hashable,
    prints: Sequence[Fingerprint],
    constants: Sequence[Array],
    make: Callable[[], ObjectCode],
    machine: Machine | None = None,
) -> ObjectCode:
    """Return the object code of graphs, from the cache if it is there.

    Parameters
    ----------
    kind : hashable
        What else the code depends on; its text must say it all.
    prints : sequence of Fingerprint
        Those of the graphs.
    constants : sequence of array
        Theirs too.
    make : callable
        Returns the code where it is not there.
    machine : Machine, optional
        What the code is for, if not for this computer.
    """
    if not all(each.is_lasting for each in prints):
        return make()
    made: list[ObjectCode] = []

    def pack() -> bytes | None:
        made.append(make())
        return made[0].packed(constants)

    is_whole = _is_whole(constants, machine)
    packed = kept(_subject(kind, prints), pack, is_whole, machine)
    return made[0] if made else ObjectCode.unpacked(packed or b"", constants)


def stored_code(
    kind: Hashable, prints: Sequence[Fingerprint], constants: Sequence[Array]
) -> ObjectCode | None:
    """Return what `object_code` would find in the cache, or None: nothing is made."""
    if not all(each.is_lasting for each in prints):
        return None
    packed = kept(_subject(kind, prints), lambda: None, _is_whole(constants, None))
    return None if packed is None else ObjectCode.unpacked(packed, constants)


def code_key(kind: Hashable, prints: Sequence[Fingerprint]) -> str:
    """Return what is equal only for equal graphs and kinds, where code for them is the same."""
    return _key(_subject(kind, prints), None)


def _subject(kind: Hashable, prints: Sequence[Fingerprint]) -> str:
    return repr((kind, *[each.digest for each in prints]))


def _is_whole(constants: Sequence[Array], machine: Machine | None) -> Callable[[bytes], bool]:
    """Return what says whether a record can be used."""

    def is_whole(content: bytes) -> bool:
        try:
            found = ObjectCode.unpacked(content, constants)
        except ValueError:
            return False
        # Code for elsewhere is not loaded here.
        return machine is not None or is_sound(found.code, found.names)

    return is_whole


def kept(
    subject: str,
    make: Callable[[], bytes | None],
    is_whole: Callable[[bytes], bool],
    machine: Machine | None = None,
) -> bytes | None:
    """Return what the cache keeps of a subject for a machine, made if it is not there.

    Without a machine it is code for this computer.

    What is on the disk is made anew unless ``is_whole`` says that it can be used.

    The environment variable ADJOINT_CACHE names another folder than ``~/.cache/adjoint``; empty, it
    keeps everything off the disk. None is not kept.
    """
    key = _key(subject, machine)
    code = _recall(key)
    if code is None:
        code = _read(key)
        if code is None or not is_whole(code):
            code = make()
            if code is None:
                return None
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


def _key(subject: str, machine: Machine | None) -> str:
    # Code reads addresses behind the header of Python's objects, which builds have of two sizes.
    # NumPy computes the constants of a graph from others.
    python = (*sys.version_info, object.__basicsize__, np.__version__)
    place = identity() if machine is None else machine.key
    parts = (__version__, *_authors(), *python, *place, subject)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


@functools.cache
def _authors() -> tuple[str, ...]:
    """Return when the files that write code were changed: not every change is a version."""
    package = os.path.dirname(os.path.dirname(os.path.dirname(__file__)))
    found, latest = [], 0.0
    folders = [os.path.join(package, room) for room in _WRITING_ROOMS]
    while folders:
        with os.scandir(folders.pop()) as entries:
            for entry in sorted(entries, key=_name):
                if entry.name.endswith(".py"):
                    with contextlib.suppress(FileNotFoundError):  # an editor's lock: a dead link
                        status = entry.stat()
                        found.append(f"{entry.name} {status.st_mtime_ns} {status.st_size}")
                        latest = max(latest, status.st_mtime)
                elif entry.name != "__pycache__" and entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
    if latest > _BEGUN:  # what runs here was read before that change: its code is its own
        found.append(f"{os.getpid()} {_BEGUN}")
    return tuple(found)


def _folder() -> str | None:
    """Return the folder, private to the user, or None if no folder can be trusted."""
    chosen = os.environ.get("ADJOINT_CACHE")
    if chosen == "":
        return None
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = os.path.expanduser(chosen or os.path.join(base, "adjoint"))
    if folder.startswith("~"):
        return None  # a home that is not known
    os.makedirs(folder, mode=0o700, exist_ok=True)
    return folder if _is_own(os.stat(folder)) else None


def _is_own(status: os.stat_result) -> bool:
    """Return whether a file or folder belongs to the user, and no one else may write to it."""
    mine = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return mine and not status.st_mode & _OTHERS_WRITE


def _read(key: str) -> bytes | None:
    """Return the code on disk, or None if there is none that is the user's and undamaged."""
    try:
        folder = _folder()
        content = b"" if folder is None else _content(os.path.join(folder, f"{key}.o"))
    except OSError:
        return None
    digest, code = content[:_DIGEST], content[_DIGEST:]
    return code if code and digest == _checksum(key, code) else None


def _content(path: str) -> bytes:
    """Return the content of a regular file of the user, and nothing of links or pipes."""
    # O_NONBLOCK, since to open a pipe would wait until somebody writes to it.
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
    """Write code to the disk if possible; another process may write the same bytes."""
    # Here: code that is in the cache is found without.
    from ...files.whole_file import write_whole

    try:
        folder = _folder()
        if folder is None:
            return
        path = os.path.join(folder, f"{key}.o")
        _clear(path)
        # Not flushed to the disk: what a loss of power can cost is one compilation.
        write_whole(path, _checksum(key, code) + code, mode=0o600, flush=False)
        _prune(folder)
    except OSError:
        return


def _clear(path: str) -> None:
    """Remove a file that cannot be trusted, so that neither it nor its mode is taken over."""
    with contextlib.suppress(FileNotFoundError):
        if not _is_private(os.lstat(path)):
            os.unlink(path)


def _prune(folder: str) -> None:
    """Remove unfinished files of killed processes, and the oldest files beyond a number."""
    from pathlib import Path

    from ...files.whole_file import remove_parts

    remove_parts(Path(folder))
    written = []
    for file in Path(folder).glob("*.o"):
        with contextlib.suppress(OSError):  # another process was faster
            written.append((file.lstat().st_mtime, file))
    for _, file in sorted(written)[:-_ON_DISK]:
        with contextlib.suppress(OSError):
            file.unlink()
