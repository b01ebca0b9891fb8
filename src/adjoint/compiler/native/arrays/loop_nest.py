"""A loop nest is loops over the entries of arrays, around arithmetic on one entry of each.

Its elements are what is computed at one point of the loops. Each is written in the outermost loop
that it depends on. One of the loops takes a whole vector of points at a time; the points that are
left over take one more, masked vector. A nest either stores results at every point, or reduces
along some of its axes.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from ..formats import FORMATS
from ..kernel import Element
from ..target import Target
from .strided_view import ENTRY_BYTES, Allocation

# Where an array begins: its allocation, and the number of its first entry. The function of a nest
# has a pointer to each start as parameter.
Start = tuple[Allocation, int]


@dataclass(frozen=True)
class Access:
    """Which entry of an allocation belongs to a point of the loops.

    It is offset + Σ stride · loop index + Σ scale · number, where the numbers are computed
    integers, as when an array is indexed by another.

    Parameters
    ----------
    allocation : Allocation
    offset : int
    strides : tuple of int
        One for each loop.
    scales : tuple of int
        One for each computed number.
    """

    allocation: Allocation
    offset: int
    strides: tuple[int, ...]
    scales: tuple[int, ...] = ()

    @property
    def start(self) -> Start:
        """The entry at the origin of the loops."""
        return self.allocation, self.offset


@dataclass(frozen=True)
class Store:
    """An element that is written to memory.

    Parameters
    ----------
    access : Access
        Where it is written.
    element : Element
    indices : tuple of Element
        The computed numbers of the access, if it has any.
    adds : bool
        Whether the element is added to the entry that is there.
    """

    access: Access
    element: Element
    indices: tuple[Element, ...] = ()
    adds: bool = False


@dataclass(frozen=True)
class LoopNest:
    """Loops over a shape, and what they compute.

    Parameters
    ----------
    shape : tuple of int
        How often each loop runs.
    stores : tuple of Store
        What is written: at every point, or one entry for each reduction.
    reduced : frozenset of int
        The axes along which entries are combined.
    operation : str or None
        What combines them: add, multiply, maximum, minimum, logical_or or logical_and.
    running : bool
        Whether every intermediate result is stored, as a cumulative sum does.
    factor : Element or None
        What the total is multiplied by before an entry is added: total = factor · total + entry.
        It is not used at the first entry.
    shared : frozenset of Element
        The elements that other nests may compute again. They must be rounded alike in all of them,
        so no contraction may absorb them.
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
        """Return every access, first those that read and then those that write."""
        loads = [x.payload for x in self.elements() if isinstance(x.payload, Access)]
        return [*loads, *(store.access for store in self.stores)]

    def starts(self) -> list[Start]:
        """Return where the arrays begin that are read or written, each once."""
        return list(dict.fromkeys(access.start for access in self.accesses()))

    def form(self) -> tuple[Hashable, list[Start]]:
        """Return what only nests whose functions have the same text share, and the starts."""
        elements = self.elements()
        numbers = {element: number for number, element in enumerate(elements)}
        starts = {start: number for number, start in enumerate(self.starts())}

        def read(access: Access) -> Hashable:
            where = starts[access.start], access.allocation.kind
            return *where, access.strides, access.scales

        computed = tuple(
            (
                x.operation,
                x.kind,
                # By its text: 0 and -0 are equal numbers, and NaN equals nothing.
                read(x.payload) if isinstance(x.payload, Access) else repr(x.payload),
                *[numbers[arg] for arg in x.args],
            )
            for x in elements
        )
        stored = tuple(
            (read(x.access), numbers[x.element], *[numbers[i] for i in x.indices], x.adds)
            for x in self.stores
        )
        factor = None if self.factor is None else numbers[self.factor]
        loops = self.shape, self.reduced, self.operation, self.running, factor
        return (loops, computed, stored), list(starts)

    def lanes(self, target: Target) -> int:
        """Return how many points are computed at once: a vector of its widest floats, or several.

        In a long chain of operations each waits some four cycles for the result of the one before,
        while a processor could begin two in every cycle. Further vectors, independent of the first,
        fill these gaps.
        """
        elements = self.elements()
        floats = {element.kind for element in elements} & FORMATS.keys() or {"f64"}
        size = max(ENTRY_BYTES[kind] for kind in floats)
        width = target.lanes(size) if self._adds_up() else target.width(size)
        several = 1
        if _depth(elements) >= _LONG_CHAIN:
            several = next((n for n, most in _INTERLEAVED.items() if len(elements) <= most), 1)
        elif len(elements) <= _SHORT_SUM and self._sums_beside_lanes(
            width, not target.is_reproducible
        ):
            several = 4
        while several > 1 and max(self.shape, default=1) < 2 * several * width:
            several //= 2
        return several * width

    def _adds_up(self) -> bool:
        """Return whether the order in which the points are taken decides how a sum is rounded."""
        return self.operation is not None or any(store.adds for store in self.stores)

    def _sums_beside_lanes(self, width: int, folds: bool) -> bool:
        """Return whether each lane has a sum of its own, to which one entry after another is added.

        Such sums are long chains, too.
        """
        axes, lanes = loops(self, width, folds=folds)
        return (
            lanes is not None
            and not axes[lanes].is_reduced
            and axes[lanes].size >= 8 * width
            and any(axis.is_reduced for axis in axes)
        )


