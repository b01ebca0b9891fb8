"""An array nest is loops over the entries of arrays, around arithmetic on one entry of each.

Its elements say what is computed of one point of the loops; each is written in the outermost loop
that it depends on. One axis runs along the lanes; the points beyond its last whole vector are
written once more, masked. A nest either stores at every point, or reduces along some of its axes.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ..formats import FORMATS
from ..kernel import Element
from .strided_view import ENTRY_BYTES, Allocation

# The parameters of a kernel: where an array begins.
Start = tuple[Allocation, int]


@dataclass(frozen=True)
class Access:
    """Where the entry lies that belongs to a point.

    Parameters
    ----------
    allocation : Allocation
    offset : int
    strides : tuple of int
        Along the axes of the loops.
    scales : tuple of int
        How far apart the entries are that numbers count, which are computed.
    """

    allocation: Allocation
    offset: int
    strides: tuple[int, ...]
    scales: tuple[int, ...] = ()

    @property
    def start(self) -> Start:
        """The place of the first entry."""
        return self.allocation, self.offset


@dataclass(frozen=True)
class Store:
    """What is written where.

    Parameters
    ----------
    access : Access
    element : Element
    indices : tuple of Element
        The numbers that the access counts by.
    adds : bool
        Whether it is added to what is there.
    """

    access: Access
    element: Element
    indices: tuple[Element, ...] = ()
    adds: bool = False


@dataclass(frozen=True)
class LoopNest:
    """Loops over a shape.

    Parameters
    ----------
    shape : tuple of int
        How often each loop runs.
    stores : tuple of Store
        What is written at every point, or of every reduction.
    reduced : frozenset of int
        The axes along which entries are combined.
    operation : str or None
        What combines them: add, multiply, maximum, minimum, logical_or, logical_and.
    running : bool
        Whether every intermediate result is stored, as a cumulative sum does.
    factor : Element or None
        What the total is multiplied with before an entry is added, but for the first.
    shared : frozenset of Element
        What other nests may compute again, and must then be rounded in all of them alike.
    """

    shape: tuple[int, ...]
    stores: tuple[Store, ...]
    reduced: frozenset[int] = frozenset()
    operation: str | None = None
    running: bool = False
    factor: Element | None = None
    shared: frozenset[Element] = frozenset()

    def elements(self) -> list[Element]:
        """Return the elements that the stores need, operands first."""
        order: dict[Element, None] = {}
        pending = [x for store in reversed(self.stores) for x in (store.element, *store.indices)]
        pending += [] if self.factor is None else [self.factor]
        while pending:
            element = pending.pop()
            if element in order:
                continue
            missing = [arg for arg in element.args if arg not in order]
            if missing:
                pending += [element, *reversed(missing)]
            else:
                order[element] = None
        return list(order)

    def accesses(self) -> list[Access]:
        """Return every place that is read or written."""
        loads = [x.payload for x in self.elements() if isinstance(x.payload, Access)]
        return [*loads, *(store.access for store in self.stores)]

    def lanes(self, vector_bytes: int) -> int:
        """Return how many points are computed at once: a vector of its widest floats, or several.

        A processor waits for the results in a long chain; in between it can work on other points.
        """
        elements = self.elements()
        floats = {element.kind for element in elements} & FORMATS.keys() or {"f64"}
        width = vector_bytes // max(ENTRY_BYTES[kind] for kind in floats)
        if _depth(elements) < _LONG_CHAIN:
            return width
        several = next((n for n, most in _INTERLEAVED.items() if len(elements) <= most), 1)
        while several > 1 and max(self.shape, default=1) < 2 * several * width:
            several //= 2
        return several * width


# Operations one after another beyond which several vectors are computed side by side: four of them,
# or two, if there are not too many for LLVM in all.
_LONG_CHAIN = 30
_INTERLEAVED = {4: 400, 2: 1000}


def _depth(elements: Sequence[Element]) -> int:
    """Return the length of the longest chain of operations."""
    depths: dict[Element, int] = {}
    for element in elements:
        depths[element] = 1 + max((depths[arg] for arg in element.args), default=0)
    return max(depths.values(), default=0)


@dataclass(frozen=True)
class Axis:
    """One loop: its size, and its stride in every access of the nest."""

    size: int
    strides: tuple[int, ...]
    is_reduced: bool

    def continues(self, inner: Axis) -> bool:
        """Return whether this loop and the next are one, of the product of their sizes."""
        steps = zip(self.strides, inner.strides, strict=True)
        return self.is_reduced == inner.is_reduced and all(
            outer == step * inner.size for outer, step in steps
        )


def loops(nest: LoopNest, width: int) -> tuple[list[Axis], int | None]:
    """Return the loops from the outermost on, fewest and in good order, and which are the lanes."""
    accesses = nest.accesses()
    axes: list[Axis] = []
    for number, size in enumerate(nest.shape):
        strides = tuple(access.strides[number] for access in accesses)
        axis = Axis(size, strides, number in nest.reduced)
        if size == 1:
            continue
        if axes and axes[-1].continues(axis):
            axis = Axis(axes.pop().size * size, strides, axis.is_reduced)
        axes.append(axis)
    candidates = [axis for axis in axes if not (nest.running and axis.is_reduced)]
    if not candidates:
        return axes, None
    lanes = min(reversed(candidates), key=lambda axis: _cost(axis, width))
    kept = [axis for axis in axes if not axis.is_reduced and axis is not lanes]
    reduced = [axis for axis in axes if axis.is_reduced and axis is not lanes]
    order = [*kept, *reduced, lanes] if lanes.is_reduced else [*kept, lanes, *reduced]
    return order, order.index(lanes)


def _cost(axis: Axis, width: int) -> float:
    """Return about what an entry costs if this axis runs along the lanes."""
    vectors = math.ceil(axis.size / width)
    each = sum(1 if stride in (0, 1) else 2 * width for stride in axis.strides)
    return each * vectors / axis.size
