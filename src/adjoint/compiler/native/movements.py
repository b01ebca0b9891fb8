"""Movements bring entries to other places; one rule lowers them all, by moving their numbers.

The places of an array's entries are numbered, and the primitive's own forward pass is applied to
the numbers: where each goes, its element goes. The axis of the rows must come out whole.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.node import Node, Operation
from ...core.primitive import Primitive
from ...core.registry import PRIMITIVES
from .elementwise import Rule, convert, spec_of
from .entries import Entries, fill, kind_of
from .nest import Nest, Unlowerable


def moves_arrays(primitive: Primitive) -> bool:
    """Return whether a primitive moves the entries of its first argument, or of all."""
    moves = primitive.facts.moves
    return moves is not None and moves.arguments in (1, None)


def lower_movement(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower a primitive that only moves, repeats or drops entries, or puts zeros between.

    Where it moves them by index arrays, these must be known.
    """
    moves = node.primitive.facts.moves
    if moves is not None and moves.arguments is None:
        return _moved(nest, node, args, [])
    return _moved(nest, node, args[:1], _known_indices(node))


def is_index(arg: Any, parent: Node | None) -> bool:
    """Return whether an argument says by known integers where entries go."""
    return parent is None and np.asarray(arg).dtype.kind in "iub"


def _known_indices(node: Operation) -> list[Array]:
    if not all(map(is_index, node.args[1:], node.parents[1:])):
        raise Unlowerable("index by numbers that are computed")
    return [np.asarray(index) for index in node.args[1:]]


def lower_scattering(nest: Nest, node: Operation, args: list[Entries]) -> Entries:
    """Lower the transpose of a selection, where no entry was selected twice."""
    ones = np.ones(args[0].shape, np.int64)
    if (node.primitive.forward(ones, *_known_indices(node), **node.params) > 1).any():
        raise Unlowerable("scatter_add of several entries to one place")
    return lower_movement(nest, node, args)


def _moved(nest: Nest, node: Operation, args: list[Entries], rest: list[Array]) -> Entries:
    offsets = np.cumsum([1] + [math.prod(arg.shape) for arg in args])
    # Counted from 1, so that a 0 is an entry that came from nowhere.
    numbered = [
        np.arange(start, stop).reshape(arg.shape)
        for arg, start, stop in zip(args, offsets, offsets[1:], strict=False)
    ]
    moved = np.asarray(node.primitive.forward(*numbered, *rest, **node.params))
    if len(args) > 1 and any(arg.rows is not None for arg in args):
        _require_alike(node, args)
    rows = _rows_after(moved, args, offsets)
    if rows is not None:
        moved = moved.take([0], rows)
    return _gathered(nest, node, args, offsets, moved, rows)


def _require_alike(node: Operation, args: list[Entries]) -> None:
    """Refuse to join arrays of which only some have a number for every row."""
    first = args[0]
    if any((arg.rows, len(arg.shape)) != (first.rows, len(first.shape)) for arg in args):
        raise Unlowerable(f"{node.primitive.name} of arrays with and without rows")


def _gathered(
    nest: Nest, node: Operation, args: list[Entries], offsets: Array, moved: Array, rows: int | None
) -> Entries:
    """Return the elements that the numbers name, once where they repeat along an axis."""
    spec = spec_of(node)
    for axis in range(moved.ndim):
        if moved.shape[axis] > 1 and (moved == moved.take([0], axis)).all():
            moved = moved.take([0], axis)
    wholes = [np.broadcast_to(arg.elements, arg.shape) for arg in args]
    zero = nest.constant(0, kind_of(spec.dtype))

    def pick(index: tuple[int, ...]) -> object:
        number = int(moved[index])
        if number == 0:
            return zero
        which = int(np.searchsorted(offsets, number, side="right")) - 1
        element: Any = wholes[which][np.unravel_index(number - offsets[which], args[which].shape)]
        return convert(nest, element, kind_of(spec.dtype))

    return Entries(fill(moved.shape, pick), spec.shape, rows)  # type: ignore[arg-type]


def _rows_after(moved: Array, args: list[Entries], offsets: Array) -> int | None:
    """Return the axis of the rows after the movement, or refuse one that tears them apart."""
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
    """Return whether an axis counts the rows, each with the same entries in it."""
    came_from_rows = origins != 0
    ordered = np.where(came_from_rows, numbers == count, True).all()
    return bool(ordered and (origins == origins.take([0], axis)).all())


RULES: dict[str, Rule] = {
    **{name: lower_movement for name, card in PRIMITIVES.items() if moves_arrays(card)},
    "scatter_add": lower_scattering,
}
