"""A user's file is run as a script, and names functions and the inputs to call them with.

``NAME_inputs`` is a tuple of arrays for ``NAME``, or a function of a `numpy.random.Generator` that
returns one; ``inputs`` alone is for the function ``forward``.
"""

from __future__ import annotations

import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

INPUTS = "inputs"


class SourceFileError(Exception):
    """A file that cannot be run, or lacks what is needed; the message is one line."""


def names_in(path: Path, run_name: str) -> dict[str, Any]:
    """Return the names that a file defines, run as Python runs a script: beside its neighbours.

    Raises
    ------
    SourceFileError
        If it raises.
    """
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return runpy.run_path(str(path), run_name=run_name)
    except SyntaxError as error:
        raise SourceFileError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise SourceFileError(told(error, path)) from error
    finally:
        sys.path.pop(0)


def named_by(key: str) -> str | None:
    """Return the name in that of its inputs, or None if a name is not one of inputs.

    >>> named_by("loss_inputs"), named_by("inputs"), named_by("loss"), named_by("_inputs")
    ('loss', '', None, None)
    """
    if key == INPUTS:
        return ""
    stem = key.removesuffix(f"_{INPUTS}")
    return stem if stem and stem != key and not key.startswith("_") else None


def as_arguments(inputs: object) -> tuple[Any, ...]:
    """Return the arguments of a call: those of a tuple or list, or the one that there is."""
    return tuple(inputs) if isinstance(inputs, (tuple, list)) else (inputs,)


def told(error: BaseException, path: Path) -> str:
    """Return an error of the user's code in one line, with the place in the file."""
    said = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return f"{path}{line_of(error, path)}: {said}"


def line_of(error: BaseException, path: Path) -> str:
    """Return the innermost line of the file itself through which an error came."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    return f", line {own[-1]}" if own else ""
