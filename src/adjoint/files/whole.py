"""A file is written whole or not at all, whatever happens on the way."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_MARK = ".adjoint-part"


def write_whole(path: str | os.PathLike[str], content: bytes) -> None:
    """Write a file's content: the path holds what it held before, or all of this.

    As `whole_file` does.
    """
    with whole_file(path) as file:
        file.write(content)


@contextlib.contextmanager
def whole_file(path: str | os.PathLike[str]) -> Iterator[BinaryIO]:
    """Give a file to write, which takes the place of the path's once the ``with`` block ends well.

    It lies beside the path meanwhile, and is flushed to the disk. What a process that was killed on
    the way has left behind is removed the next time. A link is followed, and the permissions of a
    file that is there are kept.

    Raises
    ------
    OSError
        If that is not possible; nothing has changed then.
    """
    target = Path(os.path.realpath(path))
    _remove_parts(target)
    part = target.with_name(f"{target.name}.{os.getpid()}-{secrets.token_hex(4)}{_MARK}")
    try:
        with _created(part, target) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        if target.exists():
            part.chmod(target.stat().st_mode & 0o777)
        os.replace(part, target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    _flush_folder(target.parent)


def _created(part: Path, target: Path) -> BinaryIO:
    """Return a new file; an error names the one that was asked for."""
    try:
        return part.open("xb")
    except OSError as error:
        raise type(error)(error.errno, error.strerror, str(target)) from error


def _remove_parts(target: Path) -> None:
    """Remove parts of this file by processes that are no more."""
    for part in target.parent.glob(f"{target.name}.*{_MARK}"):
        owner = part.name.removeprefix(f"{target.name}.").partition("-")[0]
        if owner.isdigit() and not _is_alive(int(owner)):
            part.unlink(missing_ok=True)


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return True
    if os.name == "nt":  # there kill would end it
        return False
    try:
        os.kill(process, 0)
    except ProcessLookupError:
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