# The length of a chain of operations from which several vectors are computed side by side, and how
# many vectors, each with the most operations for which LLVM still compiles that many fast.
_LONG_CHAIN = 30
_INTERLEAVED = {4: 400, 2: 1000}
# How far apart entries are at most that lie near each other, and from where on they are far.
_NEAR, _FAR = 8, 1024
# The most operations on an entry of a sum for which adding it takes most of the time.
_SHORT_SUM = 16


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
        """Return whether this loop and the one inside it are the same as one longer loop."""
        steps = zip(self.strides, inner.strides, strict=True)
        return self.is_reduced == inner.is_reduced and all(
            outer == step * inner.size for outer, step in steps
        )


def loops(nest: LoopNest, width: int, *, folds: bool = False) -> tuple[list[Axis], int | None]:
    """Return the loops from the outermost on, and the number of the one that runs along the lanes.

    What it costs to add up the lanes of a vector counts if ``folds``, and so does how far apart
    entries are. In reproducible code it does not, since the order of sums was fixed without it.

    Loops that are contiguous in every access are joined. The loop along the lanes is the one in
    which most accesses are contiguous; reduced loops are innermost, so that totals stay in
    registers.
    """
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
    lanes = min(reversed(candidates), key=lambda axis: _cost(axis, width, folds))
    kept = [axis for axis in axes if not axis.is_reduced and axis is not lanes]
    reduced = [axis for axis in axes if axis.is_reduced and axis is not lanes]
    order = [*kept, *reduced, lanes] if lanes.is_reduced else [*kept, lanes, *reduced]
    return order, order.index(lanes)


def _cost(axis: Axis, width: int, folds: bool) -> float:
    """Return about what an entry costs if this axis runs along the lanes.

    A vector of contiguous or equal entries takes one load; others are collected lane by lane, in
    two instructions each.
    """
    vectors = math.ceil(axis.size / width)
    each: float = sum(1 if stride in (0, 1) else 2 * width for stride in axis.strides)
    if not folds:
        return each * vectors / axis.size
    # Entries that lie near each other come with the same lines of the cache, or of the same page.
    apart = [stride for stride in axis.strides if stride > 1]
    each += width * sum(-1 if n <= _NEAR else min(1, n / _FAR) for n in apart)
    fold = 3 * math.log2(width) if axis.is_reduced and width > 1 else 0
    return (each * vectors + fold) / axis.size
