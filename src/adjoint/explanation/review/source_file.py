"""A source file names forward and backward passes, and the inputs to review them with."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

from ..users_file import INPUTS, SourceFileError, as_arguments, named_by, running, text_of, told
from .report import BackwardReview
from .review import check_backward


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
    with running(path, text_of(path), "__adjoint_check__") as space:
        names = {key: name for key in space if (name := named_by(key)) is not None}
        if not names:
            raise SourceFileError(
                f"{path}: nothing to check; give the arrays to call the passes with a name: inputs "
                "for forward and backward, NAME_inputs for NAME_forward and NAME_backward or a "
                "layer NAME"
            )
        return [_review(path, space, name, space[key]) for key, name in names.items()]


def _review(path: Path, space: dict[str, Any], name: str, inputs: object) -> BackwardReview:
    passes = _passes(path, space, name)
    try:
        review = check_backward(*passes, *as_arguments(inputs))
    except (TypeError, ValueError) as error:
        reason = str(error).removeprefix("check_backward: ")
        raise SourceFileError(f"{path}: {name or 'backward'}: {reason}") from error
    except Exception as error:  # from the user's function that draws inputs
        raise SourceFileError(told(error, path)) from error
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
        f"{path}: {prefix}{INPUTS} is there, but not what to call with it: the functions "
        f"{' and '.join(pair)}{layer}"
    )
