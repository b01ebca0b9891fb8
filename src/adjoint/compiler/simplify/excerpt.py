"""An excerpt is some operations of a graph as a graph of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ...core.node import Node
from ...graphs.graph import Graph
from ...graphs.sweep import interpret
from ...graphs.symbol import Symbol
from ...graphs.tracing.tracer import TracedOperation


@dataclass(frozen=True)
class Excerpt:
    """Some operations of a graph, as a graph of their own.

    Parameters
    ----------
    graph : Graph
    reads, writes : tuple of int
        The numbers of the values that it reads and writes.
    """

    graph: Graph
    reads: tuple[int, ...]
    writes: tuple[int, ...]


def excerpt(
    nodes: Sequence[TracedOperation], inputs: Sequence[Node], outputs: Sequence[Node]
) -> Graph:
    """Return some operations as a graph of their own."""
    own = [Symbol.input(node.output, getattr(node, "name", None)) for node in inputs]
    inside = interpret(
        nodes,
        dict(zip(inputs, own, strict=True)),
        lambda node, args: Symbol.apply(node.meant, args, node.params),
    )
    return Graph(own, [inside[node] for node in outputs])


def alone(node: TracedOperation) -> Graph:
    """Return the graph of one operation."""
    parents = dict.fromkeys(parent for parent in node.parents if parent)
    return excerpt([node], list(parents), [node])
