"""To follow an entry is to find its paths to the value, and check that they add up."""

from __future__ import annotations

import ast
import math

import numpy as np

from ...core.tree import leaves
from ...errors import GradientMismatchError, ShapeError
from ...graphs.graph import trace
from .document import Document
from .entry_paths import EntryPaths
from .formula import Formula
from .walk import Path, Walk


def follow(derivation: Document, entry: str) -> EntryPaths:
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
    position = list(derivation.program.every_input).index(name)
    walk = Walk(graph, list(leaves(subject.args)), derivation.program.value)
    place = int(np.ravel_multi_index(index, derivation.inputs[name].shape)) if index else 0
    start = graph.inputs[position].node
    assert start is not None
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
        _line(derivation, name),
        derivation.written,
    )
    _check(found)
    return found


def _read(derivation: Document, entry: str) -> tuple[str, tuple[int, ...]]:
    """Return the name of the input, and the index."""
    known = {name: name for name in derivation.program.gradient}
    known |= {path: name for name, path in derivation.program.paths.items() if name in known}
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


def _line(derivation: Document, name: str) -> Formula:
    """Return the line that a gradient is computed by."""
    result = derivation.program.gradient[name]
    return next(step.formula for step in derivation if step.name == result)


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
