"""A doubt is whether a plain product gave NaN where the strong one that it stands for gives 0.

NaN travels: most operations make NaN of it. So it is not looked for at each product, but where it
would get lost (a comparison, a cast, a choice), and otherwise in the results.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ...core.node import Node, Operation
from ...core.registry import PRIMITIVES
from ...graphs.graph import Graph
from ...graphs.symbol import Symbol
from ...graphs.tracing.tracer import TracedNode, TracedOperation

# For what native code gives NaN where it must not: strong products that it computes as plain ones
# even where infinities are expected.
NAN_IN_NATIVE = frozenset({"strong_matmul"})


def _passes_nan(node: Operation, position: int) -> bool:
    """Return whether NaN in an entry of an argument is sure to show in the result."""
    shows_nan = node.primitive.facts.shows_nan(position, node.output, node.args, node.params)
    return shows_nan and 0 not in node.output.shape


def sentinels(
    graph: Graph, *, plain: Collection[str] = (), preferred: Collection[Node] | None = None
) -> list[Symbol]:
    """Return values of which one has NaN wherever a plain product has that stands for a strong one.

    They are results of the graph where NaN gets there, and else the last values that it reaches;
    there are none if there is no such product.

    Parameters
    ----------
    plain : collection of str
        Primitives of which NaN is to be looked for too, as it is of plain products.
    preferred : collection of Node, optional
        Those to take where there is a choice; by default all results.
    """
    if preferred is None:
        preferred = {x.node for x in graph.outputs if isinstance(x, Symbol) and x.node is not None}
    found: dict[Node, None] = {}
    ends: dict[Node, Node] = {}
    for node in reversed(graph.nodes):
        end = ends.setdefault(node, node)
        if node.strong is not None or node.meant.name in plain:
            found[end] = None
        for parent in _passed_on(node, plain):
            known = ends.get(parent)
            # The fewer values there are to look at, the better.
            if known is None or (known not in found and (end in found or end in preferred)):
                ends[parent] = end
    return [Symbol(node.output, node) for node in sorted(found, key=lambda node: node.order)]


def _passed_on(node: TracedOperation, plain: Collection[str]) -> Iterator[Node]:
    """Yield the operands of which NaN is sure to show in a result."""
    for position, parent in enumerate(node.parents):
        if parent is not None and (node.meant.name in plain or _passes_nan(node, position)):
            yield parent


def shown_next(graph: Graph, count: int, *, plain: Collection[str] = ()) -> set[Node]:
    """Return the new parameters of which NaN is sure to show in the loss of the step after.

    So it need not be looked for in this one.

    Parameters
    ----------
    graph : Graph
        A training step: of its inputs the first ``count`` are parameters; it gives the loss and
        first of all the new parameters.
    """
    shown = {getattr(graph.outputs[0], "node", None)}
    for node in reversed(graph.nodes):
        if node in shown:
            shown.update(_passed_on(node, plain))
    pairs = zip(graph.inputs[:count], graph.outputs[1:], strict=False)
    return {new.node for old, new in pairs if old.node in shown and getattr(new, "node", None)}


def unshown(graph: Graph, parameters: int = 0) -> list[Symbol]:
    """Return where native code has to look for NaN that strong products would not give.

    Parameters
    ----------
    parameters : int
        How many a training step has, see `shown_next`.
    """
    shown = shown_next(graph, parameters, plain=NAN_IN_NATIVE) if parameters else set()
    if parameters and isinstance(graph.outputs[0], Symbol) and graph.outputs[0].node is not None:
        shown.add(graph.outputs[0].node)  # the loss is looked at in any case
    watched = sentinels(graph, plain=NAN_IN_NATIVE, preferred=shown or None)
    return [x for x in watched if x.node not in shown]


def has_nan(x: Symbol) -> Any:
    """Return whether an entry is NaN."""
    if x.shape == ():
        return PRIMITIVES["isnan"](x)
    return PRIMITIVES["any"](PRIMITIVES["isnan"](x))


def any_of(doubts: Iterable[Any]) -> Any:
    """Return whether one of some truth values holds."""
    found: Any = None
    for doubt in doubts:
        found = doubt if found is None else PRIMITIVES["logical_or"](found, doubt)
    return np.array(False) if found is None else found


def with_outputs(graph: Graph, outputs: Sequence[Any]) -> Graph:
    """Return a graph of the same arguments with other outputs."""
    return Graph(graph.inputs, outputs, arguments=graph.arguments, takes=graph.takes)


def careful_name(graph: Graph) -> str:
    """Return what a graph is called where all its strong products are strong."""
    name = f"careful_{graph.name}"
    while name in graph.arguments:
        name = f"_{name}"
    return name


def careful(graph: Graph) -> Graph:
    """Return a graph in which no plain product stands for a strong one."""

    def as_meant(node: TracedOperation, args: list[Any]) -> Symbol:
        params = {
            name: careful(value) if isinstance(value, Graph) else value
            for name, value in node.params.items()
        }
        made = Symbol.apply(node.meant, args, params)
        assert isinstance(made.node, TracedNode)
        made.node.name, made.node.origin = node.name, node.origin
        made.node.module = node.module
        return made

    outputs = graph.ends(graph.interpret(graph.inputs, as_meant))
    return graph.like(graph.inputs, outputs, name=careful_name(graph))
