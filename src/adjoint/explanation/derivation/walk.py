"""A walk goes through a forward graph entry by entry, along the entries that one enters."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, SupportsInt

import numpy as np

from ...core.node import Node, Operation
from ...graphs.graph import Graph
from ...graphs.sweep import pull_back
from ...graphs.symbol import Symbol
from ...graphs.tensor import Tensor, tensor
from .numbers import numbers

# At most so many paths are told apart; more are grouped by the first value that they enter.
MOST = 5000
# Counting paths stops after it has gone through so many entries.
_COUNTED = 30_000


class Path(NamedTuple):
    """The values on a path, and the slope from each to the next.

    In a group of paths the last slope is the derivative of the whole value by the last entry, which
    adds up all paths that lead on from there.
    """

    stops: tuple[str, ...]
    slopes: tuple[float, ...]

    @property
    def contribution(self) -> float:
        """What the path adds to the gradient."""
        return math.prod(self.slopes)


class Walk:
    """The forward graph entry by entry: which entries of later values one entry enters."""

    def __init__(self, graph: Graph, arrays: list[Any], value: str) -> None:
        self.graph, self.value = graph, value
        inputs = [tensor(array, requires_grad=array.dtype.kind == "f") for array in arrays]
        with np.errstate(all="ignore"):
            self.tensors = graph.interpret(inputs, Operation.apply)
        self.consumers: dict[Node | None, list[Operation]] = {}
        for node in graph.nodes:
            for parent in dict.fromkeys(node.parents):
                self.consumers.setdefault(parent, []).append(node)
        output = graph.outputs[0]
        self.end = output.node if isinstance(output, Symbol) else None
        self.known: dict[tuple[Node, int], list[tuple[Node, int, float]]] = {}
        self.labels = self._labels()

    def count(self, start: Node, place: int) -> int | None:
        """Return how many paths lead from an entry to the end; None if that is too much work."""
        ways: dict[Any, dict[int, int]] = {start: {place: 1}}
        entered = 0
        for node in (start, *self.graph.nodes):
            entries = ways.get(node, {}) if node is not self.end else {}
            entered += len(entries)
            if entered > _COUNTED:
                return None
            for entry, number in entries.items():
                for after, at, _ in self._next(node, entry):
                    found = ways.setdefault(after, {})
                    found[at] = found.get(at, 0) + number
        return ways.get(self.end, {}).get(0, 0)

    def paths(self, start: Node, place: int, name: str, count: int | None) -> list[Path] | None:
        """Return all ``count`` paths from an entry; None if they are too many to tell apart."""
        found: list[Path] = []
        stack = [(start, place, Path((self._label(start, place, name),), ()))]
        if count is None or count > MOST:
            return None
        while stack and len(found) < count:
            node, entry, path = stack.pop()
            if node is self.end:
                found.append(path)
                continue
            for after, at, slope in self._next(node, entry):
                stack.append((after, at, self._extended(path, node, after, at, slope)))
        return found

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
            label = getattr(node, "name", None) or node.primitive.name
            label = self.value if node is self.end else label
            count[label] = count.get(label, 0) + 1
            labels[node] = label if count[label] == 1 else f"{label} ({count[label]})"
        return labels

    def _label(self, node: Node, place: int, name: str) -> str:
        return f"{name}{subscript(np.unravel_index(place, node.output.shape))}"

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

    def _slopes(self, node: Node, place: int, after: Operation) -> Any:
        """Return the derivative of all entries of a value by one entry of an operand."""
        primitive = after.primitive
        if primitive.jvp is None or node.output.dtype.kind != "f":
            return None
        direction = np.zeros(node.output.shape, node.output.dtype)
        direction.flat[place] = 1
        tangents = [direction if parent is node else None for parent in after.parents]
        args = [_payload(x) for x in after.operands(self.tensors)]
        with np.errstate(all="ignore"):
            moved = primitive.jvp(tangents, self.tensors[after].data, args, after.params)
        return np.broadcast_to(moved, after.output.shape)

    def groups(self, start: Node, place: int, name: str) -> Iterator[Path]:
        """Yield a group of paths for each value that the entry enters."""
        first = self._label(start, place, name)
        cotangents = self._cotangents()
        for after, at, slope in self._next(start, place):
            g = cotangents.get(self.tensors[after].node)
            label = self._label(after, at, self.labels[after])
            onward = 0.0 if g is None else float(np.asarray(g).flat[at])
            yield Path((first, label, "…"), (slope, onward))

    def _cotangents(self) -> dict[Node, Any]:
        assert self.end is not None
        end: Tensor = self.tensors[self.end]
        found: dict[Node, Any] = {}
        if end.node is not None:
            seed = {end.node: np.ones(end.shape, end.dtype)}
            pull_back(seed, visit=lambda node, g: found.__setitem__(node, g))
        return found


def _payload(x: Any) -> Any:
    return x.data if isinstance(x, Tensor) else x


def number_text(x: float) -> str:
    """Return a number as it is printed."""
    return numbers(float(x))


def subscript(index: Sequence[SupportsInt]) -> str:
    """Return an index behind a name; nothing for a single number."""
    return f"[{', '.join(str(int(i)) for i in index)}]" if len(index) else ""
