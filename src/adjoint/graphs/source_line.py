"""A source line is where in the user's own program something happened."""

from __future__ import annotations

import functools
import linecache
import sys
import sysconfig
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

_PACKAGE = str(Path(__file__).parents[1])
_NUMPY = str(Path(np.__file__).parent)
_PATHS = sysconfig.get_paths()
_INSTALLED = tuple({_PATHS[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")})


class SourceLine(NamedTuple):
    """A file and the number of a line in it, from 1."""

    file: str
    number: int

    @property
    def text(self) -> str:
        """The text of the line; empty if the file cannot be read."""
        return linecache.getline(self.file, self.number).strip()

    def __str__(self) -> str:
        return f"{self.file}:{self.number}"


def users_line() -> SourceLine | None:
    """Return the innermost line of the stack that the user wrote.

    Lines of this package and of NumPy are passed over, and those of other installed libraries if a
    line of the user's stands above them: an error inside a library's call is shown at that call.
    """
    frame: Any = sys._getframe(1)
    fallback = None
    while frame is not None:
        owner = _owner(frame.f_code.co_filename)
        if owner == "user":
            return SourceLine(frame.f_code.co_filename, frame.f_lineno)
        if owner == "library" and fallback is None:
            fallback = SourceLine(frame.f_code.co_filename, frame.f_lineno)
        frame = frame.f_back
    return fallback


@functools.lru_cache(1024)
def _owner(file: str) -> str:
    if file.startswith((_PACKAGE, _NUMPY, "<frozen", "<__array_function__")):
        return "engine"
    return "library" if file.startswith(_INSTALLED) else "user"
