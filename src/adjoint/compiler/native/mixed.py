"""A mixed function is a graph of which only parts are native code; the rest runs as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from ...core.memory import separate
from ...graphs.cost import size_of
from ...graphs.graph import Graph
from ...graphs.tracing.tracer import TracedOperation
from .arrays.array_code import ArrayCode, CodeModule
from .arrays.expansion import expand
from .kernel import Unlowerable
from .partition import Partition, Segment, alone, partition

# What NumPy takes for an operation, and native code for being called, in units of its time for an
# entry; found by measuring, and rough.
_OPERATION = 1_000
_CALL = 3_000


class MixedFunction:
    """Segments of a graph in turn; called with a list of arrays, it returns a list of new ones.

    Parameters
    ----------
    graph : Graph
    compile : callable
        Returns a graph's native function.

    Raises
    ------
    Unlowerable
        If too little of the graph has native code to be worth it.
    """

    def __init__(
        self, graph: Graph, compile: Callable[[Graph], Callable[[Sequence[Any]], Sequence[Any]]]
    ) -> None:
        self._refusals = {node: reason for node in graph.nodes if (reason := refusal(node))}
        parts = partition(graph, lambda node: node not in self._refusals)
        if not _is_worthwhile(parts):
            raise Unlowerable("; ".join(self._reasons()))
        self._parts = parts
        self._constants = graph.constants
        self._runs = [
            compile(part.graph) if part.is_native else part.graph.evaluate
            for part in parts.segments
        ]

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the graph's outputs."""
        return self.run(arrays, None)

    def run(self, arrays: Sequence[Any], out: Sequence[Any] | None) -> list[Any]:
        """Return the graph's outputs, always in new arrays."""
        values = [*arrays, *[None] * (self._parts.values - len(arrays))]
        for segment, run in zip(self._parts.segments, self._runs, strict=True):
            found = run([values[n] for n in segment.reads])
            for number, value in zip(segment.writes, found, strict=True):
                values[number] = value
        results = [values[n] if isinstance(n, int) else n for n in self._parts.outputs]
        return separate(results, [*arrays, *self._constants])

    def describe(self) -> list[str]:
        """Return the lines of a report."""
        segments = self._parts.segments
        native = sum(segment.is_native for segment in segments)
        return [
            f"native code in {native} of {len(segments)} parts",
            *(f"portable: {reason}" for reason in self._reasons()),
        ]

    def _reasons(self) -> list[str]:
        counts = Counter(self._refusals.values())
        return [reason if n == 1 else f"{n} × {reason}" for reason, n in counts.items()]


def refusal(node: TracedOperation) -> str | None:
    """Return why an operation has no native code, or None where it has."""
    try:
        ArrayCode(expand(alone(node)), CodeModule(vector_bytes=16, registers=16))
    except Unlowerable as reason:
        return str(reason)
    return None


def _is_worthwhile(parts: Partition) -> bool:
    """Return whether native code saves more than its calls take."""
    return any(segment.is_native and _saved(segment) > _CALL for segment in parts.segments)


def _saved(segment: Segment) -> int:
    """Return about how much longer NumPy takes."""
    return sum(_OPERATION + size_of(node.output) for node in segment.graph.nodes)
