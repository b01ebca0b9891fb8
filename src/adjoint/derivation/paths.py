"""A path leads from one entry of an input to the value; its contribution is a product of slopes."""

from __future__ import annotations

import ast
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from ..core import Node
from ..errors import GradientMismatchError, ShapeError
from ..graph import Graph, Symbol, trace
from ..sweep import pull_back
from ..tensor import Tensor, tensor
from ..tree import leaves
from .numbers import numbers

# Of paths that are told apart; where there are more they are grouped by the first value.
MOST = 5000
# Of paths that are printed.
SHOWN = 12


class Path(NamedTuple):
    """The values on the way, the slopes between them, and the product of the slopes.

    Of a group the last slope is that of the value itself by the last entry, over all paths on.
    """

    stops: tuple[str, ...]
    slopes: tuple[float, ...]

    @property
    def contribution(self) -> float:
        """What the path adds to the gradient."""
        return math.prod(self.slopes)

    def __str__(self) -> str:
        product = " · ".join(_number(slope) for slope in self.slopes)
        return f"{' → '.join(self.stops)}: {product} = {_number(self.contribution)}"


@dataclass(frozen=True)
class EntryPaths:
    """All paths from one entry of an input to the value, the largest contribution first.

    Attributes
    ----------
    entry : str
        As asked for.
    input, index : str, tuple of int
        The same in the derivation's names.
    paths : list of Path
        With contributions other than 0.
    complete : bool
        Whether each is one path; else they are groups of all paths through one first value.
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
    paths: list[Path]
    complete: bool
    gradient: float
    slack: float
    value: str
    first: list[tuple[str, float, float]]
    matrix: str

    @property
    def name(self) -> str:
        """The entry in the derivation's names."""
        return f"{self.input}{_subscript(self.index)}"

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
        terms = [_number(path.contribution) for path in self.paths[:SHOWN]]
        if len(self.paths) > SHOWN:
            terms.append(_number(self.remainder))
        return f"{_added(terms)} = {_number(self.total)}"

    @property
    def heading(self) -> str:
        """How many paths there are."""
        count = len(self.paths)
        if not self.complete:
            return (
                f"More than {MOST} paths lead from {self.entry} to the value; they are grouped by "
                f"the first of {count} values"
            )
        verb = "path leads" if count == 1 else "paths lead"
        return f"{count or 'No'} {verb} from {self.entry} to the value"

    def scalar_view(self) -> str:
        """Return the gradient's entry as a sum over the values that the entry enters."""
        items = sorted(self.first, key=lambda item: -abs(math.prod(item[1:])))
        terms = [f"{_number(slope)} · {_number(g)}" for _, slope, g in items[:SHOWN]]
        rest = math.fsum(slope * g for _, slope, g in items[SHOWN:])
        terms += [f"{_number(rest)} ({len(items) - SHOWN} more)"] * (len(items) > SHOWN)
        return f"{_added(terms)} = {_number(self.total)}"

    def rest_text(self) -> str:
        """Return how many paths are not printed and what they add, or nothing."""
        more = len(self.paths) - SHOWN
        kind = "paths" if self.complete else "groups"
        return f"{more} more {kind} add {_number(self.remainder)}" if more > 0 else ""

    def __str__(self) -> str:
        lines = [
            self.heading,
            f"      matrix view: {self.matrix}",
            f"      scalar view: ∂{self.value}/∂{self.name} = {self.scalar_view()}",
            *(f"{n:>4}. {path}" for n, path in enumerate(self.paths[:SHOWN], 1)),
        ]
        lines += [f"      {text}" for text in [self.rest_text()] if text]
        return "\n".join([*lines, f"      {self.sum_text}"])


