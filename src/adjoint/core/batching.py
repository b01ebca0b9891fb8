"""Batching applies a primitive to many rows at once: the column that `vmap` reads.

A rule ``batch(rows, **params)`` is given the operands of all rows, with the rows along the first
axis of those that are mapped, and returns all results in the same way. Where a card has no rule of
its own, one follows from what is known of it: entries broadcast, and an ``axis`` moves on by one. A
card of which neither is true is applied to one row after another.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from .annotations import Operand, Shape
from .registry import PRIMITIVES
from .spec import Spec, shape_of

if TYPE_CHECKING:
    from .primitive import Primitive


class Rows(NamedTuple):
    """What a primitive is applied to, in all rows.

    Attributes
    ----------
    primitive : Primitive
    operands : sequence of array or value
        The rows stand along the first axis of those that are mapped; others are the same in all.
    mapped : sequence of bool
        One for each operand; at least one is true.
    size : int
        How many rows there are.
    result : Spec
        The shape and dtype of the primitive's result in one row.
    """

    primitive: Primitive
    operands: Sequence[Any]
    mapped: Sequence[bool]
    size: int
    result: Spec

    @property
    def shape(self) -> Shape:
        """The shape of all results, the rows first."""
        return (self.size, *self.result.shape)

    def ndim(self, n: int) -> int:
        """Return how many axes an operand has in one row."""
        return len(shape_of(self.operands[n])) - self.mapped[n]

    def apply(self, operands: Sequence[Operand], **params: object) -> Any:
        """Return the primitive of operands that have been brought into place."""
        return self.primitive.bind(operands, params)

    def shaped(self, found: Operand) -> Any:
        """Return all results, of which the entries are in order, in their shape."""
        return reshaped(found, self.shape)

    def aligned(self, ndim: int) -> list[Any]:
        """Return the operands such that they broadcast in ``ndim`` axes, the rows in front."""
        return [
            with_axes(x, ndim) if is_mapped else x
            for x, is_mapped in zip(self.operands, self.mapped, strict=True)
        ]

    def repeated(self) -> list[Any]:
        """Return the operands, each of them mapped: what was the same in all rows is repeated."""
        return [
            x if is_mapped else PRIMITIVES["broadcast_to"](x, shape=(self.size, *shape_of(x)))
            for x, is_mapped in zip(self.operands, self.mapped, strict=True)
        ]


def reshaped(x: Any, shape: Shape) -> Any:
    """Return a value in another shape, or itself if it has it."""
    return x if shape_of(x) == tuple(shape) else PRIMITIVES["reshape"](x, shape=tuple(shape))


def with_axes(x: Any, ndim: int) -> Any:
    """Return mapped rows with axes of size 1 in front, so that each has ``ndim`` axes."""
    size, *row = shape_of(x)
    return reshaped(x, (size, *(1,) * (ndim - len(row)), *row))


def entrywise(rows: Rows, **params: object) -> Any:
    """Batch what broadcasts its operands against each other."""
    ndim = max(rows.ndim(n) for n in range(len(rows.operands)))
    return rows.apply(rows.aligned(ndim), **params)


def stacked(rows: Rows, **params: object) -> Any:
    """Batch what acts on the last axes of its one operand, and takes any number in front."""
    return rows.apply(rows.operands, **params)


def all_stacked(rows: Rows, **params: object) -> Any:
    """Batch what acts on the last axes of its operands, each with the same axes in front."""
    return rows.apply(rows.repeated(), **params)


def along_axis(rows: Rows, *, axis: Any, **params: Any) -> Any:
    """Batch what acts along ``axis`` of its one operand, or on all entries where it is None."""
    (x,) = rows.operands
    if axis is None:
        row = math.prod(shape_of(x)[1:])
        return rows.shaped(rows.apply([reshaped(x, (rows.size, row))], axis=1, **params))
    return rows.apply(rows.operands, axis=behind(axis), **params)


def behind(axis: Any) -> Any:
    """Return the number of an axis, or of several, of a row among those of all rows."""
    if isinstance(axis, (tuple, list)):
        return tuple(map(behind, axis))
    return int(axis) + (axis >= 0)


def one_by_one(rows: Rows, **params: object) -> Any:
    """Apply the primitive to one row after another."""
    if not rows.size:
        return np.zeros(rows.shape, rows.result.dtype)
    index = PRIMITIVES["index"]
    found = [
        rows.apply(
            [
                index(x, key=(n,)) if is_mapped else x
                for x, is_mapped in zip(rows.operands, rows.mapped, strict=True)
            ],
            **params,
        )
        for n in range(rows.size)
    ]
    return PRIMITIVES["stack"](found, axis=0)
