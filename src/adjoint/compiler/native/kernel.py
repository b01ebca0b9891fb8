"""A kernel is straight-line arithmetic before, inside and after one loop over the rows of a batch.

It stands between a graph and its code. Each of its elements is one scalar number: an operation on
other elements, a constant, or an entry of an array. An element that depends on a row is computed in
the loop, once for every row, and one that depends on a total over the rows is computed after the
loop. Equal elements are the same object, so that common subexpressions are computed once.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from .unlowerable import Unlowerable

# LLVM takes about a quarter of a millisecond for each operation; for more than a few thousand of
# them that is longer than unrolled code ever saves.
LIMIT = 4000


def too_large(limit: int) -> Unlowerable:
    """Return the reason why a graph with more operations than a limit is not unrolled."""
    return Unlowerable(f"more than {limit} scalar operations, too many to unroll")


class Stage(IntEnum):
    """Where an element is computed: before the loop over the rows, in it, or after it."""

    BEFORE = 0
    ROW = 1
    AFTER = 2


class ArrayEntry(NamedTuple):
    """One entry of an array of the graph, or of one row of it, in row-major order."""

    array: int
    number: int


class ArrayLocation(NamedTuple):
    """Where an array lies: a pointer, an offset from it, and the size of a row, both in entries."""

    pointer: str
    offset: int = 0
    row_size: int = 1


class Element:
    """One scalar number.

    Parameters
    ----------
    operation : str
        A name in `INSTRUCTIONS`, or constant, load, row_load, convert, total.
    args : tuple of Element
        What it is applied to.
    kind : str
        The kind of the number, as in `formats.LLVM_TYPES`.
    stage : Stage
    payload
        The number of a constant; what a load reads.
    """

    __slots__ = ("args", "kind", "operation", "payload", "stage")

    def __init__(
        self,
        operation: str,
        args: tuple[Element, ...],
        kind: str,
        stage: Stage,
        payload: Any = None,
    ) -> None:
        self.operation, self.args, self.kind = operation, args, kind
        self.stage, self.payload = stage, payload


def needed_by(roots: Iterable[Element]) -> set[Element]:
    """Return elements and all that they are computed from."""
    needed: set[Element] = set()
    pending = list(roots)
    while pending:
        element = pending.pop()
        if element not in needed:
            needed.add(element)
            pending.extend(element.args)
    return needed


class Kernel:
    """Elements, operands before the operations on them, and which of them are results.

    Parameters
    ----------
    rows : int
        How often the loop runs; 0 for a kernel without one.
    limit : int
        The greatest number of elements.

    Attributes
    ----------
    elements : list of Element
    results : list of (ArrayEntry, Element)
    doubts : list of Element
        Conditions; if one of them is true, the results may be wrong and NumPy has to compute them.
    """

    def __init__(self, rows: int, *, limit: int = LIMIT) -> None:
        self.rows = rows
        self.limit = limit
        self.elements: list[Element] = []
        self.results: list[tuple[ArrayEntry, Element]] = []
        self.doubts: list[Element] = []
        self._known: dict[Hashable, Element] = {}

    def constant(self, value: float, kind: str) -> Element:
        """Return a constant."""
        # By its text: 0 and -0 are equal numbers, and NaN equals nothing.
        key = ("constant", kind, repr(value))
        return self._known.get(key) or self._add(
            key, Element("constant", (), kind, Stage.BEFORE, value)
        )

    def load(self, source: Hashable, kind: str) -> Element:
        """Return an entry of an array, the same for all rows.

        Parameters
        ----------
        source : hashable
            An `ArrayEntry`; in a loop nest an `Access`.
        kind : str
        """
        return self._make("load", (), kind, Stage.BEFORE, source)

    def row_load(self, entry: ArrayEntry, kind: str) -> Element:
        """Return an entry of the present row."""
        return self._make("row_load", (), kind, Stage.ROW, entry)

    def apply(self, operation: str, kind: str, *args: Element, payload: Hashable = None) -> Element:
        """Return an operation on elements, in the earliest stage in which all of them are known."""
        stage = max((arg.stage for arg in args), default=Stage.BEFORE)
        if stage is Stage.AFTER and any(arg.stage is Stage.ROW for arg in args):
            raise Unlowerable(
                f"{operation}: a row needs a total over all rows, which takes a second loop"
            )
        return self._make(operation, args, kind, stage, payload)

    def total(self, *factors: Element) -> Element:
        """Return the sum over the rows of one element, or of the product of two."""
        if any(factor.stage is Stage.AFTER for factor in factors):
            raise Unlowerable("sum: a total of what depends on a total takes a second loop")
        return self._make("total", factors, factors[0].kind, Stage.AFTER, None)

    def poison(self, position: int) -> None:
        """Make a result, which is one float, NaN if a doubt is true in any row."""
        at = next(n for n, (entry, _) in enumerate(self.results) if entry.array == position)
        entry, element = self.results[at]
        one, zero, nan = (self.constant(x, element.kind) for x in (1, 0, float("nan")))
        for stage in Stage:
            doubts = [doubt for doubt in self.doubts if doubt.stage is stage]
            if not doubts:
                continue
            found = doubts[0]
            for doubt in doubts[1:]:
                found = self.apply("logical_or", "i1", found, doubt)
            if stage is Stage.ROW:
                rows = self.total(self.apply("where", element.kind, found, one, zero))
                found = self.apply("greater", "i1", rows, zero)
            element = self.apply("where", element.kind, found, nan, element)
        self.results[at] = entry, element

    def store(self, entry: ArrayEntry, element: Element) -> None:
        """Make an element the result that goes to an entry of an output."""
        if element.stage is Stage.ROW:
            raise Unlowerable("a result with one number for every row")
        self.results.append((entry, element))

    def at(self, stage: Stage) -> Sequence[Element]:
        """Return the elements of a stage that the results need, in order."""
        needed = needed_by(element for _, element in self.results)
        return [
            element for element in self.elements if element.stage is stage and element in needed
        ]

    def row_order(self, last: int) -> Sequence[Element]:
        """Return the elements of a row in order, at the end those that one output alone needs."""
        others = needed_by(x for entry, x in self.results if entry.array != last)
        return sorted(self.at(Stage.ROW), key=lambda element: element not in others)

    def _make(
        self, operation: str, args: tuple[Element, ...], kind: str, stage: Stage, payload: Hashable
    ) -> Element:
        key = (operation, kind, payload, *map(id, args))
        return self._known.get(key) or self._add(
            key, Element(operation, args, kind, stage, payload)
        )

    def _add(self, key: Hashable, element: Element) -> Element:
        if len(self.elements) >= self.limit:
            raise too_large(self.limit)
        self._known[key] = element
        self.elements.append(element)
        return element
