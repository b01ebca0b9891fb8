"""A pack is elements that are computed alike, side by side in the lanes of one vector.

After the loop over the rows a kernel has the same few operations for every parameter. Written for
one number at a time they are most of the code that LLVM has to go through; written for as many as
a vector has lanes, they are a fraction of it, and take a fraction of the time. Each lane has the
operations, and so the bits, that the element would have alone.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TypeAlias

from .functions import FUNCTIONS
from .instructions import INSTRUCTIONS
from .kernel import ArrayEntry, ArrayLocation, Element, Kernel

Pack: TypeAlias = tuple[Element, ...]

# Instructions that LLVM has for vectors too, and rounds there as for a single number. Functions are
# left out: their code may depend on the width.
_OPERATIONS = (INSTRUCTIONS.keys() - FUNCTIONS.keys()) | {"convert"}
# Expressions of more levels are computed one by one; updates of parameters have ten or twenty.
_DEEPEST = 50


class Packs:
    """Which results of a kernel are stored as packs.

    Parameters
    ----------
    kernel : Kernel
    inputs, outputs : mapping of int to ArrayLocation
    width : int
        The number of lanes of a vector.

    Attributes
    ----------
    stores : list of (ArrayEntry, Pack)
        Each with the entry that its first element goes to; the others go to those that follow.
    singles : list of (ArrayEntry, Element)
        All other results.
    totals : dict
        The pack in which a total is added up, where it has one.
    shared : list of Element
        What a pack needs in every lane.
    """

    def __init__(
        self,
        kernel: Kernel,
        inputs: Mapping[int, ArrayLocation],
        outputs: Mapping[int, ArrayLocation],
        width: int,
    ) -> None:
        self._inputs, self._outputs = inputs, outputs
        self._width = width
        self.stores: list[tuple[ArrayEntry, Pack]] = []
        self.singles: list[tuple[ArrayEntry, Element]] = []
        self.totals: dict[Element, Pack] = {}
        self.shared: list[Element] = []
        self._known: dict[Pack, bool] = {}
        for run in self._runs(kernel.results):
            self._divide(run)
        for _, pack in self.stores:
            self._note(pack)

    def _place(self, locations: Mapping[int, ArrayLocation], entry: ArrayEntry) -> tuple[str, int]:
        location = locations[entry.array]
        return location.pointer, location.offset + entry.number

    def _runs(
        self, results: Sequence[tuple[ArrayEntry, Element]]
    ) -> Iterator[list[tuple[ArrayEntry, Element]]]:
        """Return the results in stretches of memory, each of one kind of numbers."""
        run: list[tuple[ArrayEntry, Element]] = []
        for result in results:
            if run and not self._continues(run[-1], result):
                yield run
                run = []
            run.append(result)
        if run:
            yield run

    def _continues(
        self, last: tuple[ArrayEntry, Element], result: tuple[ArrayEntry, Element]
    ) -> bool:
        places = [self._place(self._outputs, entry) for entry, _ in (last, result)]
        return last[1].kind == result[1].kind != "i1" and _are_neighbours(places)

    def _divide(self, run: Sequence[tuple[ArrayEntry, Element]]) -> None:
        """Divide a stretch into packs, as wide as they can be from its beginning on."""
        at = 0
        while at < len(run):
            size = self._width
            while size > 1:
                pack = tuple(element for _, element in run[at : at + size])
                if len(pack) == size and self._is_alike(pack):
                    break
                size //= 2
            if size > 1:
                self.stores.append((run[at][0], pack))
            else:
                self.singles.append(run[at])
            at += size

    def _is_alike(self, pack: Pack, depth: int = 0) -> bool:
        """Return whether elements are computed alike, down to what is read or in every lane."""
        if pack not in self._known:
            self._known[pack] = depth < _DEEPEST and self._are_parts_alike(pack, depth)
        return self._known[pack]

    def _are_parts_alike(self, pack: Pack, depth: int) -> bool:
        first = pack[0]
        if is_one(pack):
            return True
        if {(x.operation, x.kind) for x in pack} != {(first.operation, first.kind)}:
            return False
        if first.operation == "load":
            # Truth values take a byte each in memory, and a bit each in a vector.
            places = [self._place(self._inputs, element.payload) for element in pack]
            return first.kind != "i1" and _are_neighbours(places)
        if first.operation in ("constant", "total"):
            return True
        parts = zip(*(element.args for element in pack), strict=True)
        return first.operation in _OPERATIONS and all(
            self._is_alike(part, depth + 1) for part in parts
        )

    def _note(self, pack: Pack) -> None:
        """Note which totals a pack needs together, and what it needs in every lane."""
        noted, pending = set(), [pack]
        while pending:
            pack = pending.pop()
            if pack in noted:
                continue
            noted.add(pack)
            if pack[0].operation == "constant":
                continue
            if is_one(pack):
                self.shared.append(pack[0])
            elif pack[0].operation == "total":
                for element in pack:
                    self.totals.setdefault(element, pack)
            else:
                pending += zip(*(element.args for element in pack), strict=True)


def is_one(pack: Pack) -> bool:
    """Return whether all lanes of a pack have the same element."""
    return all(element is pack[0] for element in pack)


def _are_neighbours(places: Sequence[tuple[str, int]]) -> bool:
    pointer, first = places[0]
    return all(place == (pointer, first + i) for i, place in enumerate(places))
