"""A source file names forward and backward passes, and the inputs to review them with."""

from __future__ import annotations

import dataclasses
import runpy
import sys
import traceback
from pathlib import Path
from typing import Any

from .report import BackwardReview
from .review import check_backward

_INPUTS = "inputs"


class SourceFileError(Exception):
    """A file that cannot be run, or in which nothing can be reviewed; the message is one line."""


def review_file(path: Path) -> list[BackwardReview]:
    """Review every backward pass that a Python file names inputs for.

    The file is run. ``inputs`` in it, a tuple of arrays or a function of a `numpy.random.Generator`
    that returns one, is for the functions ``forward`` and ``backward``; ``NAME_inputs`` is for
    ``NAME_forward`` and ``NAME_backward``, or for the object or class ``NAME`` with methods
    ``forward`` and ``backward``.

    Raises
    ------
    SourceFileError
        If the file raises, names nothing to review, or names what cannot be called.
    """
    space = _run(path)
    names = {key: name for key in space if (name := _subject(key)) is not None}
    if not names:
        raise SourceFileError(
            f"{path}: nothing to check; give the arrays to call the passes with a name: inputs for "
            "forward and backward, NAME_inputs for NAME_forward and NAME_backward or a layer NAME"
        )
    return [_review(path, space, name, space[key]) for key, name in names.items()]


def _subject(key: str) -> str | None:
    """Return the layer's name in the name of its inputs, or None if a name is not one of inputs."""
    if key == _INPUTS:
        return ""
    stem = key.removesuffix(f"_{_INPUTS}")
    return stem if stem and stem != key and not key.startswith("_") else None


def _review(path: Path, space: dict[str, Any], name: str, inputs: object) -> BackwardReview:
    passes = _passes(path, space, name)
    given = inputs if isinstance(inputs, (tuple, list)) else (inputs,)
    try:
        review = check_backward(*passes, *given)
    except (TypeError, ValueError) as error:
        reason = str(error).removeprefix("check_backward: ")
        raise SourceFileError(f"{path}: {name or 'backward'}: {reason}") from error
    except Exception as error:  # from the user's function that draws inputs
        raise SourceFileError(f"{path}{_line(error, path)}: {_said(error)}") from error
    # The name in the file tells several layers of one class apart.
    return review if len(passes) == 2 else dataclasses.replace(review, subject=f"{name}.backward")


def _passes(path: Path, space: dict[str, Any], name: str) -> tuple[Any, ...]:
    """Return both functions of a name, or the layer."""
    prefix = f"{name}_" if name else ""
    pair = [f"{prefix}forward", f"{prefix}backward"]
    if all(callable(space.get(key)) for key in pair):
        return tuple(space[key] for key in pair)
    if name and callable(getattr(space.get(name), "backward", None)):
        return (space[name],)
    layer = f", or a layer {name} with methods forward and backward" if name else ""
    raise SourceFileError(
        f"{path}: {prefix}{_INPUTS} is there, but not what to call with it: the functions "
        f"{' and '.join(pair)}{layer}"
    )


def _run(path: Path) -> dict[str, Any]:
    """Return the names that a file defines, run as Python runs a script: beside its neighbours."""
    sys.path.insert(0, str(path.resolve().parent))
    try:
        return runpy.run_path(str(path), run_name="__adjoint_check__")
    except SyntaxError as error:
        raise SourceFileError(f"{path}, line {error.lineno}: {error.msg}") from error
    except (Exception, SystemExit) as error:
        raise SourceFileError(f"{path}{_line(error, path)}: {_said(error)}") from error
    finally:
        sys.path.pop(0)


def _said(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _line(error: BaseException, path: Path) -> str:
    """Return the innermost line of the file itself through which an error came."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame.lineno for frame in frames if Path(frame.filename).name == path.name]
    return f", line {own[-1]}" if own else ""
