"""An operand is what an operation is applied to, and along which axes of the loops it runs."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ....core.node import Node, Operation
from ..elementwise import RULES
from ..movements import is_index
from .views import Buffer, Role, View

# For each axis of an array the axis of the loops that it runs along, None where it has one entry.
Axes = tuple[int | None, ...]


class Operand(NamedTuple):
    """A constant, or the value of a node, at every point of some loops."""

    arg: Any
    node: Node | None
    axes: Axes

    @property
    def shape(self) -> tuple[int, ...]:
        """Its own shape."""
        return np.shape(self.arg) if self.node is None else self.node.output.shape


def is_elementwise(node: Node) -> bool:
    """Return whether an operation computes each entry on its own."""
    return isinstance(node, Operation) and node.primitive.name in RULES


def is_move(node: Operation) -> bool:
    """Return whether an operation only moves entries of one array, in a way known now."""
    moves = node.primitive.facts.moves
    # To join arrays is to write parts of one.
    if moves is None or moves.arguments != 1 or is_elementwise(node):
        return False
    return all(map(is_index, node.args[1:], node.parents[1:]))


def broadcast_operand(arg: Any, node: Node | None, ndim: int) -> Operand:
    """Return an operand that is broadcast to loops of so many axes."""
    shape = np.shape(arg) if node is None else node.output.shape
    return Operand(arg, node, _along(tuple(range(ndim)), shape))


def operands(operand: Operand) -> list[Operand]:
    """Return the operands of the operation, elementwise or a movement, that makes an operand."""
    node = operand.node
    assert isinstance(node, Operation)
    if is_move(node):
        return [_moved(node, operand.axes)]
    return [
        Operand(arg, parent, _along(operand.axes, np.shape(arg) if parent is None else arg.shape))
        for arg, parent in node.edges()
    ]


def _along(axes: Axes, shape: tuple[int, ...]) -> Axes:
    """Return the axes of an array of a shape that is broadcast along axes."""
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
    """Return for each axis of a movement's result which of its operand's it is, if each is one.

    None stands for an axis along which all entries are the same.
    """
    if sum(parent is not None for parent in node.parents) != 1 or node.parents[0] is None:
        return None
    shape = tuple(node.args[0].shape)
    before = View.of(Buffer(Role.TEMPORARY, "f64", int(np.prod(shape))), shape)
    after = moved_view(before, node)
    if after is None or after.offset:
        return None
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


def moved_view(view: View, node: Operation) -> View | None:
    """Return a movement's result as a view of its operand, if it is one."""
    forward, rest, params = node.primitive.forward, node.args[1:], node.params
    return view.moved(lambda x: forward(x, *rest, **params))
