"""Metadata is what a primitive takes besides arrays: axes, shapes, keys, the names of modes.

A card says by the annotations of its keyword-only parameters what it accepts. What comes out of a
file is held against them, and only what Python has a word for is written into source.
"""

from __future__ import annotations

import collections.abc
import functools
import inspect
import re
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import numpy as np

# Types with which cards annotate metadata. A whole number fits 64 bits; where a float is accepted,
# so is an int.
Axes = int | tuple[int, ...] | None
Sizes = int | Sequence[int]
Tolerance = float | Sequence[float] | None
# A NumPy dtype or its name, of real numbers, integers or booleans in the machine's byte order.
DType = Annotated[Any, "dtype"]

_ANY_NUMBERS = float | Sequence[float | Sequence[float] | None] | None
_DTYPE_NAME = re.compile(r"\?|[<>=]?[A-Za-z]{1,11}\d{0,3}_?")


def plain(value: object) -> Any:
    """Return metadata as Python has it: numbers for NumPy's, tuples for arrays, names for dtypes.

    >>> plain((np.int64(2), np.array([[1, 2]]), np.float32))
    (2, ((1, 2),), 'float32')
    """
    if isinstance(value, (np.ndarray, np.generic)):
        return _tuples(value.tolist())
    if isinstance(value, (np.dtype, type)):
        return str(np.dtype(value))
    if type(value) is tuple or type(value) is list:
        return type(value)(map(plain, value))
    if isinstance(value, slice):
        return slice(plain(value.start), plain(value.stop), plain(value.step))
    return value


def _tuples(items: object) -> Any:
    return tuple(map(_tuples, items)) if isinstance(items, list) else items


def literal(value: object) -> str:
    """Return the text of metadata in source.

    Raises
    ------
    NotImplementedError
        If it has none: then nothing of it is written.

    Examples
    --------
    >>> literal((1, None, float("inf"), "full"))
    "(1, None, np.inf, 'full')"
    """
    value = plain(value)
    if type(value) is float and not np.isfinite(value):
        return f"{'-' * (value < 0)}np.{'nan' if np.isnan(value) else 'inf'}"
    if value is None or value is Ellipsis or type(value) in (bool, int, float, str):
        return repr(value)
    if type(value) is list:
        return f"[{', '.join(map(literal, value))}]"
    if type(value) is tuple:
        return f"({', '.join(map(literal, value))}{',' * (len(value) == 1)})"
    raise NotImplementedError(f"{type(value).__name__} {value!r} cannot be written as source")


def keyword(name: str, value: object) -> str:
    """Return the text of metadata as a keyword argument in source."""
    return f"{name}={literal(value)}"


_ESCAPED = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """Return text as LaTeX shows it verbatim.

    >>> escape_latex("50% of d_x")
    '50\\\\% of d\\\\_x'
    """
    return "".join(_ESCAPED.get(mark, mark) for mark in text)


def formula(value: object) -> str:
    """Return the LaTeX of metadata.

    >>> formula((1, slice(2, None), float("inf"), "full"))
    '(1, 2:, \\\\infty, \\\\mathrm{full})'
    """
    value = plain(value)
    if value is Ellipsis:
        return r"\dots"
    if isinstance(value, slice):
        ends = [value.start, value.stop, *([] if value.step is None else [value.step])]
        return ":".join("" if end is None else formula(end) for end in ends)
    if isinstance(value, (tuple, list)):
        opening, closing = "()" if isinstance(value, tuple) else "[]"
        comma = "," * (len(value) == 1 and isinstance(value, tuple))
        return f"{opening}{', '.join(map(formula, value))}{comma}{closing}"
    if type(value) in (int, float):
        return number_formula(repr(value))
    return rf"\mathrm{{{escape_latex(str(value))}}}"


def number_formula(text: str) -> str:
    """Return the LaTeX of a number, from its text in Python.

    >>> number_formula("1e-05")
    '1 \\\\cdot 10^{-5}'
    """
    mantissa, e, exponent = text.partition("e")
    if not e or not exponent.lstrip("+-").isdigit():
        return text.replace("inf", r"\infty").replace("nan", r"\mathrm{nan}")
    return rf"{mantissa} \cdot 10^{{{int(exponent)}}}"


