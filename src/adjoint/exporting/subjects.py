"""Subjects of all kinds: what a user may export, and how each becomes a function of arrays."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..compiler.compiled import Compiled
from ..core.tree import leaves
from ..errors import require
from ..graphs.tracing.naming import argument_names, function_name
from ..nn.module import Module
from .refusal import ExportError
from .subject import Subject


def read_subject(subject: Any, examples: Sequence[Any]) -> Subject:
    """Return what is exported, whatever a user calls so.

    Raises
    ------
    ExportError
        If it is not known how to export it, or examples are lacking.
    """
    if isinstance(subject, Module):
        return _of_module(subject, tuple(examples))
    if isinstance(subject, Compiled):
        found = tuple(examples) or _compiled_examples(subject)
        return Subject(subject.function, _arrays(found), _called(subject.function))
    if isinstance(subject, (str, os.PathLike)):
        require("pyarrow", extra="cli", purpose="a model of a table")
        from ..tables.folder import load_model

        subject = load_model(Path(subject))
    if type(subject).__name__ == "TableModel":
        from .table_reader import of_table_model  # Arrow is an extra

        return of_table_model(subject)
    if hasattr(subject, "get_params"):
        from .estimator import of_estimator  # scikit-learn is an extra

        return of_estimator(subject)
    if callable(subject):
        if not examples:
            raise ExportError(
                "export: a function needs examples of its arguments, as "
                "ad.export(f, path, np.ones(3))"
            )
        return Subject(subject, _arrays(examples), _called(subject))
    raise ExportError(
        f"export: expected a module, a function, a fitted estimator or a pipeline, got "
        f"{type(subject).__name__}"
    )


def _of_module(module: Module, examples: tuple[Any, ...]) -> Subject:
    if not examples:
        raise ExportError(
            "export: a module needs an example of its input, as ad.export(model, path, x)"
        )
    arrays = _arrays(examples)
    shapes = [np.shape(x) for x in arrays]
    has_rows = all(shapes) and len({shape[0] for shape in shapes}) == 1

    def forward(*args: Any) -> Any:
        return module(*args)

    about = f"a network, {type(module).__name__}"
    names = tuple(argument_names(module.forward, arrays))
    return Subject(forward, arrays, about, has_rows=has_rows, names=names)


def _compiled_examples(subject: Compiled) -> tuple[Any, ...]:
    try:
        return subject.examples()
    except RuntimeError as error:
        raise ExportError(f"export: {error}") from None


def _arrays(examples: Sequence[Any]) -> tuple[Any, ...]:
    """Return the examples as arrays, of dtypes that all targets have."""
    found = tuple(
        np.asarray(getattr(x, "data", x) if not isinstance(x, np.ndarray) else x)
        if not isinstance(x, (list, tuple, dict))
        else x
        for x in examples
    )
    for x in leaves(found):
        if str(np.asarray(x).dtype) not in ("float64", "float32", "int64", "int32", "bool"):
            raise ExportError(
                f"export: an example of dtype {np.asarray(x).dtype}; expected float32, float64, "
                "int32, int64 or bool"
            )
    if any(isinstance(x, (list, tuple, dict)) for x in found):
        raise ExportError("export: expected arrays as arguments, got a list, tuple or dict of them")
    return found


def _called(function: Callable[..., Any]) -> str:
    return f"the function {function_name(function)}"
