"""A whole file is written all or not at all, whatever happens on the way."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

MARK = ".adjoint-part"
# Errors of a disk or device, which the system reports without the name of the file.
_OF_A_DISK = tuple(
    getattr(errno, name) for name in ("ENOSPC", "EDQUOT", "EFBIG", "EIO") if hasattr(errno, name)
)
_DESCRIPTORS = re.compile(r"/dev/fd|/proc/(\d+)(/task/\d+)?/fd")


def write_whole(
    path: str | os.PathLike[str], content: bytes, *, mode: int = 0o666, flush: bool = True
) -> None:
    """Write a file's content: the path holds what it held before, or all of this.

    As `whole_file` does.
    """
    with whole_file(path, mode=mode, flush=flush) as file:
        file.write(content)


@contextlib.contextmanager
def whole_file(
    path: str | os.PathLike[str], *, mode: int = 0o666, flush: bool = True
) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of the path's once the ``with`` block ends well.

    Until then it lies beside the path, in a file that is flushed to the disk and then renamed. What
    a process that was killed on the way has left behind is removed the next time. A link is
    followed, and the permissions of a file that is there are kept. What is no regular file, a
    device, a pipe or ``/dev/stdout``, is never replaced: it is written to as it stands.

    Parameters
    ----------
    path : str or path
    mode : int
        The permissions of a new file, of which the process's umask takes some away.
    flush : bool
        Whether to wait for the disk, so that the file outlives a loss of power too.

    Raises
    ------
    OSError
        If that is not possible; nothing has changed then. It names the path.
    """
    with _named_in_errors(path), _whole_file(path, mode, flush=flush) as file:
        yield file


@contextlib.contextmanager
def _named_in_errors(path: str | os.PathLike[str]) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.filename is None and error.errno in _OF_A_DISK:
            error.filename = os.fspath(path)
        raise


@contextlib.contextmanager
def _whole_file(path: str | os.PathLike[str], mode: int, *, flush: bool) -> Iterator[BinaryIO]:
    if (descriptor := _descriptor(path)) is not None:
        with os.fdopen(descriptor, "wb") as file:
            yield file
        return
    if _is_special(path):
        with open(path, "wb") as file:
            yield file
        return
    target = Path(os.path.realpath(path))
    remove_parts(target.parent, f"{target.name}.")
    # In the same folder: only within one file system does a rename replace a file in one piece.
    part = target.with_name(f"{target.name}.{os.getpid()}-{os.urandom(4).hex()}{MARK}")
    try:
        with _created(part, target, mode) as file:
            yield file
            file.flush()
            if flush:
                os.fsync(file.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    # The rename itself is an entry of the folder, and lost with the power unless that is flushed
    # too.
    if flush:
        _flush_folder(target.parent)


def _is_special(path: str | os.PathLike[str]) -> bool:
    """Return whether there is something that is no regular file: a device, a pipe, a folder."""
    try:
        return not stat.S_ISREG(os.stat(path).st_mode)
    except FileNotFoundError:
        return False


def _descriptor(path: str | os.PathLike[str]) -> int | None:
    """Return a copy of the open file of this process that a path stands for, if it does for one.

    To open ``/dev/stdout`` anew would begin at the start of a file that output is redirected to.
    """
    place = os.path.abspath(path)
    for _ in range(40):  # links to links: no system follows more
        folder, name = os.path.split(place)
        found = _DESCRIPTORS.fullmatch(os.path.realpath(folder))
        if found and name.isdecimal() and (found[1] or str(os.getpid())) == str(os.getpid()):
            if int(name) in (1, 2):
                (sys.stdout if name == "1" else sys.stderr).flush()
            return os.dup(int(name))
        if not os.path.islink(place):
            return None
        place = os.path.abspath(os.path.join(folder, os.readlink(place)))
    return None


def _created(part: Path, target: Path, mode: int) -> BinaryIO:
    """Return a new file; an error names the one that was asked for."""
    flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_BINARY", 0)
    try:
        return os.fdopen(os.open(part, flags, mode), "wb")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(target)) from error


def remove_parts(folder: Path, start: str = "") -> None:
    """Remove parts of files that begin so by processes that are no more."""
    for part in folder.glob(f"*{MARK}"):
        owner = part.name.removesuffix(MARK).rpartition(".")[2].partition("-")[0]
        if part.name.startswith(start) and owner.isdigit():
            with contextlib.suppress(OSError):
                if not _is_alive(int(owner)):
                    part.unlink()


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return True
    if os.name == "nt":  # there kill would end it
        return False
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _flush_folder(folder: Path) -> None:
    """Let the new name outlive a loss of power, where a folder can be flushed."""
    with contextlib.suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
