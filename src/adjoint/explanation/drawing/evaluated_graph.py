"""An evaluated graph: its values, their gradients, and what every edge adds to these."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Cotangent
from ...core.node import Node
from ...core.tree import leaves, map_leaves
from ...errors import GraphError
from ...graphs.sweep import pull_back
from ...graphs.symbol import Symbol
from ...ops.structural import sum_to
from ..derivation.function_at_point import FunctionAtPoint
from ..derivation.parameter_names import is_numbered
from ..derivation.walk import Walk
from .call_site import CallSite, trace_call_sites


class Edge(NamedTuple):
    """One use of a value: the node that reads it, and as which operand. Two may join one pair."""

    source: Node
    target: Node
    position: int


class EvaluatedGraph:
    """The graph of a function, with numbers.

    Attributes
    ----------
    graph : Graph
    call_sites : dict of Node to CallSite
    values : dict of Node to array
    paths : dict of Node to str
        Where in the model its tensors stand.
    gradient : dict of Node to array
        The gradients of the inputs to differentiate by, and of all values that depend on these.
    contributions : dict of Edge to array
        What an edge adds to the gradient of its source, in the source's shape; absent where it is
        not needed.
    parts : dict of Node to list of array
        The contributions to each gradient, that of the last reader first.
    ends : list of Node
        The results.
    """

    def __init__(self, subject: FunctionAtPoint) -> None:
        self.graph, self.call_sites = trace_call_sites(subject)
        arrays = list(leaves(subject.args))
        walk = Walk(self.graph, arrays, subject.result)
        self.inputs = [x.node for x in self.graph.inputs if x.node is not None]
        self.values: dict[Node, Any] = {node: walk.tensors[node].data for node in self.nodes}
        self.ends = [x.node for x in self.graph.outputs if isinstance(x, Symbol) and x.node]
        self.paths = dict(self._paths(subject))
        self.gradient: dict[Node, Any] = {}
        self.contributions: dict[Edge, Any] = {}
        self.parts: dict[Node, list[Any]] = {}
        self.wanted = _wanted(self.inputs, subject)
        if len(self.graph.outputs) == 1 and self.ends and self.values[self.ends[0]].size == 1:
            self._sweep(walk)

    def _paths(self, subject: FunctionAtPoint) -> Iterator[tuple[Node, str]]:
        """Yield where in the model each of its tensors stands that has no short name, as W1."""
        if subject.paths:
            for node, name in zip(self.inputs, leaves(subject.names), strict=True):
                if name in subject.paths and not is_numbered(name):
                    yield node, subject.paths[name]

    @property
    def nodes(self) -> list[Node]:
        """The inputs, then all operations, oldest first."""
        return [*self.inputs, *self.graph.nodes]

    @property
    def has_gradient(self) -> bool:
        """Whether there was one number to differentiate, and something to differentiate it by."""
        return bool(self.gradient)

    def call_site(self, node: Node) -> CallSite:
        """Return where a node was made."""
        return self.call_sites.get(node, CallSite())

    def edges(self) -> Iterator[Edge]:
        """Yield every edge of the graph."""
        for node in self.graph.nodes:
            for position, parent in enumerate(node.parents):
                if parent is not None:
                    yield Edge(parent, node, position)

    def _sweep(self, walk: Walk) -> None:
        """Pull the gradient back, noting what each edge carries."""
        known = {walk.tensors[node].node: node for node in self.nodes if walk.tensors[node].node}
        end = walk.tensors[self.ends[0]]
        wanted = {walk.tensors[node].node for node in self.wanted} - {None}
        if end.node is None or not wanted:
            return

        def visit(node: Node, g: Cotangent) -> None:
            if node in known:
                self.gradient[known[node]] = np.asarray(g)

        def inspect(node: Node, parts: Sequence[Any] | None) -> None:
            target = known[node]
            for position, part in enumerate(parts or ()):
                source = target.parents[position]
                if part is not None and source is not None:
                    shape = self.values[source].shape
                    part = part if part.shape == shape else sum_to(part, shape=shape)
                    edge = Edge(source, target, position)
                    self.contributions[edge] = np.asarray(part)
                    self.parts.setdefault(source, []).append(self.contributions[edge])

        seed = {end.node: np.ones(end.shape, end.dtype)}
        try:
            pull_back(seed, wanted=wanted, inspect=inspect, visit=visit)
        except GraphError:  # a while_loop has no way back, and is drawn without gradients
            for known_so_far in (self.gradient, self.contributions, self.parts):
                known_so_far.clear()
            return
        for node in self.wanted:  # the result does not depend on these
            if walk.tensors[node].node is not None:
                self.gradient.setdefault(node, np.zeros_like(self.values[node]))


def _wanted(inputs: Sequence[Node], subject: FunctionAtPoint) -> list[Node]:
    """Return the inputs to differentiate by."""
    marks = [
        map_leaves(lambda _, n=n: n in subject.wanted, arg) for n, arg in enumerate(subject.args)
    ]
    return [node for node, mark in zip(inputs, leaves(tuple(marks)), strict=True) if mark]
