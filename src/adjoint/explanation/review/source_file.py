"""A source file names forward and backward passes, and the inputs to review them with."""

from __future__ import annotations

import dataclasses
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..users_file import INPUTS, SourceFileError, as_arguments, misspelt, named_by, running, told
from .network import backward_name
from .pass_pair import forward_of, required_names
from .report import BackwardReview
from .review import check_backward
from .source_text import SourceText
from .suggestion import Suggestion, numpy_name, place, suggestions

_LOSS = "loss"
# Not __main__, so that what a file does only as a program is not done.
_NAME = "__adjoint_check__"


def review_file(path: Path) -> list[BackwardReview]:
    """Review every backward pass that a Python file names inputs for.

    The file is run as far as the last line that names inputs; of what follows, only what these
    need. ``inputs``, a tuple of arrays or a function of a `numpy.random.Generator` that returns
    one, is for the functions ``forward`` and ``backward``; ``NAME_inputs`` is for ``NAME_forward``
    and ``NAME_backward``, or for the object or class ``NAME`` with methods ``forward`` and
    ``backward``. ``NAME_loss`` is the loss of a network ``NAME`` that begins with one.

    Raises
    ------
    SourceFileError
        If the file raises, names nothing to review, or names what cannot be called.
    """
    text = _parsed(path)
    if not text.is_open and not any(named_by(name) is not None for name in text.bound):
        _refuse(path, text, even_so=False)
    with running(path, text.compiled(named_by), _NAME) as space:
        names = {key: name for key in space if (name := named_by(key)) is not None}
        if not names:
            _refuse(path, text, even_so=True)
        return [_review(path, space, name, space[key], text) for key, name in names.items()]


def _parsed(path: Path) -> SourceText:
    if path.suffix == ".ipynb":
        raise SourceFileError(f"{path}: a notebook; save its code as a .py file and check that")
    try:
        return SourceText(path)
    except SyntaxError as error:
        raise misspelt(error, path) from error
    except ValueError as error:  # a null byte, say
        raise SourceFileError(f"{path}: {error}") from error


def _refuse(path: Path, text: SourceText, *, even_so: bool) -> None:
    """Raise what there is to do in a file without inputs, or ``even_so`` that there is nothing."""
    found = suggestions(text)
    if found or even_so:
        raise SourceFileError(f"{path}: {_nothing(found)}", _advice(path, text, found))


def _nothing(found: Sequence[Suggestion]) -> str:
    """Return that there is nothing to review, and what is there."""
    if found:
        seen = ", ".join(each.subject for each in found)
        return f"nothing to check yet: it has {seen}, but names no arrays to call them with"
    return (
        "nothing to check; give the arrays to call the passes with a name: inputs for forward and "
        "backward, NAME_inputs for NAME_forward and NAME_backward or a layer NAME"
    )


def _advice(path: Path, text: SourceText, found: Sequence[Suggestion]) -> str:
    """Return the lines to write into a file, and where."""
    if not found:
        return ""
    before = place(text)
    where = f"above line {before.lineno} of" if before is not None else "at the end of"
    lines = [f"    {line}" for each in found for line in each.lines]
    if any("np." in line for line in lines) and numpy_name(text) is None:
        lines.insert(0, "    import numpy as np")
    below = "What stands below them is not run. " if before is not None else ""
    return "\n".join(
        [
            f"To check {_listed(found)}, write {where} {path}:",
            "",
            *lines,
            "",
            f"{below}Then run again: adjoint check {shlex.quote(str(path))}",
        ]
    )


def _listed(found: Sequence[Suggestion]) -> str:
    *most, last = (each.subject for each in found)
    return f"{', '.join(most)} and {last}" if most else last


def _review(
    path: Path,
    space: dict[str, Any],
    name: str,
    inputs: object,
    text: SourceText,
) -> BackwardReview:
    passes = _passes(path, space, name)
    given = _arguments(inputs, passes[0])
    known = {_LOSS: space[f"{name}_{_LOSS}"]} if f"{name}_{_LOSS}" in space else {}
    try:
        review = check_backward(*passes, *given, **known)
    except (TypeError, ValueError) as error:
        reason = str(error).removeprefix("check_backward: ")
        about = [each for each in suggestions(text) if each.kind == name]
        advice = _advice(path, text, about) if isinstance(space.get(name), type) else ""
        raise SourceFileError(f"{path}: {name or 'backward'}: {reason}", advice) from error
    except Exception as error:  # from the user's function that draws inputs
        raise SourceFileError(told(error, path)) from error
    if len(passes) == 2:
        return review
    # The name in the file tells several layers of one class apart.
    method = review.subject.partition(".")[2]
    return dataclasses.replace(review, subject=f"{name}.{method}")


def _arguments(inputs: object, first: Any) -> tuple[Any, ...]:
    """Return the arrays to call with; one nested list for one argument is one array."""
    nested = isinstance(inputs, list) and all(isinstance(item, list) for item in inputs)
    if nested and len(required_names(forward_of(first))) == 1:
        return (inputs,)
    return as_arguments(inputs)


def _passes(path: Path, space: dict[str, Any], name: str) -> tuple[Any, ...]:
    """Return both functions of a name, or the layer."""
    prefix = f"{name}_" if name else ""
    pair = [f"{prefix}forward", f"{prefix}backward"]
    if all(callable(space.get(key)) for key in pair):
        return tuple(space[key] for key in pair)
    if name and backward_name(space.get(name)) is not None:
        return (space[name],)
    layer = f", or a layer {name} with methods forward and backward" if name else ""
    raise SourceFileError(
        f"{path}: {prefix}{INPUTS} is there, but not what to call with it: the functions "
        f"{' and '.join(pair)}{layer}"
    )