def _number(x: float) -> str:
    return numbers(float(x))


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
    walk = _Walk(graph, list(leaves(subject.args)), derivation.program.value)
    place = int(np.ravel_multi_index(index, derivation.inputs[name].shape)) if index else 0
    paths, complete = walk.paths(graph.inputs[position].node, place, name)
    paths.sort(key=lambda path: -abs(path.contribution))
    gradient = float(np.asarray(derivation.gradient[name])[index])
    found = EntryPaths(
        entry,
        name,
        index,
        paths,
        complete,
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
    if not abs(found.total - found.gradient) <= found.slack:
        raise GradientMismatchError(
            f"the paths from {found.entry} add up to {found.total!r}, the gradient is "
            f"{found.gradient!r}; please report it"
        )


class _Walk:
    """The forward graph entry by entry: which entries of later values one entry enters."""

    def __init__(self, graph: Graph, arrays: list[Any], value: str) -> None:
        self.graph, self.value = graph, value
        self.tensors: dict[Node | None, Any] = {}
        for symbol, array in zip(graph.inputs, arrays, strict=True):
            floats = array.dtype.kind == "f"
            self.tensors[symbol.node] = tensor(array, requires_grad=floats)
        for node in graph.nodes:
            assert node.primitive is not None
            args = [
                arg if parent is None else self.tensors[parent]
                for arg, parent in zip(node.args, node.parents, strict=True)
            ]
            with np.errstate(all="ignore"):
                self.tensors[node] = node.primitive.bind(args, node.params or {})
        self.consumers: dict[Node | None, list[Node]] = {}
        for node in graph.nodes:
            for parent in dict.fromkeys(node.parents):
                self.consumers.setdefault(parent, []).append(node)
        output = graph.outputs[0]
        self.end = output.node if isinstance(output, Symbol) else None
        self.known: dict[tuple[Node, int], list[tuple[Node, int, float]]] = {}
        self.labels = self._labels()

    def paths(self, start: Any, place: int, name: str) -> tuple[list[Path], bool]:
        """Return all paths from an entry; or groups of them, and False, if they are too many."""
        first = Path((self._label(start, place, name),), ())
        found: list[Path] = []
        stack = [(start, place, first)]
        steps = 0
        while stack:
            node, entry, path = stack.pop()
            steps += 1
            if node is self.end:
                found.append(path)
            if len(found) > MOST or steps > 10 * MOST:
                return list(self._groups(start, place, first)), False
            for after, at, slope in self._next(node, entry):
                stack.append((after, at, self._extended(path, node, after, at, slope)))
        return found, True

    def _extended(self, path: Path, node: Node, after: Node, at: int, slope: float) -> Path:
        """Return a path with one more value, which replaces one without a name that it equals."""
        stops, slopes = path.stops, path.slopes
        named = getattr(after, "name", None) is not None
        passing = node.primitive is not None and getattr(node, "name", None) is None
        if named and passing and slope == 1 and len(stops) > 1 and after is not self.end:
            return Path((*stops[:-1], self._label(after, at, self.labels[after])), slopes)
        return Path((*stops, self._label(after, at, self.labels[after])), (*slopes, slope))

    def _labels(self) -> dict[Node, str]:
        """Return what each node is called: its name, or its primitive's, numbered."""
        labels: dict[Node, str] = {}
        count: dict[str, int] = {}
        for node in self.graph.nodes:
            assert node.primitive is not None
            label = getattr(node, "name", None) or node.primitive.name
            label = self.value if node is self.end else label
            count[label] = count.get(label, 0) + 1
            labels[node] = label if count[label] == 1 else f"{label} ({count[label]})"
        return labels

    def _label(self, node: Any, place: int, name: str) -> str:
        return f"{name}{_subscript(np.unravel_index(place, node.output.shape))}"

    def _next(self, node: Node, place: int) -> list[tuple[Node, int, float]]:
        """Return the entries that one entry enters, with their slopes where these are not 0."""
        key = node, place
        if key not in self.known:
            self.known[key] = [
                (after, int(at), float(slopes.flat[at]))
                for after in self.consumers.get(node, [])
                if (slopes := self._slopes(node, place, after)) is not None
                for at in np.flatnonzero(slopes)
            ]
        return self.known[key]

    def _slopes(self, node: Node, place: int, after: Node) -> Any:
        """Return the derivative of all entries of a value by one entry of an operand."""
        primitive = after.primitive
        assert primitive is not None
        if primitive.jvp is None or node.output.dtype.kind != "f":
            return None
        direction = np.zeros(node.output.shape, node.output.dtype)
        direction.flat[place] = 1
        tangents = [direction if parent is node else None for parent in after.parents]
        args = [
            arg if parent is None else self.tensors[parent].data
            for arg, parent in zip(after.args, after.parents, strict=True)
        ]
        with np.errstate(all="ignore"):
            moved = primitive.jvp(tangents, self.tensors[after].data, args, after.params or {})
        return np.broadcast_to(moved, after.output.shape)

    def _groups(self, start: Node, place: int, first: Path) -> Iterator[Path]:
        """Yield a group for each value that the entry enters."""
        cotangents = self._cotangents()
        for after, at, slope in self._next(start, place):
            g = cotangents.get(self.tensors[after].node)
            label = self._label(after, at, self.labels[after])
            onward = 0.0 if g is None else float(np.asarray(g).flat[at])
            yield Path((*first.stops, label, "…"), (slope, onward))

    def _cotangents(self) -> dict[Node, Any]:
        end: Tensor = self.tensors[self.end]
        found: dict[Node, Any] = {}
        if end.node is not None:
            seed = {end.node: np.ones(end.shape, end.dtype)}
            pull_back(seed, meet=lambda node, g: found.__setitem__(node, g))
        return found


def _subscript(index: Any) -> str:
    return f"[{', '.join(str(int(i)) for i in index)}]" if len(index) else ""
