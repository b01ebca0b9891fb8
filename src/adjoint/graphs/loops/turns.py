"""The turns of a loop's derivatives: graphs made of the passes through its body."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...core.node import Node
from ..graph import Graph
from ..sweep import reachable
from ..symbol import Symbol, node_of
from ..tracing.tracer import made_by
from .body import copied, spec_of, symbol_for
from .loop import Loop
from .passes import floats, is_float, pulled, pushed, zeros_of
from .row import KIND
from .totals import Total, totals
from .tracing import traced_apart


class WayBack(NamedTuple):
    """The body of a way back, and the operands whose cotangents it carries, adds up and gathers."""

    body: Graph
    carried: list[int]
    fixed: list[int]
    rows: list[int]
    totals: list[Total]
    saved: int


def turn_back(loop: Loop, wanted: Sequence[bool]) -> WayBack:
    """Return what a turn of the way back does.

    It is given the cotangents of what is carried and the sums so far; what the turn began with and
    what was saved of it, its rows, and the cotangents of what it gathered; and what is the same in
    all turns. It gives the first two as they are before the turn, and the cotangents of the rows.
    """
    with traced_apart(), made_by("scan"):
        return _turn_back(loop, wanted)


def _turn_back(loop: Loop, wanted: Sequence[bool]) -> WayBack:
    body, count, end = loop.body, loop.carried, loop.carried + loop.scanned
    given = {n: symbol_for(spec_of(body.outputs[n]), None) for n in floats(body.outputs)}
    ends = [n for n in floats(body.inputs) if n < count or wanted[n]]
    parts = pulled(body, given, ends)
    fixed = [n for n in ends if n >= end and n in parts]
    later = totals({n: parts[n] for n in fixed}) if loop.saved else []
    fixed = [n for n in fixed if n not in {total.place for total in later}]
    carried, rows = (
        floats(body.inputs[:count]),
        [n for n in ends if count <= n < end and n in parts],
    )
    sums = [_named("d_", body, n) for n in fixed]
    carry = [*(g for n, g in given.items() if n < count), *sums]
    onward = [parts[n] if n in parts else zeros_of(body.inputs[n]) for n in carried]
    added = [total + parts[n] for total, n in zip(sums, fixed, strict=True)]
    terms = [term for total in later for term in total.terms]
    saved, known = _saved(loop)
    tails = [g for n, g in given.items() if n >= count]
    turn = [*body.inputs[:count], *saved, *body.inputs[count:end], *tails]
    outputs = replaced([*onward, *added, *(parts[n] for n in rows), *terms], known)
    made, many = turn_graph(
        [*carry, *turn, *body.inputs[end:]], outputs, carry, name=f"back_{body.name}"
    )
    return WayBack(made, carried, fixed, rows, later, many)


def turn_along(loop: Loop, moving: Sequence[bool]) -> tuple[Graph, int]:
    """Return what a turn of the push forward does, and how many values it saves.

    It is given the tangents of what is carried; what the turn began with and what was saved of it,
    its rows and their tangents; and what is the same in all turns, and its tangents.
    """
    with traced_apart(), made_by("scan"):
        return _turn_along(loop, moving)


def _turn_along(loop: Loop, moving: Sequence[bool]) -> tuple[Graph, int]:
    body, count, end = loop.body, loop.carried, loop.carried + loop.scanned
    ts = {
        n: _named("t_", body, n)
        for n, x in enumerate(body.inputs)
        if is_float(x) and (n < count or moving[n])
    }
    carry = [t for n, t in ts.items() if n < count]
    saved, known = _saved(loop)
    t_rows = [t for n, t in ts.items() if count <= n < end]
    t_fixed = [t for n, t in ts.items() if n >= end]
    turn = [*body.inputs[:count], *saved, *body.inputs[count:end], *t_rows]
    inputs = [*carry, *turn, *body.inputs[end:], *t_fixed]
    return turn_graph(inputs, replaced(pushed(body, ts), known), carry, name=f"along_{body.name}")


def _named(prefix: str, body: Graph, n: int) -> Any:
    """Return a symbol for the cotangent or the tangent of an input."""
    symbol = body.inputs[n]
    return symbol_for(spec_of(symbol), prefix + body.names[node_of(symbol)])


def _saved(loop: Loop) -> tuple[list[Any], dict[Node, Any]]:
    """Return a symbol for each value that a turn saved, and by which node it was computed."""
    symbols = [symbol_for(node.output, None) for node in loop.middle]
    return symbols, dict(zip(loop.middle, symbols, strict=True))


def turn_graph(
    inputs: Sequence[Any], outputs: Sequence[Any], carry: Sequence[Any], *, name: str,
    saves: bool = True,
) -> tuple[Graph, int]:  # fmt: skip
    """Return the graph of a turn, which also gathers what the way back needs.

    These are what is carried when the turn begins and, if it ``saves`` them, the intermediate
    values that take longer to compute than to write down and read again; and how many these are.
    """
    graph = Graph(inputs, [*outputs, *carry], name=name)
    middle = [Symbol(node.output, node) for node in graph.nodes if saves and _is_dear(node)]
    return Graph(inputs, [*graph.outputs, *middle], name=name), len(middle)


def _is_dear(node: Any) -> bool:
    facts = node.primitive.facts
    return (
        node.output.dtype.kind == "f"
        and not facts.cheap
        and facts.moves is None
        and node.primitive.kind != KIND
        and node.primitive.kind != "constant"
    )


def replaced(outputs: Sequence[Any], known: Mapping[Node, Symbol]) -> list[Any]:
    """Return outputs that are computed from known values instead of the nodes that gave them."""
    ends = [x.node for x in outputs if isinstance(x, Symbol) and x.node is not None]
    values: dict[Node, Any] = {node: x.node for node, x in known.items()}
    for node in reachable(ends):
        if node not in values and any(parent in values for parent in node.parents):
            values[node] = copied(node, [p and values.get(p, p) for p in node.parents])
    return [
        Symbol(x.data, values[x.node]) if isinstance(x, Symbol) and x.node in values else x
        for x in outputs
    ]
