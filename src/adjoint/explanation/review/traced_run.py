"""A traced run is a forward pass with numbers, through which altered cotangents are pulled back.

Every hypothesis about a mistake is a small alteration of the correct sweep: another operand in one
rule, another factor on one term. The run repeats the sweep with it, and the result is what the
gradients would be if that were the mistake.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

import numpy as np

from ...compiler.source.expressions import Expressions
from ...compiler.source.printer import show
from ...core.annotations import Array
from ...core.node import Node, Operation
from ...graphs.graph import Graph
from ...graphs.sweep import Parts, Targets, interpret, leading_to, pull_back, reachable
from ...graphs.symbol import node_of

Values = dict[Node, Array]
Change = Callable[[Array], Array]
Place = TypeVar("Place")

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

    def total(self, node: Node, g: Array) -> Array:
        """Return the whole cotangent that stands for that of a value."""
        change = self.totals.get(node)
        return np.asarray(g) if change is None else change(np.asarray(g))

    def part(self, node: Node, position: int, part: Array | None) -> Array | None:
        """Return what stands for a part that a rule gave for an argument."""
        change = self.parts.get((node, position))
        return part if part is None or change is None else np.asarray(change(np.asarray(part)))

    def only_total(self) -> Node | None:
        """Return the value whose whole cotangent is changed, if nothing else is."""
        if self.parts or self.operands or len(self.totals) != 1:
            return None
        return next(iter(self.totals))

    def then(self, later: Alteration) -> Alteration:
        """Return both alterations together, the later one applied to what the first one gives."""
        return Alteration(
            _composed(self.totals, later.totals),
            _composed(self.parts, later.parts),
            {**self.operands, **later.operands},
        )


def _composed(first: dict[Place, Change], later: dict[Place, Change]) -> dict[Place, Change]:
    both = first.keys() & later.keys()
    return {**first, **later} | {place: _one(first[place], later[place]) for place in both}


def _one(first: Change, later: Change) -> Change:
    return lambda g: later(first(g))


CORRECT = Alteration()


class TracedRun:
    """The numbers of one run of a traced forward pass."""

    def __init__(self, graph: Graph, arrays: Sequence[Array]) -> None:
        self.graph = graph
        self.inputs = graph.input_nodes
        self.output = node_of(graph.outputs[0])
        self.values: Values = dict(zip(self.inputs, arrays, strict=True))
        self._run(graph.nodes, self.values)
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
        found: dict[Node, Array] = {}

        def rule(node: Operation, g: Array, targets: Targets) -> Parts:
            found[node] = alteration.total(node, g)
            return self._parts(node, found[node], alteration)

        seeds = {self.output if start is None else start: g}
        ends = pull_back(seeds, wanted=None if stop is None else [stop], rule=rule)
        return found | {node: alteration.total(node, g) for node, g in ends.items()}

    def _parts(self, node: Operation, g: Array, alteration: Alteration) -> Parts:
        """Return what an operation's rule gives for the operands that are floats."""
        seen = {x: alteration.operand(node, x, self.values[x]) for x in node.parents if x}
        y, args = alteration.operand(node, node, self.values[node]), node.operands(seen)
        parts = node.primitive.vjp(g, y, args, node.params, node.parents)  # type: ignore[misc]
        return [
            alteration.part(node, position, part) if np.asarray(arg).dtype.kind == "f" else None
            for position, (part, arg) in enumerate(zip(parts, args, strict=True))
        ]

    def gradients(self, found: dict[Node, Array]) -> list[Array]:
        """Return the cotangents of the inputs, zeros where nothing flows to one."""
        return [found.get(node, np.zeros(self.values[node].shape)) for node in self.inputs]

    def between(self, start: Node, end: Node) -> list[Operation]:
        """Return the nodes through which ``end`` depends on ``start``, ``end`` included."""
        order = reachable([end], since=start.order)
        way = leading_to(order, [start]) - {start}
        return [node for node in order if isinstance(node, Operation) and node in way]

    def again(self, region: Sequence[Operation], start: Node, array: Array) -> Values:
        """Return all values with those of a region computed anew from another ``start``."""
        values = {**self.values, start: array}
        return self._run(region, values)

    @staticmethod
    def _run(region: Sequence[Operation], values: Values) -> Values:
        with np.errstate(all="ignore"):
            return interpret(region, values, lambda node, args: np.asarray(node.apply(args)))


def _shortened(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
