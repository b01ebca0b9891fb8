"""A rescue finds out before the work whether its result can be written, and keeps it if not.

A missing package or a folder that takes no files must not come to light after hours of training.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from ..errors import TableError

# The command line shows only the text of these, which must say it all; others get a note.
_SHOWN = (OSError, MemoryError, ImportError, TableError, KeyboardInterrupt)


def check_file_place(path: str | os.PathLike[str]) -> None:
    """Find out whether a file can be written, and leave no trace.

    Raises
    ------
    OSError
        If its folder is not there or takes no files, or the path is that of a folder.
    """
    given = Path(path)
    if given.is_dir():
        raise IsADirectoryError(f"{path}: a folder; expected the path of a file")
    if given.exists() and not given.is_file():
        return  # a device or a pipe, which is not replaced
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(f"{path}: a link that leads to itself; choose another path")
    _check_takes_files(target.parent, path)
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"{path}: this file must not be written to; choose another path")


def check_folder_place(path: Path) -> None:
    """Find out whether a folder can be made, or files in it if it is there; leave no trace.

    Raises
    ------
    OSError
        If not.
    """
    nearest = next((x for x in (path, *path.parents) if os.path.lexists(x)), Path())
    _check_takes_files(nearest, path)


def _check_takes_files(folder: Path, path: str | os.PathLike[str]) -> None:
    try:
        with tempfile.TemporaryDirectory(prefix=".adjoint-", dir=folder):
            pass
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        text = f"{path}: nothing can be written to the folder {str(folder)!r}: {reason}"
        raise type(error)(text) from error


@contextlib.contextmanager
def rescued(save: Callable[[Path], object], name: str) -> Iterator[None]:
    """Keep a result elsewhere if the ``with`` block fails or is interrupted, and say where.

    Parameters
    ----------
    save : callable
        Writes the result to a path.
    name : str
        The last part of that path, in a new folder for temporary files.
    """
    try:
        yield
    except (Exception, KeyboardInterrupt) as error:
        place = _kept(save, name)
        if place is None:
            raise
        text = f"what was trained is kept in {place}"
        if isinstance(error, _SHOWN):
            raise type(error)(f"{str(error) or _unsaid(error)}; {text}") from error
        error.add_note(text)
        raise


def _unsaid(error: BaseException) -> str:
    """Return what an error means that says nothing."""
    return "interrupted" if isinstance(error, KeyboardInterrupt) else "out of memory"


def _kept(save: Callable[[Path], object], name: str) -> Path | None:
    """Return where a result is kept; None where that fails as well."""
    try:
        place = Path(tempfile.mkdtemp(prefix="adjoint-")) / name
        save(place)
    except Exception:  # the first error is the one to be told of
        return None
    return place
