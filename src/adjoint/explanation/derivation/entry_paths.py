"""The paths of an entry: what each adds to the gradient, written as a sum."""

from __future__ import annotations

import math
from dataclasses import dataclass

from .walk import MOST, Path, number_text, subscript

# So many paths are printed one by one; the rest are added up.
SHOWN = 12


@dataclass(frozen=True)
class EntryPaths:
    """All paths from one entry of an input to the value, the largest contribution first.

    Attributes
    ----------
    entry : str
        As asked for.
    input, index : str, tuple of int
        The same in the derivation's names.
    count : int or None
        How many paths there are with slopes other than 0; None if they were too many to count.
    paths : list of Path
        All of them, or where these are more than `walk.MOST` a group for each value that the entry
        enters: all paths that go on from there.
    gradient : float
        The entry of the engine's gradient.
    slack : float
        How far the sum of all contributions may be from it.
    value : str
        The name of what is differentiated.
    first : list of (str, float, float)
        The scalar view: each value that the entry enters, its slope by the entry, and the gradient
        by it.
    matrix : str
        The line of the derivation that the entry is one of.
    """

    entry: str
    input: str
    index: tuple[int, ...]
    count: int | None
    paths: list[Path]
    gradient: float
    slack: float
    value: str
    first: list[tuple[str, float, float]]
    matrix: str

    @property
    def name(self) -> str:
        """The entry in the derivation's names."""
        return f"{self.input}{subscript(self.index)}"

    @property
    def complete(self) -> bool:
        """Whether each path stands for itself."""
        return self.count is not None and self.count <= MOST

    @property
    def total(self) -> float:
        """The sum of all contributions."""
        return math.fsum(path.contribution for path in self.paths)

    @property
    def remainder(self) -> float:
        """The sum of the contributions that are not printed."""
        return math.fsum(path.contribution for path in self.paths[SHOWN:])

    @property
    def sum_text(self) -> str:
        """The sum of the contributions, as ``4 + 12 = 16``."""
        terms = [number_text(path.contribution) for path in self.paths[:SHOWN]]
        if len(self.paths) > SHOWN:
            terms.append(number_text(self.remainder))
        return f"{_added(terms)} = {number_text(self.total)}"

    @property
    def heading(self) -> str:
        """How many paths there are."""
        many = "More paths than were counted" if self.count is None else f"{self.count} paths"
        if not self.complete:
            return (
                f"{many} lead from {self.entry} to the value; they are grouped by the first of "
                f"{len(self.paths)} values"
            )
        verb = "path leads" if self.count == 1 else "paths lead"
        return f"{self.count or 'No'} {verb} from {self.entry} to the value"

    def scalar_view(self) -> str:
        """Return the gradient's entry as a sum over the values that the entry enters."""
        # The largest terms are shown; the rest is one number.
        items = sorted(self.first, key=lambda item: -abs(math.prod(item[1:])))
        terms = [f"{number_text(slope)} · {number_text(g)}" for _, slope, g in items[:SHOWN]]
        rest = math.fsum(slope * g for _, slope, g in items[SHOWN:])
        terms += [f"{number_text(rest)} ({len(items) - SHOWN} more)"] * (len(items) > SHOWN)
        return f"{_added(terms)} = {number_text(self.total)}"

    def rest_text(self) -> str:
        """Return how many paths are not printed and what they add, or nothing."""
        more = len(self.paths) - SHOWN
        kind = "paths" if self.complete else "groups"
        return f"{more} more {kind} add {number_text(self.remainder)}" if more > 0 else ""

    def __str__(self) -> str:
        lines = [
            self.heading,
            f"      matrix view: {self.matrix}",
            f"      scalar view: ∂{self.value}/∂{self.name} = {self.scalar_view()}",
            *(f"{n:>4}. {path}" for n, path in enumerate(self.paths[:SHOWN], 1)),
        ]
        lines += [f"      {text}" for text in [self.rest_text()] if text]
        return "\n".join([*lines, f"      {self.sum_text}"])


def _added(terms: list[str]) -> str:
    """Return a sum: what begins with a minus is subtracted."""
    return " + ".join(terms).replace("+ -", "- ") or "0"
