"""Texts of Python that exported files are made of: arrays, and functions of our own."""

from __future__ import annotations

import ast
from typing import Any

import numpy as np

from ..core.annotations import Array


def golden_array(array: Array) -> str:
    """Return an array as Python, every digit of it."""
    items = ", ".join(
        repr(x) if isinstance(x, (int, bool)) or np.isfinite(x) else f'float("{x}")'
        for x in np.ravel(array).tolist()
    )
    array = np.asarray(array)
    return f"np.array([{items}], np.{dtype_in_python(array)}).reshape({array.shape!r})"


def dtype_in_python(array: Array) -> str:
    """Return what NumPy calls the dtype of an array."""
    return "bool_" if array.dtype == np.bool_ else str(array.dtype)


def without_annotations(source: str) -> str:
    """Return the text of a function without annotations."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            node.returns = None
            for argument in node.args.args:
                argument.annotation = None
    for parent in ast.walk(tree):
        for field, value in ast.iter_fields(parent):
            if isinstance(value, list):
                setattr(parent, field, [_plain(child) for child in value])
    return ast.unparse(ast.fix_missing_locations(tree))


def _plain(child: Any) -> Any:
    if isinstance(child, ast.AnnAssign) and child.value is not None:
        return ast.Assign(targets=[child.target], value=child.value)
    return child
