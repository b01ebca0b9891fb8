"""Annotations name what passes between functions: signatures say it, and mypy checks it.

Values are made in modules above this one, which are imported for the type checker alone. While the
program runs, ``Value`` is any object here, so that a signature can still be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike as PlainArrayLike
    from numpy.typing import DTypeLike

    from .core import Value
else:
    Value = PlainArrayLike = DTypeLike = object

__all__ = [
    "Array",
    "ArrayLike",
    "Axis",
    "Cotangent",
    "DType",
    "DTypeLike",
    "Function",
    "Key",
    "Operand",
    "Params",
    "Payload",
    "Rule",
    "Shape",
    "Tangent",
    "Tree",
]

Array = np.ndarray[Any, np.dtype[Any]]
"""A NumPy array of any shape and dtype."""

DType = np.dtype[Any]
"""A NumPy dtype of real numbers, integers or booleans; ``DTypeLike`` is what names one."""

Shape = tuple[int, ...]
"""The sizes of the axes of an array."""

Axis = int | tuple[int, ...] | None
"""One axis, several, or None for all of them."""

Key = int | slice | EllipsisType | None | Array | Sequence[Any]
"""What stands in the brackets of ``x[key]``: integers, slices, index arrays, a tuple of these."""

Params = Mapping[str, Any]
"""An operation's metadata by name: what a primitive takes besides arrays."""

Operand = Value | Array | np.generic | float | None
"""What a primitive is applied to: a value, an array or a number; None for an absent argument."""

Payload = Array | np.generic | float | None
"""An operand without its record, as a node holds it; where only shapes are known, a `Spec`."""

ArrayLike = Value | PlainArrayLike
"""What a user may pass for an array: a value, an array, a number, or nested sequences of them."""

Cotangent = Value | Array
"""The derivative of the end with respect to a value, of that value's shape."""

Tangent = Value | Array
"""The derivative of a value along a direction, of that value's shape."""

Tree = object
"""A leaf, or a list, tuple or dict of trees; any object that is none of these is a leaf."""

Function = Callable[..., Any]
"""A function of arrays, the user's or ours."""

Rule = Callable[..., Any]
"""A derivative rule of a primitive, or a part of one."""
