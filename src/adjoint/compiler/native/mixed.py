"""A mixed function is a graph of which parts are native code; the rest runs in NumPy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from ...core.memory import separate
from ...core.node import Node
from ...graphs.cost import size_of
from ...graphs.graph import Graph
from ...graphs.loops.row import RESULT
from ...graphs.tracing.tracer import TracedOperation
from ..simplify.excerpt import alone
from ..simplify.fingerprint import key_of
from ..simplify.loops import is_loop, with_results
from .arrays.array_code import ArrayCode, CodeModule
from .arrays.expansion import expand
from .partition import Partition, Segment, partition
from .target import ANY
from .unlowerable import Unlowerable

# What an operation costs NumPy, and a call of native code costs, beside the work on the entries; in
# units of NumPy's time for one entry of an elementwise operation. Roughly measured.
_OPERATION = 1_000
_CALL = 3_000


class MixedFunction:
    """Runs the segments of a graph in turn; takes a list of arrays and returns a list of new ones.

    Parameters
    ----------
    graph : Graph
    compile : callable
        Returns the native function of a graph.

    Raises
    ------
    Unlowerable
        If native code of the parts would not save time.
    """

    def __init__(
        self, graph: Graph, compile: Callable[[Graph], Callable[[Sequence[Any]], Sequence[Any]]]
    ) -> None:
        self._refusals = _refusals(graph.nodes)
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
        """Return the graph's outputs in new arrays; ``out`` is not used."""
        values = [*arrays, *[None] * (self._parts.values - len(arrays))]
        for segment, run in zip(self._parts.segments, self._runs, strict=True):
            found = run([values[n] for n in segment.reads])
            for number, value in zip(segment.writes, found, strict=True):
                values[number] = value
        results = [values[n] if isinstance(n, int) else n for n in self._parts.outputs]
        return separate(results, [*arrays, *self._constants])

    def builtin(self, traced: Graph, *, has_state: bool) -> None:
        """Return None: NumPy has a part in each call."""

    def describe(self) -> list[str]:
        """Return the lines of a report."""
        segments = self._parts.segments
        native = sum(segment.is_native for segment in segments)
        return [
            f"native code in {native} of {len(segments)} parts",
            *(f"portable: {reason}" for reason in self._reasons()),
        ]

    def _reasons(self) -> list[str]:
        counts = Counter(
            reason for node, reason in self._refusals.items() if node.primitive is not RESULT
        )
        return [reason if n == 1 else f"{n} × {reason}" for reason, n in counts.items()]


def _refusals(nodes: Sequence[TracedOperation]) -> dict[Node, str]:
    """Return the operations that have no native code, and why; of those that are alike only one is
    tried.
    """
    known: dict[Hashable, str | None] = {}
    found: dict[Node, str] = {}
    for node in nodes:
        if node.primitive is RESULT and node.parents[0] is not None:
            # Loops and their results go together.
            if node.parents[0] in found:
                found[node] = found[node.parents[0]]
            continue
        kind = _kind_of(node)
        if kind not in known:
            known[kind] = refusal(node)
        if (reason := known[kind]) is not None:
            found[node] = reason
    return found


def _kind_of(node: TracedOperation) -> Hashable:
    """Return what operations share that differ in nothing but whose results they read."""
    first = {parent: number for number, parent in reversed(list(enumerate(node.parents)))}
    operands = [
        key_of(arg) if parent is None else (first[parent], arg.shape, arg.dtype.str)
        for arg, parent in node.edges()
    ]
    return id(node.meant), id(node.primitive), key_of(dict(node.params)), tuple(operands)


def refusal(node: TracedOperation) -> str | None:
    """Return the reason why an operation has no native code, or None if it has."""
    try:
        graph = with_results(alone(node)) if is_loop(node) else alone(node)
        ArrayCode(expand(graph), CodeModule(ANY))
    except Unlowerable as reason:
        return str(reason)
    return None


def _is_worthwhile(parts: Partition) -> bool:
    """Return whether one segment saves more time than its call takes."""
    return any(segment.is_native and _saved(segment) > _CALL for segment in parts.segments)


def _saved(segment: Segment) -> int:
    """Return about how long NumPy takes for a segment."""
    return sum(_OPERATION + size_of(node.output) for node in segment.graph.nodes)
