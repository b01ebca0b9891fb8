"""A pick reads or writes entries by numbers: some that are known, or some that are computed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.annotations import Array
from ....core.node import Node, Operation
from ....ops.indexing import SLOT
from ..nest import Unlowerable
from .operands import Axes, Operand
from .views import View

# Entries of a table of numbers, beyond which it would cost more than it is worth.
_MOST_ENTRIES = 1 << 22


@dataclass(frozen=True)
class Index:
    """Numbers along one axis of what is picked from.

    Parameters
    ----------
    arg, node
        The operand: integers of any shape that broadcasts to ``axes``.
    axes : range
        The axes of the result that they run along.
    stride : int
        How far apart the entries are that they count.
    size : int or None
        How many there are, where a number may be negative or out of range.
    """

    arg: Any
    node: Node | None
    axes: range
    stride: int
    size: int | None

    def operand(self, axes: Axes) -> Operand:
        """Return the numbers for loops, given the axes along which the result runs."""
        shape = np.shape(self.arg) if self.node is None else self.node.output.shape
        own = [axes[a] for a in self.axes][len(self.axes) - len(shape) :]
        along = (None if n == 1 else axis for axis, n in zip(own, shape, strict=True))
        return Operand(self.arg, self.node, tuple(along))


@dataclass(frozen=True)
class Pick:
    """Which entries of an array are picked.

    Parameters
    ----------
    view : View
        In the result's shape; along the axes of the numbers its strides are 0.
    indices : tuple of Index
    present : bool array or None
        Where the result is an entry, not 0.
    """

    view: View
    indices: tuple[Index, ...]
    present: Array | None = None


def pick_known(view: View, node: Operation) -> Pick:
    """Return what a movement of a view picks, found by moving the numbers of its entries."""
    numbers = np.full(view.shape, view.offset + 1)
    for axis, (size, stride) in enumerate(zip(view.shape, view.strides, strict=True)):
        numbers += (np.arange(size) * stride).reshape((-1,) + (1,) * (len(view.shape) - axis - 1))
    # Counted from 1, so that a 0 is an entry that came from nowhere.
    moved = np.asarray(node.primitive.forward(numbers, *node.args[1:], **node.params))
    if moved.size > _MOST_ENTRIES:
        raise Unlowerable(f"{node.primitive.name} of {moved.size} entries that lie anyhow")
    present = moved > 0
    table = np.where(present, moved - 1, 0)
    index = Index(table, None, range(moved.ndim), 1, None)
    whole = View(view.buffer, moved.shape, (0,) * moved.ndim)
    return Pick(whole, (index,), None if present.all() else present)


def pick_computed(
    view: View, key: Sequence[Any], arrays: Sequence[tuple[Any, Node | None]]
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
    # Slices are views; an integer beside index arrays is one of them.
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
        Index(arg, node, axes, stride, size)
        for (arg, node), stride, size in zip(
            given, cut.strides[first : first + count], cut.shape[first : first + count], strict=True
        )
    )
    after = slice(first + count, None)
    result = View(
        cut.buffer,
        (*cut.shape[:first], *middle, *cut.shape[after]),
        (*cut.strides[:first], *[0] * len(middle), *cut.strides[after]),
        cut.offset,
    )
    return Pick(result, indices)


def _dtype(arg: Any) -> np.dtype[Any]:
    return arg.dtype if hasattr(arg, "dtype") else np.asarray(arg).dtype


def slot_axes(key: Sequence[Any], ndim: int) -> list[int]:
    """Return the axes that a key's index arrays are numbers along."""
    entries = [entry for entry in _written_out(key, ndim) if entry is not None]
    return [axis for axis, entry in enumerate(entries) if entry is SLOT]


def _written_out(key: Sequence[Any], ndim: int) -> list[Any]:
    """Return a key with an entry for every axis."""
    named = sum(entry is not None and entry is not Ellipsis for entry in key)
    rest = [slice(None)] * (ndim - named)
    if Ellipsis not in [entry for entry in key if entry is not SLOT]:
        return [*key, *rest]
    at = next(n for n, entry in enumerate(key) if entry is Ellipsis)
    return [*key[:at], *rest, *key[at + 1 :]]
