"""Indexing in many rows at once: the rows get a part of the key of their own.

Where no index array differs from row to row, that is a slice of all rows; else it is the number of
each row, beside the entries of its index arrays. NumPy then puts the axes of the index arrays where
they do not stand in one row, and they are moved.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.batching import Rows, reshaped, with_axes
from ..core.registry import PRIMITIVES
from ..core.spec import Spec, shape_of
from .keys import SLOT, Key, Shape, choice, fill, picked_shape


class _Plan:
    """How to index all rows at once.

    Attributes
    ----------
    key, arrays
        The key of all rows, and its index arrays.
    picked : tuple of int
        The shape of what is picked, the rows first.
    order : tuple of int
        The axes of ``picked`` among those that NumPy gives.
    """

    def __init__(
        self,
        key: Key,
        arrays: list[Any],
        picked: Shape,
        order: tuple[int, ...],
    ) -> None:
        self.key, self.arrays, self.picked, self.order = key, arrays, picked, order

    def rows_first(self, found: Any) -> Any:
        """Return what NumPy picked with the rows first, and each as if it were picked alone."""
        return _permuted(found, self.order)

    def as_picked(self, given: Any, size: int, is_mapped: bool) -> Any:
        """Return what each row is given at the key, as NumPy would have picked it."""
        shape = list(shape_of(given))
        row = shape[1:] if is_mapped else shape
        while len(row) > len(self.picked) - 1:
            del row[0]  # axes of size 1, which an assignment lets go
        given = reshaped(given, (size, *row) if is_mapped else tuple(row))
        if is_mapped:
            given = with_axes(given, len(self.picked) - 1)
        spread = PRIMITIVES["broadcast_to"](given, shape=self.picked)
        return _permuted(spread, tuple(np.argsort(self.order).tolist()))


def _permuted(x: Any, order: tuple[int, ...]) -> Any:
    return x if order == tuple(range(len(order))) else PRIMITIVES["transpose"](x, axes=order)


def _plan(
    key: Key, arrays: Sequence[Any], mapped: Sequence[bool], size: int, row: Shape, *, source: bool
) -> _Plan:
    """Plan to index rows of shape ``row``; ``source`` says whether there are many of them."""
    entries = [_in_a_row(array, one) for array, one in zip(arrays, mapped, strict=True)]
    picked = (size, *picked_shape(row, fill(key, tuple(entries))))
    axes = tuple(range(len(picked)))
    if not arrays:
        return _Plan((slice(None), *key), [], picked, axes)
    start, ndim = choice(fill(key, tuple(entries)), len(row))
    if not any(mapped):
        key = (slice(None), *key)
        moved = choice(fill(key, tuple(entries)), 1 + len(row)).start
        order = axes if moved else (ndim, *axes[:ndim], *axes[ndim + 1 :])
        return _Plan(key, list(arrays), picked, order)
    aligned = [
        with_axes(array, ndim) if one else array for array, one in zip(arrays, mapped, strict=True)
    ]
    if not source:
        return _Plan(key, aligned, picked, (start, *axes[:start], *axes[start + 1 :]))
    numbers = np.arange(size).reshape((size, *(1,) * ndim))
    behind = axes[1 + ndim :]
    order = (0, *behind[:start], *axes[1 : 1 + ndim], *behind[start:])
    return _Plan((SLOT, *key), [numbers, *aligned], picked, order)


def _in_a_row(array: Any, is_mapped: bool) -> Any:
    return Spec(shape_of(array)[1:], array.dtype) if is_mapped else array


def picked_in_rows(rows: Rows, *, key: Key) -> Any:
    """Batch ``x[key]``."""
    x, *arrays = rows.operands
    of_rows, *mapped = rows.mapped
    row = shape_of(x)[1:] if of_rows else shape_of(x)
    plan = _plan(key, arrays, mapped, rows.size, row, source=of_rows)
    return plan.rows_first(rows.apply([x, *plan.arrays], key=plan.key))


def scattered_in_rows(rows: Rows, *, key: Key, shape: Shape) -> Any:
    """Batch the transpose of ``x[key]``."""
    x, *arrays = rows.operands
    plan = _plan(key, arrays, rows.mapped[1:], rows.size, shape, source=True)
    placed = plan.as_picked(x, rows.size, rows.mapped[0])
    return rows.apply([placed, *plan.arrays], key=plan.key, shape=rows.shape)


def last_named_in_rows(rows: Rows, *, key: Key, shape: Shape) -> Any:
    """Batch the question which entries are not named again later."""
    plan = _plan(key, rows.operands, rows.mapped, rows.size, shape, source=True)
    found = rows.apply(plan.arrays, key=plan.key, shape=(rows.size, *shape))
    return plan.rows_first(found)


def put_in_rows(rows: Rows, *, key: Key) -> Any:
    """Batch the assignment ``x[key] = v``."""
    x, v, *arrays = rows.operands
    if not rows.mapped[0]:
        x = PRIMITIVES["broadcast_to"](x, shape=rows.shape)
    if any(one and a.dtype.kind == "b" for a, one in zip(arrays, rows.mapped[2:], strict=True)):
        return _put_at_masks(rows, x, key)
    plan = _plan(key, arrays, rows.mapped[2:], rows.size, rows.result.shape, source=True)
    if shape_of(v):
        v = plan.as_picked(v, rows.size, rows.mapped[1])
    return rows.apply([x, v, *plan.arrays], key=plan.key)


def _put_at_masks(rows: Rows, x: Any, key: Key) -> Any:
    """Batch ``x[mask] = v`` where the masks, and so how many entries they pick, differ."""
    _, v, *masks = rows.operands
    trailing = rows.ndim(0) - (len(shape_of(masks[0])) - 1)
    if key != (SLOT,) or rows.ndim(1) > trailing:
        raise TypeError(
            "vmap: the entries that a mask picks differ from row to row; assign a single number at "
            "x[mask], or write x = np.where(mask, v, x)"
        )
    if rows.mapped[1]:
        mask = reshaped(masks[0], (*shape_of(masks[0]), *(1,) * trailing))
        v = PRIMITIVES["astype"](with_axes(v, rows.ndim(0)), dtype=rows.result.dtype)
        return PRIMITIVES["where"](mask, v, x)
    return rows.apply([x, v, masks[0]], key=key)
