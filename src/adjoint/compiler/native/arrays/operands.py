"""An operand is what an operation is applied to, with the loops that run along each of its axes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ....core.node import Node, Operation
from ..elementwise import RULES
from ..movements import is_index
from .strided_view import Allocation, Role, StridedView

# For each axis of an array the number of the loop that runs along it; None if the axis has one
# entry.
Axes = tuple[int | None, ...]


class Operand(NamedTuple):
    """A constant, or the value of a node, as some loops read it."""

    arg: Any
    node: Node | None
    axes: Axes

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the constant or the value."""
        return np.shape(self.arg) if self.node is None else self.node.output.shape


def is_elementwise(node: Node) -> bool:
    """Return whether each entry of an operation's result is computed from one of each operand."""
    return isinstance(node, Operation) and node.primitive.name in RULES


def is_move(node: Operation) -> bool:
    """Return whether an operation only moves entries of one array, to known positions."""
    moves = node.primitive.facts.moves
    # A movement of several arrays joins them, which is scheduled as stores to parts of one.
    if moves is None or moves.arguments != 1 or is_elementwise(node):
        return False
    return all(map(is_index, node.args[1:], node.parents[1:]))


def broadcast_operand(arg: Any, node: Node | None, ndim: int) -> Operand:
    """Return an operand that is broadcast to a number of loops."""
    shape = np.shape(arg) if node is None else node.output.shape
    return Operand(arg, node, _along(tuple(range(ndim)), shape))


def operands(operand: Operand) -> list[Operand]:
    """Return what an operand is computed from, by an elementwise operation or a movement."""
    node = operand.node
    assert isinstance(node, Operation)
    if is_move(node):
        return [_moved(node, operand.axes)]
    return [
        Operand(arg, parent, _along(operand.axes, np.shape(arg) if parent is None else arg.shape))
        for arg, parent in node.edges()
    ]


def _along(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """Return the loops along the axes of an array that is broadcast to ``axes``."""
    own = axes[len(axes) - len(shape) :]
    return tuple(None if size == 1 else axis for axis, size in zip(own, shape, strict=True))


def _moved(node: Operation, axes: Axes) -> Operand:
    origins = origin_axes(node)
    assert origins is not None
    own: list[int | None] = [None] * len(node.args[0].shape)
    for axis, origin in zip(axes, origins, strict=True):
        if origin is not None:
            own[origin] = axis
    return Operand(node.args[0], node.parents[0], tuple(own))


def origin_axes(node: Operation) -> Axes | None:
    """Return for each axis of a movement's result the operand's axis that it is.

    None stands for an axis along which all entries are the same. The result is None if the movement
    does anything else than to permute, insert or drop axes.
    """
    if sum(parent is not None for parent in node.parents) != 1 or node.parents[0] is None:
        return None
    shape = tuple(node.args[0].shape)
    before = StridedView.of(Allocation(Role.TEMPORARY, "f64", int(np.prod(shape))), shape)
    after = moved_view(before, node)
    if after is None or after.offset:
        return None
    # Row-major strides tell the axes of the operand apart, except those of size 1.
    known = {
        (size, stride): axis
        for axis, (size, stride) in enumerate(zip(shape, before.strides, strict=True))
        if size > 1
    }
    origins: list[int | None] = []
    for size, stride in zip(after.shape, after.strides, strict=True):
        if size == 1 or stride == 0:
            origins.append(None)
        elif (size, stride) in known:
            origins.append(known[size, stride])
        else:
            return None
    found = [axis for axis in origins if axis is not None]
    return tuple(origins) if sorted(found) == sorted(known.values()) else None


def moved_view(view: StridedView, node: Operation) -> StridedView | None:
    """Return a movement's result as a view of its operand, or None if it has to be copied."""
    forward, rest, params = node.primitive.forward, node.args[1:], node.params
    return view.moved(lambda x: forward(x, *rest, **params))
