"""Point expressions are what is computed at one point of some loops, as elements of a kernel."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....core.constants import is_filled
from ....core.node import Node, Operation
from ..elementwise import RULES, convert
from ..entries import Entries, kind_of
from ..kernel import Element, Kernel
from .loop_nest import Access, LoopNest, Store
from .operands import Axes, Operand, is_move, operands
from .parts import Loops, Reduction, Root
from .picking import IndexArray, Pick
from .schedule import Schedule
from .strided_view import StridedView


class PointExpressions:
    """Makes the elements of one nest of loops: a kernel whose loads are accesses.

    Parameters
    ----------
    schedule : Schedule
    shape : tuple of int
        How often each of the loops runs.
    copies : sequence of (Node, StridedView)
        Where values are read from instead of where the schedule has them.
    """

    def __init__(
        self,
        schedule: Schedule,
        shape: tuple[int, ...],
        copies: Sequence[tuple[Node, StridedView]] = (),
    ) -> None:
        self.schedule, self.shape, self.copies = schedule, shape, dict(copies)
        self.kernel = Kernel(0, limit=100_000)
        self._known: dict[tuple[Node, Axes], Element] = {}
        # Elements that other nests may compute as well, see `LoopNest.shared`.
        self.shared: set[Element] = set()

    def element(self, operand: Operand) -> Element:
        """Return an operand at the point: read if it is in memory, otherwise computed."""
        _, node, axes = operand
        if node is None:
            return self._constant(operand)
        if (node, axes) not in self._known:
            if node in self.schedule.views:
                view = self.copies.get(node, self.schedule.views[node])
                self._known[node, axes] = self._load(view, axes)
            elif node in self.schedule.picks:
                self._known[node, axes] = self._pick(self.schedule.picks[node], axes)
            else:
                self._known[node, axes] = self._compute(operand)
        return self._known[node, axes]

    def computed(self, operand: Operand) -> Element:
        """Return a node's value that these loops are to store.

        It is computed although it has memory, since nothing is there yet; later uses take it from
        here.
        """
        node = operand.node
        assert node is not None
        pick = self.schedule.picks.get(node)
        found = self._compute(operand) if pick is None else self._pick(pick, operand.axes)
        self._known[node, operand.axes] = found
        return found

    def _pick(self, pick: Pick, axes: Axes) -> Element:
        """Return an entry that is read by computed numbers."""
        source = access(pick.view, axes, len(self.shape), scales_of(pick.indices))
        numbers = [self.number(index, axes) for index in pick.indices]
        found = self.kernel.apply("load", pick.view.kind, *numbers, payload=source)
        if pick.present is None:
            return found
        present = self._load(self.schedule.view(pick.present, None), axes)
        return self.kernel.apply(
            "where", found.kind, present, found, self.kernel.constant(0, found.kind)
        )

    def number(self, index: IndexArray, axes: Axes) -> Element:
        """Return an entry's number, from the end if it is negative, limited to the range."""
        number = convert(self.kernel, self.element(index.operand(axes)), "i64")
        if index.size is None:
            return number
        kernel, last = self.kernel, self.kernel.constant(index.size - 1, "i64")
        zero, size = kernel.constant(0, "i64"), kernel.constant(index.size, "i64")
        below = kernel.apply("less", "i1", number, zero)
        number = kernel.apply(
            "where", "i64", below, kernel.apply("add", "i64", number, size), number
        )
        # A number out of range puts the whole result in doubt, and NumPy then raises. Here it must
        # only not read beyond the array.
        return kernel.apply("maximum", "i64", kernel.apply("minimum", "i64", number, last), zero)

    def _compute(self, operand: Operand) -> Element:
        node = operand.node
        assert isinstance(node, Operation)
        inners = operands(operand)
        args = [self.element(inner) for inner in inners]
        if is_move(node):
            return args[0]
        entries = [
            Entries(np.array(element, object).reshape((1,) * len(inner.shape)), inner.shape)
            for element, inner in zip(args, inners, strict=True)
        ]
        found = RULES[node.primitive.name](self.kernel, node, entries)
        element: Element = found.elements.flat[0]
        if node in self.schedule.shared:
            self.shared.add(element)
        return element

    def _constant(self, operand: Operand) -> Element:
        array = np.asarray(operand.arg)
        kind, first = kind_of(array.dtype), array.flat[0]
        if array.size == 1 or is_filled(array):
            return self.kernel.constant(first.item(), kind)
        return self._load(self.schedule.view(operand.arg, None), operand.axes)

    def _load(self, view: StridedView, axes: Axes) -> Element:
        return self.kernel.load(access(view, axes, len(self.shape)), view.kind)


def scales_of(indices: Sequence[IndexArray]) -> tuple[int, ...]:
    """Return for each index array how far apart the entries are that it counts."""
    return tuple(index.stride for index in indices)


def access(view: StridedView, axes: Axes, ndim: int, scales: tuple[int, ...] = ()) -> Access:
    """Return how a view is read or written along the axes of loops."""
    strides = [0] * ndim
    for axis, stride in zip(axes, view.strides, strict=True):
        if axis is not None:
            strides[axis] += stride
    return Access(view.allocation, view.offset, tuple(strides), scales)


def storing_nest(schedule: Schedule, part: Loops) -> LoopNest:
    """Return the nest of loops that store their results at every point."""
    expressions = PointExpressions(schedule, part.shape)
    stores = []
    for root in part.roots:
        # A root that copies another view's node reads it: the memory of what the node was computed
        # from may have been used again.
        is_own = schedule.is_view_of(root.target, root.operand.node)
        element = (expressions.computed if is_own else expressions.element)(root.operand)
        if root.is_stored:
            stores.append(_store(expressions, root, element))
    return LoopNest(part.shape, tuple(stores), shared=frozenset(expressions.shared))


def _store(expressions: PointExpressions, root: Root, element: Element) -> Store:
    axes = tuple(range(len(expressions.shape)))
    target = access(root.target, axes, len(axes), scales_of(root.indices))
    numbers = tuple(expressions.number(index, axes) for index in root.indices)
    converted = convert(expressions.kernel, element, root.target.kind)
    return Store(target, converted, numbers, root.adds)


def reduction_nest(schedule: Schedule, part: Reduction) -> LoopNest:
    """Return the nest of loops that combine entries along axes."""
    shape = part.root.target.shape if part.running else part.root.operand.shape
    expressions = PointExpressions(schedule, shape, part.root.copies)
    element = expressions.element(part.root.operand)
    element = convert(expressions.kernel, element, part.root.target.kind)
    factor = None if part.factor is None else expressions.element(part.factor)
    if factor is not None:
        factor = convert(expressions.kernel, factor, part.root.target.kind)
    target = _target_axes(part, len(shape))
    stored = access(part.root.target, target, len(shape))
    stores = (Store(stored, element),)
    shared = frozenset(expressions.shared)
    return LoopNest(shape, stores, part.axes, part.operation, part.running, factor, shared)


def _target_axes(part: Reduction, ndim: int) -> Axes:
    if part.running or len(part.root.target.shape) == ndim:
        return tuple(
            None if axis in part.axes and not part.running else axis for axis in range(ndim)
        )
    return tuple(axis for axis in range(ndim) if axis not in part.axes)
