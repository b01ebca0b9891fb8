"""An axis is a place in a shape: checked once, by NumPy's rules, before any tier sees it."""

from __future__ import annotations

import operator
from typing import Any

from numpy.exceptions import AxisError
from numpy.lib.array_utils import normalize_axis_tuple

from ..errors import ShapeAxisError, ShapeError
from .metadata import Axes


class AxisRule:
    """What a function takes as its ``axis``, besides an integer and None.

    Attributes
    ----------
    several : bool
        A tuple of integers.
    of_number : bool
        NumPy takes 0 and -1 of a number too, which has no axes; they mean None.
    repeated : bool
        The same axis more than once.
    """

    def __init__(
        self,
        several: bool = True,
        of_number: bool = False,
        repeated: bool = False,
    ) -> None:
        self.several, self.of_number, self.repeated = several, of_number, repeated


def read_axis(name: str, axis: object, shape: tuple[int, ...], rule: AxisRule) -> Axes:
    """Return an axis argument as Python's integers, all of them axes of ``shape``.

    Raises
    ------
    ShapeAxisError
        If there is no such axis; an AxisError, as NumPy's own, and a ShapeError.
    ShapeError
        If an axis is named twice.
    TypeError
        If it is neither an integer nor, where the rule allows it, a tuple of them.
    """
    if axis is None:
        return None
    # The common case first: NumPy's own check takes longer than a small operation.
    if axis.__class__ is int and -len(shape) <= axis < len(shape):
        return axis
    if rule.several and isinstance(axis, tuple):
        axes = tuple(_integer(name, a) for a in axis)
        _check(name, axes, shape, rule.repeated)
        return axes
    number = _integer(name, axis)
    if not shape and rule.of_number and number in (0, -1):
        return None
    _check(name, (number,), shape)
    return number


def _integer(name: str, axis: Any) -> int:
    """Return an axis as a Python integer."""
    if isinstance(axis, bool):
        raise TypeError(f"{_of(name)}an axis must be an integer, got {axis}")
    try:
        return operator.index(axis)
    except TypeError:
        raise TypeError(
            f"{_of(name)}an axis must be an integer, got {type(axis).__name__} {axis!r}"
        ) from None


def _of(name: str) -> str:
    return f"{name}: " if name else ""


def _check(
    name: str, axes: tuple[int, ...], shape: tuple[int, ...], repeated: bool = False
) -> None:
    """Let NumPy find what is wrong with axes; its errors name the function and the shape."""
    try:
        normalize_axis_tuple(axes, len(shape), allow_duplicate=repeated)
    except AxisError as error:
        raise ShapeAxisError(f"{_of(name)}{error} (received shape {shape})") from None
    except ValueError as error:
        raise ShapeError(f"{_of(name)}{error} (received shape {shape})") from None
