"""A traced run is a forward pass with numbers, through which altered cotangents are pulled back.

Every hypothesis about a mistake is a small alteration of the correct sweep: another operand in one
rule, another factor on one term. The run repeats the sweep with it, and the result is what the
gradients would be if that were the mistake.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..compiler.expressions import Expressions
from ..compiler.printer import show
from ..core import Node, Value
from ..graph import Graph
from ..ops.structural import sum_to

Array = np.ndarray[Any, Any]
Values = dict[Node, Array]
Change = Callable[[Array], Array]

# A value without a name is called by its expression, of which so many columns are shown.
_LONGEST = 40


@dataclass(frozen=True)
class Alteration:
    """How a sweep departs from the correct one.

    Parameters
    ----------
    totals : dict of Node to callable
        Applied to a value's whole cotangent.
    parts : dict of (Node, int) to callable
        Applied to what a rule gives for one of its arguments, before broadcasting is undone.
    operands : dict of (Node or None, Node) to array
        What the second node is taken to be in the rule of the first, or in all rules if that is
        None.
    """

    totals: dict[Node, Change] = field(default_factory=dict)
    parts: dict[tuple[Node, int], Change] = field(default_factory=dict)
    operands: dict[tuple[Node | None, Node], Array] = field(default_factory=dict)

    def operand(self, consumer: Node, value: Node, array: Array) -> Array:
        """Return the array that stands for a value in the rule of ``consumer``."""
        found = self.operands.get((consumer, value))
        found = self.operands.get((None, value)) if found is None else found
        return array if found is None else found


CORRECT = Alteration()


class TracedRun:
    """The numbers of one run of a traced forward pass."""

    def __init__(self, graph: Graph, arrays: Sequence[Array]) -> None:
        self.graph = graph
        self.inputs = [_node_of(symbol) for symbol in graph.inputs]
        self.output = _node_of(graph.outputs[0])
        self.values: Values = dict(zip(self.inputs, arrays, strict=True))
        with np.errstate(all="ignore"):
            for node in graph.nodes:
                self.values[node] = np.asarray(_apply(node, self.values))
        self.uses: dict[Node, list[tuple[Node, int]]] = {}
        for node in graph.nodes:
            for position, parent in enumerate(node.parents):
                if parent is not None:
                    self.uses.setdefault(parent, []).append((node, position))

    @functools.cached_property
    def texts(self) -> dict[Node, str]:
        """What each value is called: the user's name, or its expression if it has none."""
        terms = Expressions(self.graph)
        texts = {node: self.graph.names[node] for node in (*self.inputs, *self.graph.nodes)}
        for node in self.graph.nodes:
            if getattr(node, "name", None) is not None:
                continue
            try:
                expression = terms.apply(node)
            except NotImplementedError:  # of a function with a rule of its own
                continue
            terms.pending[node] = expression
            texts[node] = _shortened(show(expression))
        return texts

    def pull(
        self,
        g: Array,
        alteration: Alteration = CORRECT,
        *,
        start: Node | None = None,
        stop: Node | None = None,
    ) -> dict[Node, Array]:
        """Return the cotangents of all values, given that of ``start`` (by default the output)."""
        start = self.output if start is None else start
        found: dict[Node, Array] = {start: g}
        with np.errstate(all="ignore"):
            for node in reversed(self.graph.nodes):
                if node not in found:
                    continue
                self._settle(node, found, alteration)
                if node is not stop:
                    self._pull_one(node, found, alteration)
            for leaf in self.inputs:
                self._settle(leaf, found, alteration)
        return found

    def _settle(self, node: Node, found: dict[Node, Array], alteration: Alteration) -> None:
        change = alteration.totals.get(node)
        if change is not None and node in found:
            found[node] = change(found[node])

    def _pull_one(self, node: Node, found: dict[Node, Array], alteration: Alteration) -> None:
        primitive = node.primitive
        if primitive is None or primitive.vjp is None:
            return
        y = alteration.operand(node, node, self.values[node])
        args = [
            arg if parent is None else alteration.operand(node, parent, self.values[parent])
            for arg, parent in zip(node.args, node.parents, strict=True)
        ]
        parts = primitive.vjp(found[node], y, args, node.params or {}, node.parents)
        for position, (parent, part) in enumerate(zip(node.parents, parts, strict=True)):
            if parent is None or part is None or self.values[parent].dtype.kind != "f":
                continue
            change = alteration.parts.get((node, position))
            part = np.asarray(part if change is None else change(np.asarray(part)))
            shape = self.values[parent].shape
            part = part if part.shape == shape else np.asarray(sum_to(part, shape=shape))
            found[parent] = found[parent] + part if parent in found else part

    def gradients(self, found: dict[Node, Array]) -> list[Array]:
        """Return the cotangents of the inputs, zeros where nothing flows to one."""
        return [found.get(node, np.zeros(self.values[node].shape)) for node in self.inputs]

    def between(self, start: Node, end: Node) -> list[Node]:
        """Return the nodes through which ``end`` depends on ``start``, ``end`` included."""
        reached = {start}
        for node in self.graph.nodes:
            if any(parent in reached for parent in node.parents if parent is not None):
                reached.add(node)
        if end not in reached:
            return []
        needed = {end}
        for node in reversed(self.graph.nodes):
            if node in needed:
                needed |= {p for p in node.parents if p is not None and p in reached}
        return [node for node in self.graph.nodes if node in needed and node is not start]

    def again(self, region: Sequence[Node], start: Node, array: Array) -> Values:
        """Return all values with those of a region computed anew from another ``start``."""
        values = {**self.values, start: array}
        with np.errstate(all="ignore"):
            for node in region:
                values[node] = np.asarray(_apply(node, values))
        return values


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def _node_of(value: object) -> Node:
    assert isinstance(value, Value)
    assert value.node is not None
    return value.node


def _apply(node: Node, values: Values) -> Any:
    args = [
        arg if parent is None else values[parent]
        for arg, parent in zip(node.args, node.parents, strict=True)
    ]
    assert node.primitive is not None
    return node.primitive.bind(args, node.params or {})
