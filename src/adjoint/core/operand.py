"""An operand is what a primitive is applied to; arrays that compute differently are refused."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from .annotations import Array
from .failure import refuse_dtype
from .value import Value

_PLAIN_TYPES = (np.ndarray, np.generic, float, int, type(None))
# The types of most operands that are not values. One look-up in a set recognises these, where
# isinstance would be asked once for each class.
PLAINEST = frozenset({np.ndarray, float, int, bool, type(None), np.float64, np.float32, np.int64})
# NumPy's own subclasses of arrays that compute differently from arrays, and what to do instead.
_REFUSED = {
    "MaskedArray": "a masked array, whose mask would be lost; fill it, as x.filled(0), or leave "
    "entries out with np.where(mask, 0, x)",
    "matrix": "a np.matrix, in which * is the product of matrices; convert it by np.asarray(x), "
    "and write @ for that product",
}


def as_operand(arg: object) -> Any:
    """Return a plain operand: an array or a number; Python numbers stay weakly typed."""
    if arg.__class__ in PLAINEST:
        return arg
    if isinstance(arg, _PLAIN_TYPES):
        refuse_subclass(arg)
        return arg
    if isinstance(arg, Value):
        return arg.data
    array = as_plain(arg)
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"cannot compute with {type(arg).__name__} {str(arg)[:40]!r} (dtype {array.dtype}); "
            "expected numbers or an array of them"
        )
    return array


def as_reals(name: str, data: object) -> Array:
    """Return a gradient or a tangent that a user gives as an array, or refuse it by its name.

    Raises
    ------
    TypeError
        If it is not of real numbers: a conversion would drop imaginary parts, and count dates.
    """
    array = np.asarray(as_operand(data))
    if array.dtype.kind not in "fiub":
        raise refuse_dtype(name, array.dtype)
    return array


def as_plain(data: object) -> Any:
    """Return an array of what is no value.

    Raises
    ------
    TypeError
        If it is or contains a masked array or a np.matrix, whose own arithmetic would be lost.
    """
    refuse_subclass(data)
    return np.asarray(data)


def refuse_subclass(*data: object) -> None:
    """Raise on a masked array or a np.matrix, also in nested lists and tuples."""
    for item in data:
        _refuse_subclass(item)


def _refuse_subclass(data: object) -> None:
    kind: type = data.__class__
    if kind in PLAINEST:
        return
    if isinstance(data, (list, tuple)):
        kinds = set(map(type, data))
        if any(issubclass(kind, (list, tuple, np.ndarray)) for kind in kinds):
            refuse_subclass(*data)
    elif (reason := _why_refused(kind)) is not None:
        raise TypeError(f"cannot compute with {reason}")


@functools.cache
def _why_refused(kind: type) -> str | None:
    """Say what is wrong with a type; by name, for numpy.ma is imported by those who use it."""
    names = [one.__name__ for one in kind.__mro__ if one.__module__.startswith("numpy")]
    return next((_REFUSED[name] for name in names if name in _REFUSED), None)
