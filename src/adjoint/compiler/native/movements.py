"""Movements bring entries to other places; one rule lowers them all, by moving their numbers.

The entries of the operands are numbered, and the primitive's own forward pass is applied to the
numbers. The number that it leaves at an entry of the result says which element belongs there. The
axis of the rows must come out whole, since one element stands for all rows.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.annotations import Array, Payload
from ...core.node import Node, Operation
from ...core.primitive import Primitive
from ...core.registry import PRIMITIVES
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .kernel import Kernel
from .unlowerable import Unlowerable


def moves_arrays(primitive: Primitive) -> bool:
    """Return whether a primitive only moves entries: of its first argument, or of all of them."""
    moves = primitive.facts.moves
    return moves is not None and moves.arguments in (1, None)


def lower_movement(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower a primitive that only moves, repeats or drops entries, or inserts zeros.

    Index arrays, if it has any, must be constants.
    """
    moves = node.primitive.facts.moves
    if moves is not None and moves.arguments is None:
        return _moved(kernel, node, args, [])
    return _moved(kernel, node, args[:1], _known_indices(node))


def is_index(arg: Payload, parent: Node | None) -> bool:
    """Return whether an argument is a constant array of integers or truth values, an index."""
    return parent is None and np.asarray(arg).dtype.kind in "iub"


def _known_indices(node: Operation) -> list[Array]:
    if not all(map(is_index, node.args[1:], node.parents[1:])):
        raise Unlowerable("index by numbers that are computed")
    return [np.asarray(index) for index in node.args[1:]]


def lower_scattering(kernel: Kernel, node: Operation, args: list[Entries]) -> Entries:
    """Lower the transpose of a selection, where no entry was selected twice."""
    ones = np.ones(args[0].shape, np.int64)
    if (node.primitive.forward(ones, *_known_indices(node), **node.params) > 1).any():
        raise Unlowerable("scatter_add of several entries to one place")
    return lower_movement(kernel, node, args)


def _moved(kernel: Kernel, node: Operation, args: list[Entries], rest: list[Array]) -> Entries:
    offsets = np.cumsum([1] + [math.prod(arg.shape) for arg in args])
    # The numbers begin with 1, so that a 0 in the result is an inserted zero.
    numbered = [
        np.arange(start, stop).reshape(arg.shape)
        for arg, start, stop in zip(args, offsets, offsets[1:], strict=False)
    ]
    moved = np.asarray(node.primitive.forward(*numbered, *rest, **node.params))
    if len(args) > 1 and any(arg.rows is not None for arg in args):
        _require_alike(node, args)
    rows = _rows_after(moved, args, offsets)
    if rows is not None:
        # All rows are alike, so the first stands for them.
        moved = moved.take([0], rows)
    return _gathered(kernel, node, args, offsets, moved, rows)


def _require_alike(node: Operation, args: list[Entries]) -> None:
    """Refuse to join arrays with an axis of rows and arrays without."""
    first = args[0]
    if any((arg.rows, len(arg.shape)) != (first.rows, len(first.shape)) for arg in args):
        raise Unlowerable(f"{node.primitive.name} of arrays with and without rows")


def _gathered(
    kernel: Kernel,
    node: Operation,
    args: list[Entries],
    offsets: Array,
    moved: Array,
    rows: int | None,
) -> Entries:
    """Return the elements that the numbers name; along an axis that repeats there is one."""
    spec = spec_of(node)
    for axis in range(moved.ndim):
        if moved.shape[axis] > 1 and (moved == moved.take([0], axis)).all():
            moved = moved.take([0], axis)
    wholes = [np.broadcast_to(arg.elements, arg.shape) for arg in args]
    zero = kernel.constant(0, kind_of(spec.dtype))

    def pick(index: tuple[int, ...]) -> object:
        number = int(moved[index])
        if number == 0:
            return zero
        which = int(np.searchsorted(offsets, number, side="right")) - 1
        element: Any = wholes[which][np.unravel_index(number - offsets[which], args[which].shape)]
        return convert(kernel, element, kind_of(spec.dtype))

    return Entries(fill(moved.shape, pick), spec.shape, rows)  # type: ignore[arg-type]


def _rows_after(moved: Array, args: list[Entries], offsets: Array) -> int | None:
    """Return the axis of the rows after a movement, or refuse one that mixes rows."""
    # For each entry its row, and the number of the same entry in the first row.
    numbers = np.zeros(offsets[-1], np.int64)
    origins = np.arange(offsets[-1])
    size = None
    for arg, start, stop in zip(args, offsets, offsets[1:], strict=False):
        if arg.rows is None:
            continue
        size = arg.shape[arg.rows]
        stride = math.prod(arg.shape[arg.rows + 1 :])
        numbers[start:stop] = (np.arange(stop - start) // stride) % size
        origins[start:stop] -= numbers[start:stop] * stride
    if size is None:
        return None
    for axis in range(moved.ndim):
        count = np.arange(size).reshape((-1,) + (1,) * (moved.ndim - axis - 1))
        if moved.shape[axis] == size and _runs_along(numbers[moved], count, origins[moved], axis):
            return axis
    raise Unlowerable("a movement across the rows of the batch")


def _runs_along(numbers: Array, count: Array, origins: Array, axis: int) -> bool:
    """Return whether the rows are in order along an axis, with the same entries in each."""
    came_from_rows = origins != 0
    ordered = np.where(came_from_rows, numbers == count, True).all()
    return bool(ordered and (origins == origins.take([0], axis)).all())


RULES: dict[str, Rule] = {
    **{name: lower_movement for name, card in PRIMITIVES.items() if moves_arrays(card)},
    "scatter_add": lower_scattering,
}
