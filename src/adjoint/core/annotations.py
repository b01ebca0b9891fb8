"""Annotations name what passes between functions: signatures say it, and mypy checks it.

Values are made in modules above this one, which are imported for the type checker alone. While the
program runs, ``Value`` is any object here, so that a signature can still be evaluated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import EllipsisType
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike as PlainArrayLike
    from numpy.typing import DTypeLike

    from .spec import Spec
    from .value import Value
else:
    Spec = Value = PlainArrayLike = DTypeLike = object

__all__ = [
    "AnyArray",
    "Array",
    "ArrayLike",
    "Axis",
    "Constant",
    "Cotangent",
    "DType",
    "DTypeLike",
    "Described",
    "Function",
    "Key",
    "Operand",
    "Params",
    "Payload",
    "Rule",
    "Scalar",
    "Shape",
    "Tangent",
    "Tree",
]

Array: TypeAlias = np.ndarray[Any, np.dtype[Any]]
"""A NumPy array of any shape and dtype."""

DType: TypeAlias = np.dtype[Any]
"""A NumPy dtype of real numbers, integers or booleans; ``DTypeLike`` is what names one."""

Shape: TypeAlias = tuple[int, ...]
"""The sizes of the axes of an array."""

Axis: TypeAlias = int | tuple[int, ...] | None
"""One axis, several, or None for all of them."""

Key: TypeAlias = int | slice | EllipsisType | Array | Sequence[Any] | None
"""What stands in the brackets of ``x[key]``: integers, slices, index arrays, a tuple of these."""

Params: TypeAlias = Mapping[str, Any]
"""An operation's metadata by name: what a primitive takes besides arrays."""

Operand: TypeAlias = Value | Array | np.generic | float | None
"""What a primitive is applied to: a value, an array or a number; None for an absent argument."""

Constant: TypeAlias = Array | np.generic | float | None
"""An operand whose numbers are known."""

Payload: TypeAlias = Array | np.generic | float | Spec | None
"""An operand without its record, as a node holds it; a `Spec` where only shapes are known."""

ArrayLike: TypeAlias = Value | PlainArrayLike
"""What a user may pass for an array: a value, an array, a number, or nested sequences of them."""

AnyArray: TypeAlias = Value | Array
"""An array, or a value that stands for one: what rules and composites compute with."""

Scalar: TypeAlias = Value | Array | float
"""A single number: Python's own, or an array or a value without axes."""

Described: TypeAlias = Spec | Value | Array
"""What has a shape and a dtype, though perhaps no numbers: what shapes are inferred from."""

Cotangent: TypeAlias = Value | Array
"""The derivative of the end with respect to a value, of that value's shape."""

Tangent: TypeAlias = Value | Array
"""The derivative of a value along a direction, of that value's shape."""

Tree: TypeAlias = object
"""A leaf, or a list, tuple or dict of trees; any object that is none of these is a leaf."""

Function: TypeAlias = Callable[..., Any]
"""A function of arrays, the user's or ours."""

Rule: TypeAlias = Callable[..., Any]
"""A derivative rule of a primitive, or a part of one."""
