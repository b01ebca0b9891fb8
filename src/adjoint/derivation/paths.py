"""The paths of an entry lead from it to the value; their contributions add up to the gradient."""

from __future__ import annotations

import ast
import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GradientMismatchError, ShapeError
from ..graph import trace
from ..tree import leaves
from .walk import MOST, Path, Walk, number_text, subscript

# Of paths that are printed.
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


def follow(derivation: Any, entry: str) -> EntryPaths:
    """Return the paths from an entry of one of the derivation's inputs to the value.

    Raises
    ------
    ValueError
        If the entry is none of an input that the derivation differentiates by.
    GradientMismatchError
        If the contributions do not add up to the gradient.
    """
    name, index = _read(derivation, entry)
    subject = derivation.subject
    graph = trace(subject.function, *subject.args, names=subject.names, arguments=subject.arguments)
    position = list(derivation.inputs).index(name)
    walk = Walk(graph, list(leaves(subject.args)), derivation.program.value)
    place = int(np.ravel_multi_index(index, derivation.inputs[name].shape)) if index else 0
    start = graph.inputs[position].node
    count = walk.count(start, place)
    every = walk.paths(start, place, name, count)
    paths = list(walk.groups(start, place, name)) if every is None else every
    paths.sort(key=lambda path: -abs(path.contribution))
    gradient = float(np.asarray(derivation.gradient[name])[index])
    found = EntryPaths(
        entry,
        name,
        index,
        count,
        paths,
        gradient,
        derivation.slack(derivation.program.gradient[name]),
        derivation.program.value,
        _by_first(paths),
        _matrix_view(derivation, name),
    )
    _check(found)
    return found


def _read(derivation: Any, entry: str) -> tuple[str, tuple[int, ...]]:
    """Return the name of the input, and the index."""
    known = {name: name for name in derivation.program.gradient}
    known |= {path: name for name, path in derivation.subject.paths.items() if name in known}
    for path in sorted(known, key=len, reverse=True):
        rest = entry.strip().removeprefix(path)
        if rest == entry.strip() or (rest and not rest.startswith("[")):
            continue
        shape = derivation.inputs[known[path]].shape
        try:
            index = tuple(ast.literal_eval(f"({rest.strip('[]')},)")) if rest else ()
            where = np.ravel_multi_index(
                tuple(i + n if i < 0 else i for i, n in zip(index, shape, strict=True)), shape
            )
        except (ValueError, SyntaxError, TypeError):
            raise ShapeError(
                f"explain: entry {entry!r} is not one entry of {path}, which has shape {shape}"
            ) from None
        return known[path], tuple(map(int, np.unravel_index(where, shape)))
    raise ValueError(
        f"explain: entry {entry!r} is none of {', '.join(known)}; name one of these and an index, "
        f"as '{next(iter(known))}[0]'"
    )


def _matrix_view(derivation: Any, name: str) -> str:
    result = derivation.program.gradient[name]
    text: str = next(step.formula.text for step in derivation if step.name == result)
    return text


def _by_first(paths: list[Path]) -> list[tuple[str, float, float]]:
    """Return the first values with their slopes, and the sum of the products of the later ones."""
    after: dict[tuple[str, float], list[float]] = {}
    for path in paths:
        if path.slopes:
            after.setdefault((path.stops[1], path.slopes[0]), []).append(math.prod(path.slopes[1:]))
    return [(stop, slope, math.fsum(later)) for (stop, slope), later in after.items()]


def _check(found: EntryPaths) -> None:
    by_first = math.fsum(slope * g for _, slope, g in found.first)
    direct = sum(not path.slopes for path in found.paths)  # the value is the entry itself
    sums = found.total, by_first + direct
    if not all(abs(total - found.gradient) <= found.slack for total in sums):
        raise GradientMismatchError(
            f"the paths from {found.entry} add up to {found.total!r}, the gradient is "
            f"{found.gradient!r}; please report it"
        )
