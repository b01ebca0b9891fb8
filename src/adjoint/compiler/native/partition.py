"""A partition cuts a graph into segments with native code and segments without."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ...core.node import Node
from ...graphs.graph import Graph
from ...graphs.symbol import Symbol
from ...graphs.tracing.tracer import TracedOperation
from ..simplify.excerpt import Excerpt, excerpt


@dataclass(frozen=True)
class Segment(Excerpt):
    """Operations that all have native code, or all have none.

    Parameters
    ----------
    is_native : bool
    """

    is_native: bool


@dataclass(frozen=True)
class Partition:
    """The segments of a graph, in order.

    Parameters
    ----------
    segments : tuple of Segment
    outputs : tuple
        For each output of the graph the number of its value, or the constant itself.
    values : int
        How many values there are; the first are the inputs of the graph.
    """

    segments: tuple[Segment, ...]
    outputs: tuple[Any, ...]
    values: int


def partition(graph: Graph, has_native: Callable[[Node], bool]) -> Partition:
    """Return a graph cut around the operations without native code, into the fewest segments."""
    segment_of = _segment_numbers(graph, has_native)
    numbers: dict[Node, int] = {}
    for symbol in graph.inputs:
        assert symbol.node is not None
        numbers[symbol.node] = len(numbers)
    ends = {x.node for x in graph.outputs if isinstance(x, Symbol)}
    needed = _needed_later(graph, segment_of, ends)
    for node in graph.nodes:
        if node in needed:
            numbers[node] = len(numbers)
    members: dict[int, list[TracedOperation]] = {}
    for node in graph.nodes:
        members.setdefault(segment_of[node], []).append(node)
    segments = [
        _segment(nodes, numbers, is_native=number % 2 == 0)
        for number, nodes in sorted(members.items())
    ]
    outputs = tuple(numbers[x.node] if isinstance(x, Symbol) else x for x in graph.outputs)  # type: ignore[index]
    return Partition(tuple(segments), outputs, len(numbers))


def _segment_numbers(graph: Graph, has_native: Callable[[Node], bool]) -> dict[Node, int]:
    """Return for each node the earliest segment it can be in; native ones have even numbers."""
    segment_of: dict[Node, int] = {}
    for node in graph.nodes:
        # An operation can be in the segment of its latest operand, or in the next one of its own
        # sort.
        number = max((segment_of.get(parent, 0) for parent in node.parents if parent), default=0)
        segment_of[node] = number + (number % 2 == (1 if has_native(node) else 0))
    return segment_of


def _needed_later(graph: Graph, segment_of: Mapping[Node, int], ends: set[Any]) -> set[Node]:
    needed: set[Node] = {node for node in graph.nodes if node in ends}
    for node in graph.nodes:
        needed |= {p for p in node.parents if p in segment_of and segment_of[p] != segment_of[node]}  # type: ignore[index,misc]
    return needed


def _segment(
    nodes: Sequence[TracedOperation], numbers: Mapping[Node, int], *, is_native: bool
) -> Segment:
    own = set(nodes)
    reads = dict.fromkeys(
        parent for node in nodes for parent in node.parents if parent and parent not in own
    )
    writes = [node for node in nodes if node in numbers]
    return Segment(
        excerpt(nodes, list(reads), writes),
        tuple(numbers[node] for node in reads),
        tuple(numbers[node] for node in writes),
        is_native,
    )
