"""A doubt is whether a plain product gave NaN where the strong one that it stands for gives 0.

NaN travels: most operations make NaN of it. So it is not looked for at each product, but where it
would get lost (a comparison, a cast, a choice), and otherwise in the results.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from ..core import PRIMITIVES, Node
from ..graph import Graph, Symbol
from .tracer import TracedNode

# NaN in any entry of any argument makes NaN of an entry of the result, whatever the rest is.
_PASSING = """
add subtract multiply divide negative positive absolute fabs square sqrt cbrt reciprocal exp
exp2 expm1 log log2 log10 log1p sin cos tan arcsin arccos arctan sinh cosh tanh arcsinh arccosh
arctanh arctan2 sigmoid expit softplus log_expit relu erf erfc maximum minimum sign rint floor
ceil trunc deg2rad rad2deg sinc matmul reshape transpose broadcast_to stop_gradient concatenate
stack flip roll tile pad_with_zeros diagflat overlay sum mean sum_to max min logsumexp
softmax cumsum
"""
_PASSES_ALL = frozenset(_PASSING.split())
# NaN in the first argument does.
_PASSES_FIRST = frozenset({"softmax_cross_entropy", "clip", "scatter_add", "required"})


def _keeps_exponent(node: Node, position: int) -> bool:
    """NaN to a power is NaN, but for the power 0."""
    exponent = node.args[1]
    return position == 0 and node.parents[1] is None and bool(np.all(np.not_equal(exponent, 0)))


def _keeps_floats(node: Node, position: int) -> bool:
    return bool(node.output.dtype.kind == "f")


def _keeps_entries(node: Node, position: int) -> bool:
    """Return whether basic indexing takes every entry."""
    key = (node.params or {})["key"]
    basic = all(k is None or k is Ellipsis or isinstance(k, (slice, int)) for k in key)
    return position == 0 and basic and math.prod(node.output.shape) == math.prod(node.args[0].shape)


def _keeps_each(node: Node, position: int) -> bool:
    """Return whether no entry is repeated 0 times, which drops it."""
    return bool(np.all(np.not_equal((node.params or {})["repeats"], 0)))


_RULES: dict[str, Callable[[Node, int], bool]] = {
    "repeat": _keeps_each,
    "power": _keeps_exponent,
    "astype": _keeps_floats,
    "index": _keeps_entries,
}


# For what native code gives NaN where it must not: strong products that it computes as plain ones
# even where infinities are expected.
NAN_IN_NATIVE = frozenset({"strong_matmul"})


def _passes_nan(node: Node, position: int) -> bool:
    """Return whether NaN in an entry of an argument is sure to show in the result."""
    assert node.primitive is not None
    name = node.primitive.name
    if 0 in node.output.shape:
        return False
    if name in _PASSES_ALL:
        return True
    if name in _PASSES_FIRST:
        return position == 0
    return name in _RULES and _RULES[name](node, position)


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


def _passed_on(node: TracedNode, plain: Collection[str]) -> Iterator[Node]:
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
    values: dict[Node | None, Any] = {x.node: x for x in graph.inputs}
    for node in graph.nodes:
        args = [
            arg if parent is None else values[parent]
            for arg, parent in zip(node.args, node.parents, strict=True)
        ]
        made = values[node] = Symbol.apply(node.meant, args, node.params or {})
        assert isinstance(made.node, TracedNode)
        made.node.name, made.node.origin = node.name, node.origin
    return Graph(
        graph.inputs,
        [values[x.node] if isinstance(x, Symbol) else x for x in graph.outputs],
        takes=graph.takes,
        gives=graph.gives,
        arguments=graph.arguments,
        name=careful_name(graph),
    )
