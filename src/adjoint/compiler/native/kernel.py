"""A kernel is straight-line arithmetic before, inside and after one loop over the rows of a batch.

It is the language between a graph and what is printed of it: every element is one number (of one
row, inside the loop), named by an operation and the elements that it is of. The stage of an element
follows from those: what depends on a row is computed for every row, what depends on a total over
the rows after the loop. Equal elements are one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

# Unrolled code beyond a few thousand operations takes a compiler longer than it ever saves: LLVM
# takes about a quarter of a millisecond for each.
LIMIT = 4000


class Unlowerable(Exception):  # noqa: N818 - it is an answer, and no fault of the user's
    """A graph that the native tier leaves to the portable one; its text says why."""


def too_large(limit: int) -> Unlowerable:
    """Return why a graph is not unrolled."""
    return Unlowerable(f"more than {limit} scalar operations, too many to unroll")


class Stage(IntEnum):
    """Where in a kernel an element is computed."""

    BEFORE = 0
    ROW = 1
    AFTER = 2


class ArrayEntry(NamedTuple):
    """Where a number lies: which array, and which entry of it, or of each of its rows."""

    array: int
    number: int


@dataclass(frozen=True, eq=False)
class Element:
    """One number: an operation on others, a constant or a place in memory."""

    operation: str
    args: tuple[Element, ...]
    kind: str
    stage: Stage
    payload: Any = None


class Kernel:
    """A program of elements in the order of their making, and the places of its results.

    Parameters
    ----------
    rows : int
        How often the loop runs; 0 for a kernel without one.
    limit : int
        The greatest number of elements.
    """

    def __init__(self, rows: int, *, limit: int = LIMIT) -> None:
        self.rows = rows
        self.limit = limit
        self.elements: list[Element] = []
        self.results: list[tuple[ArrayEntry, Element]] = []
        # Each is true where the results must be decided elsewhere.
        self.doubts: list[Element] = []
        self._known: dict[Any, Element] = {}

    def constant(self, value: float, kind: str) -> Element:
        """Return a number known now."""
        # The sign tells 0 from -0, which are equal.
        key = ("constant", kind, repr(value))
        return self._known.get(key) or self._add(
            key, Element("constant", (), kind, Stage.BEFORE, value)
        )

    def load(self, entry: ArrayEntry, kind: str) -> Element:
        """Return an entry of an array that all rows share."""
        return self._make("load", (), kind, Stage.BEFORE, entry)

    def row_load(self, entry: ArrayEntry, kind: str) -> Element:
        """Return an entry of the row."""
        return self._make("row_load", (), kind, Stage.ROW, entry)

    def apply(self, operation: str, kind: str, *args: Element, payload: Any = None) -> Element:
        """Return an operation on elements."""
        stage = max((arg.stage for arg in args), default=Stage.BEFORE)
        if stage is Stage.AFTER and any(arg.stage is Stage.ROW for arg in args):
            raise Unlowerable(
                f"{operation}: a row needs a total over all rows, which takes a second loop"
            )
        return self._make(operation, args, kind, stage, payload)

    def total(self, *factors: Element) -> Element:
        """Return the sum over the rows of an element, or of the product of two."""
        if any(factor.stage is Stage.AFTER for factor in factors):
            raise Unlowerable("sum: a total of what depends on a total takes a second loop")
        return self._make("total", factors, factors[0].kind, Stage.AFTER, None)

    def poison(self, position: int) -> None:
        """Make a result NaN, one float, if there is a doubt in any row."""
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
        """Make an element a result."""
        if element.stage is Stage.ROW:
            raise Unlowerable("a result with one number for every row")
        self.results.append((entry, element))

    def at(self, stage: Stage) -> Sequence[Element]:
        """Return the elements of a stage that results need, in order."""
        needed: set[Element] = set()
        pending = [element for _, element in self.results]
        while pending:
            element = pending.pop()
            if element not in needed:
                needed.add(element)
                pending.extend(element.args)
        return [
            element for element in self.elements if element.stage is stage and element in needed
        ]

    def _make(
        self, operation: str, args: tuple[Element, ...], kind: str, stage: Stage, payload: Any
    ) -> Element:
        key = (operation, kind, payload, *map(id, args))
        return self._known.get(key) or self._add(
            key, Element(operation, args, kind, stage, payload)
        )

    def _add(self, key: Any, element: Element) -> Element:
        if len(self.elements) >= self.limit:
            raise too_large(self.limit)
        self._known[key] = element
        self.elements.append(element)
        return element
