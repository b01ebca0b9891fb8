"""A pick reads or writes entries that numbers name: by a known table, or by computed indices."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.annotations import Array
from ....core.node import Node, Operation
from ....ops.keys import SLOT
from ..unlowerable import Unlowerable
from .operands import Axes, Operand
from .strided_view import StridedView

# The most entries of a table of known numbers, 32 MiB in memory.
_MOST_ENTRIES = 1 << 22


@dataclass(frozen=True)
class IndexArray:
    """The numbers of entries along one axis of the array that is picked from.

    Parameters
    ----------
    arg, node
        An array of integers, whose shape broadcasts to ``axes``.
    axes : range
        The axes of the result that the numbers run along.
    stride : int
        How far apart neighbouring entries of that axis are.
    size : int or None
        The size of that axis if numbers may be negative or out of range, otherwise None.
    """

    arg: Any
    node: Node | None
    axes: range
    stride: int
    size: int | None

    def operand(self, axes: Axes) -> Operand:
        """Return the numbers as an operand of loops, given the loops along the result's axes."""
        shape = np.shape(self.arg) if self.node is None else self.node.output.shape
        own = [axes[a] for a in self.axes][len(self.axes) - len(shape) :]
        along = (None if n == 1 else axis for axis, n in zip(own, shape, strict=True))
        return Operand(self.arg, self.node, tuple(along))


@dataclass(frozen=True)
class Pick:
    """Which entries of an array are picked.

    Parameters
    ----------
    view : StridedView
        The array, in the shape of the result; along the axes of the numbers its strides are 0.
    indices : tuple of IndexArray
    present : bool array or None
        True where the result is an entry; elsewhere it is 0. None: everywhere.
    """

    view: StridedView
    indices: tuple[IndexArray, ...]
    present: Array | None = None


def pick_known(view: StridedView, node: Operation) -> Pick:
    """Return what a movement of a view picks.

    The primitive's own forward pass is applied to the numbers of the entries, and so finds out
    which entry goes where.
    """
    numbers = np.full(view.shape, view.offset + 1)
    for axis, (size, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        numbers += (np.arange(size) * stride).reshape((-1,) + (1,) * (len(view.shape) - axis - 1))
    # The numbers begin with 1, so that a 0 in the result is padding.
    moved = np.asarray(node.primitive.forward(numbers, *node.args[1:], **node.params))
    if moved.size > _MOST_ENTRIES:
        raise Unlowerable(f"{node.primitive.name} of {moved.size} entries that lie anyhow")
    present = moved > 0
    table = np.where(present, moved - 1, 0)
    index = IndexArray(table, None, range(moved.ndim), 1, None)
    whole = StridedView(view.allocation, moved.shape, (0,) * moved.ndim)
    return Pick(whole, (index,), None if present.all() else present)


def pick_computed(
    view: StridedView, key: Sequence[Any], arrays: Sequence[tuple[Any, Node | None]]
) -> Pick:
    """Return what a key with index arrays picks of a view.

    Raises
    ------
    Unlowerable
        If the arrays do not stand side by side in the key, or one is a mask.
    """
    numbers = iter(arrays)
    entries = _written_out(key, len(view.shape))
    advanced = [entry is SLOT or isinstance(entry, int) for entry in entries]
    first, count = advanced.index(True), sum(advanced)
    if not all(advanced[first : first + count]) or any(entry is None for entry in entries):
        raise Unlowerable("index arrays that do not stand side by side")
    # NumPy takes an integer beside index arrays as an index array; slices are views.
    basic = tuple(
        slice(None) if chosen else entry for entry, chosen in zip(entries, advanced, strict=True)
    )
    cut = view.moved(lambda x: x[basic])
    assert cut is not None
    given = [
        next(numbers) if entry is SLOT else (np.array(entry), None)
        for entry in entries[first : first + count]
    ]
    shapes = [np.shape(arg) if node is None else node.output.shape for arg, node in given]
    if any(_dtype(arg).kind not in "iu" for arg, _ in given):
        raise Unlowerable("index by a mask")
    middle = np.broadcast_shapes(*shapes)
    axes = range(first, first + len(middle))
    indices = tuple(
        IndexArray(arg, node, axes, stride, size)
        for (arg, node), stride, size in zip(
            given, cut.strides[first : first + count], cut.shape[first : first + count], strict=True
        )
    )
    after = slice(first + count, None)
    result = StridedView(
        cut.allocation,
        (*cut.shape[:first], *middle, *cut.shape[after]),
        (*cut.strides[:first], *[0] * len(middle), *cut.strides[after]),
        cut.offset,
    )
    return Pick(result, indices)


def _dtype(arg: Any) -> np.dtype[Any]:
    return arg.dtype if hasattr(arg, "dtype") else np.asarray(arg).dtype


def slot_axes(key: Sequence[Any], ndim: int) -> list[int]:
    """Return the axes of an array that the index arrays of a key index."""
    entries = [entry for entry in _written_out(key, ndim) if entry is not None]
    return [axis for axis, entry in enumerate(entries) if entry is SLOT]


def _written_out(key: Sequence[Any], ndim: int) -> list[Any]:
    """Return a key with one entry for every axis, without an ellipsis."""
    named = sum(entry is not None and entry is not Ellipsis for entry in key)
    rest = [slice(None)] * (ndim - named)
    if Ellipsis not in [entry for entry in key if entry is not SLOT]:
        return [*key, *rest]
    at = next(n for n, entry in enumerate(key) if entry is Ellipsis)
    return [*key[:at], *rest, *key[at + 1 :]]
