"""Entries are the kernel elements of one array of a graph; of one row, if it has an axis of rows.

They are an object array. An axis along which the array repeats has size 1 in it, whatever its size
in the graph, and so has the axis of the rows, since one element stands for all rows. NumPy's
broadcasting of object arrays then brings the right elements together.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array, ArrayLike
from ...core.constants import repeats
from .formats import KINDS
from .kernel import Element, Kernel
from .unlowerable import Unlowerable


class Entries:
    """The elements of an array.

    Parameters
    ----------
    elements : object array of Element
        It has as many axes as the array; those along which the array repeats have size 1.
    shape : tuple of int
        The array's shape in the graph.
    rows : int or None
        The number of the axis of the rows, if the array has one.
    """

    def __init__(self, elements: Array, shape: tuple[int, ...], rows: int | None = None) -> None:
        self.elements, self.shape, self.rows = elements, shape, rows

    @property
    def kind(self) -> str:
        """The kind of the numbers."""
        return next(iter(self.elements.flat)).kind  # type: ignore[no-any-return]

    def is_repeated(self, axis: int) -> bool:
        """Return whether one element stands for several along an axis, perhaps that of the rows."""
        return bool(self.elements.shape[axis] == 1 != self.shape[axis])


@functools.cache
def kind_of(dtype: np.dtype[Any]) -> str:
    """Return the kind of a dtype, or refuse one without native arithmetic."""
    try:
        return KINDS[dtype.name]
    except KeyError:
        raise Unlowerable(f"dtype {dtype} has no native arithmetic") from None


def constant_entries(kernel: Kernel, array: ArrayLike) -> Entries:
    """Return the entries of a constant array; along an axis of equal entries there is one."""
    whole = np.asarray(array)
    short = whole
    for axis in range(whole.ndim):
        if short.shape[axis] and repeats(short, axis):
            short = short.take([0], axis)
    kind = kind_of(whole.dtype)
    return Entries(fill(short.shape, lambda i: kernel.constant(short[i].item(), kind)), whole.shape)


def fill(shape: Sequence[int], make: Callable[[tuple[int, ...]], Element]) -> Array:
    """Return an array of elements made by ``make(index)``."""
    elements = np.empty(tuple(shape), object)
    for index in np.ndindex(*shape):
        elements[index] = make(index)
    return elements


def broadcast_rows(args: Sequence[Entries], ndim: int) -> int | None:
    """Return the axis of the rows after broadcasting, or refuse if there would be two."""
    axes = {
        arg.rows + ndim - len(arg.shape): arg.shape[arg.rows]
        for arg in args
        if arg.rows is not None
    }
    if len(axes) > 1:
        raise Unlowerable("every row meets every other row")
    for axis in axes:
        for arg in args:
            own = axis - (ndim - len(arg.shape))
            if arg.rows is None and own >= 0 and arg.elements.shape[own] != 1:
                raise Unlowerable("an array that is no input has its own number for every row")
    return next(iter(axes), None)
