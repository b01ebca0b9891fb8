"""A constant is an array that a graph holds, and its text in written source."""

from __future__ import annotations

import ast

import numpy as np

from ...core.annotations import Array
from ...core.constants import is_filled
from ...core.metadata import dtype_text

_SHORT = 40


def expression(operand: object, *, typed: bool = False) -> ast.expr | None:
    """Return a number or small array as an expression; None if it is too long for one.

    ``typed`` keeps the type of a NumPy float64, where a bare number would let float32 be.
    """
    if isinstance(operand, np.ndarray):
        text = _array_text(operand)
        return None if text is None else parse(text)
    text = _number_text(operand)
    return parse(f"np.float64({text})" if typed and isinstance(operand, np.float64) else text)


def parse(text: str) -> ast.expr:
    """Return the syntax tree of an expression."""
    return ast.parse(text, mode="eval").body


def _number_text(number: object) -> str:
    if isinstance(number, np.generic) and number.dtype not in (np.float64, np.bool_):
        return f"np.{number.dtype}({_number_text(number.item())})"
    text = repr(number.item() if isinstance(number, np.generic) else number)
    return {"inf": "np.inf", "-inf": "-np.inf", "nan": "np.nan"}.get(text, text)


def _array_text(array: Array) -> str | None:
    """Return what makes an array: arange, zeros, ones, full, or a list of few numbers."""
    dtype = "" if array.dtype == np.float64 else f", dtype={dtype_text(array.dtype)}"
    first = array.flat[0] if array.size else np.zeros((), array.dtype)[()]
    text = _number_text(first.item())
    if array.ndim == 0:
        return f"np.array({text}{dtype})"
    shape = repr(array.shape[0] if array.ndim == 1 else array.shape)
    if array.dtype == np.intp and np.array_equal(array, np.arange(array.size)):
        return f"np.arange({shape})"
    # Not by ==: 0 and -0 differ, and NaN is itself here.
    if array.size != 1 and is_filled(array):
        named = {"0.0": f"np.zeros({shape}{dtype})", "1.0": f"np.ones({shape}{dtype})"}
        return named.get(text, f"np.full({shape}, {text}{dtype})")
    text = _nested(array.tolist()) if array.size < _SHORT else ""
    if not 0 < len(text) < _SHORT:
        return None
    return f"np.array({text}{'' if array.dtype in (np.intp, np.bool_) else dtype})"


def _nested(items: object) -> str:
    if isinstance(items, list):
        return f"[{', '.join(map(_nested, items))}]"
    return _number_text(items)


def long_text(name: str, array: Array) -> list[str]:
    """Return the statements that make a long array, from a text of all its numbers."""
    whole = array.astype(np.intp) if array.dtype.kind == "b" else array
    numbers = [repr(number) for number in whole.ravel().tolist()]
    rows = [" ".join(numbers[start : start + 4]) for start in range(0, len(numbers), 4)]
    kind = "int" if whole.dtype.kind in "iu" else "float"
    target = "" if str(array.dtype) == f"{kind}64" else f".astype({dtype_text(array.dtype)})"
    shape = "" if array.ndim == 1 else f".reshape({array.shape})"
    return [
        f'{name} = """',
        *rows,
        '"""',
        f"{name} = np.array({name}.split(), dtype={kind}){target}{shape}",
    ]
