"""An expression is what is computed of one point of some loops, as elements of a nest."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ....core import Node
from ..elementwise import RULES
from ..entries import Entries, kind_of
from ..nest import Element, Nest
from .nests import Access, ArrayNest
from .operands import Axes, Operand, broadcast_operand, is_move, operands
from .schedule import Loops, Reduction, Schedule
from .views import View


class Expressions:
    """Makes the elements of one nest of loops.

    Parameters
    ----------
    schedule : Schedule
    shape : tuple of int
        Of the loops.
    """

    def __init__(self, schedule: Schedule, shape: tuple[int, ...]) -> None:
        self.schedule, self.shape = schedule, shape
        self.nest = Nest(0, limit=100_000)
        self._known: dict[tuple[Node, Axes], Element] = {}

    def element(self, operand: Operand) -> Element:
        """Return an operand at a point, read where it is in memory."""
        arg, node, axes = operand
        if node is None:
            return self._constant(operand)
        if (node, axes) not in self._known:
            if node in self.schedule.places:
                self._known[node, axes] = self._load(self.schedule.places[node], axes)
            else:
                self._known[node, axes] = self._compute(operand)
        return self._known[node, axes]

    def root(self, operand: Operand) -> Element:
        """Return what loops store: computed, and from then on known."""
        node = operand.node
        if node is None or not self._is_computed_here(node):
            return self.element(operand)
        self._known[node, operand.axes] = found = self._compute(operand)
        return found

    def _is_computed_here(self, node: Node) -> bool:
        return self.schedule.is_rooted(node)

    def _compute(self, operand: Operand) -> Element:
        node = operand.node
        assert node is not None
        assert node.primitive is not None
        args = [self.element(inner) for inner in operands(operand)]
        if is_move(node):
            return args[0]
        entries = [
            Entries(np.array(element, object).reshape((1,) * arg_ndim), np.shape(arg) if parent is None else arg.shape)
            for element, arg, parent, arg_ndim in [
                (e, a, p, len(np.shape(a) if p is None else a.shape))
                for e, a, p in zip(args, node.args, node.parents, strict=True)
            ]
        ]
        found = RULES[node.primitive.name](self.nest, node, entries)
        return found.elements.flat[0]  # type: ignore[no-any-return]

    def _constant(self, operand: Operand) -> Element:
        array = np.asarray(operand.arg)
        first = array.flat[0]
        if array.size == 1 or np.full_like(array, first).tobytes() == array.tobytes():
            return self.nest.constant(first.item(), kind_of(array.dtype))
        return self._load(self.schedule.view(operand.arg, None), operand.axes)

    def _load(self, view: View, axes: Axes) -> Element:
        return self.nest.load(access(view, axes, len(self.shape)), view.kind)  # type: ignore[arg-type]


def access(view: View, axes: Axes, ndim: int) -> Access:
    """Return how a view is read or written along the axes of loops."""
    strides = [0] * ndim
    for axis, stride in zip(axes, view.strides, strict=True):
        if axis is not None:
            strides[axis] += stride
    return Access(view.buffer, view.offset, tuple(strides))


def loops_nest(schedule: Schedule, part: Loops) -> ArrayNest:
    """Return the nest of loops that store."""
    expressions = Expressions(schedule, part.shape)
    axes = tuple(range(len(part.shape)))
    stores = tuple(
        (access(root.target, axes, len(axes)), expressions.root(root.operand))
        for root in part.roots
    )
    return ArrayNest(part.shape, stores)


def reduction_nest(schedule: Schedule, part: Reduction) -> ArrayNest:
    """Return the nest of loops that combine entries."""
    shape = part.root.operand.shape
    expressions = Expressions(schedule, shape)
    element = expressions.element(part.root.operand)
    target = _target_axes(part, len(shape))
    stored = access(part.root.target, target, len(shape))
    return ArrayNest(shape, ((stored, element),), part.axes, part.operation, part.running)


def _target_axes(part: Reduction, ndim: int) -> Axes:
    if part.running or len(part.root.target.shape) == ndim:
        return tuple(
            None if axis in part.axes and not part.running else axis for axis in range(ndim)
        )
    return tuple(axis for axis in range(ndim) if axis not in part.axes)
