"""An expression is what is computed of one point of some loops, as elements of a nest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....core.node import Node, Operation
from ..elementwise import RULES, convert
from ..entries import Entries, kind_of
from ..nest import Element, Nest
from .nests import Access, ArrayNest, Store
from .operands import Axes, Operand, is_move, operands
from .parts import Loops, Reduction, Root
from .picking import Index, Pick
from .schedule import Schedule
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
        # What other nests may compute as well.
        self.shared: set[Element] = set()

    def element(self, operand: Operand) -> Element:
        """Return an operand at a point, read where it is in memory."""
        _, node, axes = operand
        if node is None:
            return self._constant(operand)
        if (node, axes) not in self._known:
            if node in self.schedule.places:
                self._known[node, axes] = self._load(self.schedule.places[node], axes)
            elif node in self.schedule.picks:
                self._known[node, axes] = self._pick(self.schedule.picks[node], axes)
            else:
                self._known[node, axes] = self._compute(operand)
        return self._known[node, axes]

    def computed(self, operand: Operand) -> Element:
        """Return what loops are to store as a node's value: computed, and from then on known."""
        node = operand.node
        assert node is not None
        pick = self.schedule.picks.get(node)
        found = self._compute(operand) if pick is None else self._pick(pick, operand.axes)
        self._known[node, operand.axes] = found
        return found

    def _pick(self, pick: Pick, axes: Axes) -> Element:
        """Return an entry read by numbers."""
        place = access(pick.view, axes, len(self.shape), scales_of(pick.indices))
        numbers = [self.number(index, axes) for index in pick.indices]
        found = self.nest.apply("load", pick.view.kind, *numbers, payload=place)
        if pick.present is None:
            return found
        present = self._load(self.schedule.view(pick.present, None), axes)
        return self.nest.apply(
            "where", found.kind, present, found, self.nest.constant(0, found.kind)
        )

    def number(self, index: Index, axes: Axes) -> Element:
        """Return an entry's number, counted from the end if it is negative, and in range."""
        number = convert(self.nest, self.element(index.operand(axes)), "i64")
        if index.size is None:
            return number
        nest, last = self.nest, self.nest.constant(index.size - 1, "i64")
        zero, size = nest.constant(0, "i64"), nest.constant(index.size, "i64")
        below = nest.apply("less", "i1", number, zero)
        number = nest.apply("where", "i64", below, nest.apply("add", "i64", number, size), number)
        # Out of range is in doubt, and so decided elsewhere; here it must only read what there is.
        return nest.apply("maximum", "i64", nest.apply("minimum", "i64", number, last), zero)

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
        found = RULES[node.primitive.name](self.nest, node, entries)
        element: Element = found.elements.flat[0]
        if node in self.schedule.shared:
            self.shared.add(element)
        return element

    def _constant(self, operand: Operand) -> Element:
        array = np.asarray(operand.arg)
        kind, first = kind_of(array.dtype), array.flat[0]
        if array.size == 1 or np.full_like(array, first).tobytes() == array.tobytes():
            return self.nest.constant(first.item(), kind)
        return self._load(self.schedule.view(operand.arg, None), operand.axes)

    def _load(self, view: View, axes: Axes) -> Element:
        return self.nest.load(access(view, axes, len(self.shape)), view.kind)  # type: ignore[arg-type]


def scales_of(indices: Sequence[Index]) -> tuple[int, ...]:
    """Return how far apart the entries are that numbers count."""
    return tuple(index.stride for index in indices)


def access(view: View, axes: Axes, ndim: int, scales: tuple[int, ...] = ()) -> Access:
    """Return how a view is read or written along the axes of loops."""
    strides = [0] * ndim
    for axis, stride in zip(axes, view.strides, strict=True):
        if axis is not None:
            strides[axis] += stride
    return Access(view.buffer, view.offset, tuple(strides), scales)


def loops_nest(schedule: Schedule, part: Loops) -> ArrayNest:
    """Return the nest of loops that store."""
    expressions = Expressions(schedule, part.shape)
    stores = []
    for root in part.roots:
        # A copy is read like anything else: what the original is computed of may be gone.
        is_own = schedule.is_place_of(root.target, root.operand.node)
        element = (expressions.computed if is_own else expressions.element)(root.operand)
        if root.is_stored:
            stores.append(_store(expressions, root, element))
    return ArrayNest(part.shape, tuple(stores), shared=frozenset(expressions.shared))


def _store(expressions: Expressions, root: Root, element: Element) -> Store:
    axes = tuple(range(len(expressions.shape)))
    place = access(root.target, axes, len(axes), scales_of(root.indices))
    numbers = tuple(expressions.number(index, axes) for index in root.indices)
    converted = convert(expressions.nest, element, root.target.kind)
    return Store(place, converted, numbers, root.adds)


def reduction_nest(schedule: Schedule, part: Reduction) -> ArrayNest:
    """Return the nest of loops that combine entries."""
    shape = part.root.target.shape if part.running else part.root.operand.shape
    expressions = Expressions(schedule, shape)
    element = expressions.element(part.root.operand)
    element = convert(expressions.nest, element, part.root.target.kind)
    factor = None if part.factor is None else expressions.element(part.factor)
    if factor is not None:
        factor = convert(expressions.nest, factor, part.root.target.kind)
    target = _target_axes(part, len(shape))
    stored = access(part.root.target, target, len(shape))
    stores = (Store(stored, element),)
    shared = frozenset(expressions.shared)
    return ArrayNest(shape, stores, part.axes, part.operation, part.running, factor, shared)


def _target_axes(part: Reduction, ndim: int) -> Axes:
    if part.running or len(part.root.target.shape) == ndim:
        return tuple(
            None if axis in part.axes and not part.running else axis for axis in range(ndim)
        )
    return tuple(axis for axis in range(ndim) if axis not in part.axes)