def keyword_formula(name: str, value: object) -> str:
    """Return the LaTeX of metadata as a keyword argument."""
    return rf"\mathrm{{{escape_latex(name)}}}={formula(value)}"


def dtype_text(dtype: object) -> str:
    """Return the text of a dtype in source.

    Raises
    ------
    NotImplementedError
        If it is none of numbers.

    Examples
    --------
    >>> dtype_text(np.dtype("float32")), dtype_text(np.dtype(np.int64).newbyteorder("="))
    ('np.float32', 'np.int64')
    """
    found = _dtype_of_numbers(dtype)
    if found is None:
        raise NotImplementedError(f"{dtype!r} is no dtype of numbers")
    return f"np.{found}" if found.isnative else repr(found.str)


def check(forward: Callable[..., Any], params: Mapping[str, Any]) -> None:
    """Raise unless a card's parameters accept the metadata.

    Parameters
    ----------
    forward : callable
        The card's function, whose keyword-only parameters are annotated. One that says ``Any``
        accepts numbers, None, and sequences of them.

    Raises
    ------
    ValueError
        If one is missing, too many, or of another type.
    """
    accepted = accepted_by(forward)
    if params.keys() != accepted.keys():
        raise ValueError(f"metadata {sorted(params)}; expected {sorted(accepted)}")
    for name, value in params.items():
        if not accepts(accepted[name], value):
            raise ValueError(f"{name}={str(value)[:40]!r} is not accepted")


@functools.cache
def accepted_by(forward: Callable[..., Any]) -> dict[str, Any]:
    """Return the annotation of each keyword-only parameter."""
    hints = get_type_hints(forward, include_extras=True)
    parameters = inspect.signature(forward).parameters.values()
    return {x.name: hints.get(x.name, Any) for x in parameters if x.kind is x.KEYWORD_ONLY}


def accepts(hint: object, value: object) -> bool:
    """Return whether a value fits an annotation; its type must be that very one.

    >>> accepts(int | None, 3), accepts(int | None, "3"), accepts(Sequence[int], (1, 2.5))
    (True, False, False)
    """
    if hint in _SPECIAL:
        return _SPECIAL[hint](value)
    kind, parts = get_origin(hint), get_args(hint)
    if kind in (types.UnionType, Union):
        return any(accepts(part, value) for part in parts)
    if kind is Literal:
        return type(value) is str and value in parts
    if kind is tuple or kind is collections.abc.Sequence:
        return _accepts_items(kind, parts, value)
    return type(value) is hint


def _accepts_items(kind: object, parts: tuple[Any, ...], value: object) -> bool:
    """Return whether a tuple, or a list where any sequence will do, has the items of a type."""
    if type(value) is not tuple and not (type(value) is list and kind is not tuple):
        return False
    if kind is tuple and parts[-1] is not Ellipsis:
        return len(value) == len(parts) and all(map(accepts, parts, value))
    return all(accepts(parts[0], item) for item in value)


def _is_whole(value: object) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _is_number(value: object) -> bool:
    return type(value) is float or _is_whole(value)


def _is_truth(value: object) -> bool:
    return type(value) is bool or (type(value) is int and value in (0, 1))


def _is_slice(value: object) -> bool:
    return type(value) is slice and all(
        end is None or _is_whole(end) for end in (value.start, value.stop, value.step)
    )


def is_dtype(value: object) -> bool:
    """Return whether a value is a dtype of numbers, or names one, that source can write."""
    found = _dtype_of_numbers(value)
    return found is not None and found.isnative


def _dtype_of_numbers(value: object) -> np.dtype[Any] | None:
    """Return a dtype of numbers, or that of its name; NumPy reads expressions in other texts."""
    try:
        is_name = isinstance(value, str) and _DTYPE_NAME.fullmatch(value)
        found = np.dtype(value) if isinstance(value, np.dtype) or is_name else None  # type: ignore[call-overload]
    except TypeError:
        return None
    return found if found is not None and found.kind in "fiub" else None


_SPECIAL: dict[Any, Callable[[Any], bool]] = {
    Any: lambda value: accepts(_ANY_NUMBERS, value),
    type(None): lambda value: value is None,
    int: _is_whole,
    float: _is_number,
    bool: _is_truth,
    slice: _is_slice,
    DType: is_dtype,
}
