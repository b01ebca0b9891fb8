"""`SCAN` is a loop of known length as one operation: its derivatives are loops of that kind, too.

Its operands are the values that are carried from turn to turn, as they are at first; the rows, of
which each turn takes one; and what is the same in all turns. The body is a graph of these, one row
instead of all, that gives what is carried on and what is gathered. It gathers, too, what each turn
began with, since the way back needs it; what nothing needs is left out when a graph is simplified.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array, Params
from ...core.batching import Rows
from ...core.facts import Facts
from ...core.node import Node, Operation
from ...core.primitive import Primitive
from ...core.spec import Spec, shape_of
from ...ops.axes import moveaxis
from ...ops.products import matmul, strong_matmul
from ...ops.structural import broadcast_to, reshape, sum_to, transpose
from ..graph import Graph
from ..lift import lift
from ..recording import sweep_back
from ..sweep import push_forward, reachable
from ..symbol import Symbol, node_of
from ..tracing.tracer import made_by
from .body import copied, symbol_for
from .carry import Traced
from .row import JOINED, KIND, RESULT, Layout, all_taken, joined
from .rows import batched
from .tracing import traced_apart

# A sum of products of matrices with fewer entries is kept from turn to turn.
_LEAST = 64


class Loop(NamedTuple):
    """What is known of a loop: the metadata of the primitive.

    Attributes
    ----------
    body : Graph
        Of what is carried, a row and what is the same in all turns; it gives what is carried on
        and what is gathered, last of all what it was given to carry.
    carried, scanned : int
        How many of the body's inputs are carried, and are rows.
    length : int
    reverse : bool
        Whether the last row comes first.
    saved : int
        How many intermediate values are gathered.
    """

    body: Graph
    carried: int
    scanned: int
    length: int
    reverse: bool
    saved: int

    @property
    def layout(self) -> Layout:
        """All results: what was carried last, and all that was gathered."""
        specs = [_spec(x) for x in self.body.outputs]
        gathered = [Spec((self.length, *spec.shape), spec.dtype) for spec in specs[self.carried :]]
        return Layout((*specs[: self.carried], *gathered))

    def split(self, operands: Sequence[Any]) -> tuple[list[Any], list[Any], list[Any]]:
        """Return what is carried at first, the rows, and what is the same in all turns."""
        end = self.carried + self.scanned
        return (
            list(operands[: self.carried]),
            list(operands[self.carried : end]),
            list(operands[end:]),
        )

    def kept(self, row: Any) -> list[Any]:
        """Return what the turns began with and the intermediate values, given all results."""
        found = list(all_taken(row, self.layout))
        return found[len(found) - self.carried - self.saved :]

    @property
    def middle(self) -> list[Node]:
        """The nodes of the intermediate values."""
        return [node_of(x) for x in self.body.outputs[len(self.body.outputs) - self.saved :]]

    def apply(self, operands: Sequence[Any]) -> list[Any]:
        """Return all results of the loop."""
        return list(all_taken(SCAN.bind(operands, self._asdict()), self.layout))


def _spec(x: Any) -> Spec:
    return Spec(tuple(x.shape), x.dtype)


def _forward(*operands: Any, **params: Any) -> Array:
    """Take all turns, one after the other."""
    loop = Loop(**params)
    carried, rows, fixed = loop.split(operands)
    layout = loop.layout
    gathered = [np.zeros(spec.shape, spec.dtype) for spec in layout.specs[loop.carried :]]
    with np.errstate(all="ignore"):
        for turn in reversed(range(loop.length)) if loop.reverse else range(loop.length):
            found = loop.body.evaluate([*carried, *(x[turn] for x in rows), *fixed])
            carried = found[: loop.carried]
            for place, part in zip(gathered, found[loop.carried :], strict=True):
                place[turn] = part
    return joined([*map(np.asarray, carried), *gathered], layout)  # type: ignore[no-any-return]


def _infer(*operands: Any, **params: Any) -> Spec:
    layout = Loop(**params).layout
    return Spec((layout.size,), layout.dtype)


def _is_float(x: Any) -> bool:
    return bool(x.dtype.kind == "f")


def _floats(items: Sequence[Any]) -> list[int]:
    return [n for n, x in enumerate(items) if _is_float(x)]


def _pull(g: Any, y: Any, args: Any, params: Params, wanted: Sequence[Any]) -> list[Any]:
    """Pull a cotangent back through all turns, from the last to the first."""
    loop = Loop(**params)
    way = _way_back(loop, tuple(bool(want) for want in wanted))
    layout, count = loop.layout, loop.carried
    parts = list(all_taken(g, layout))
    kept = loop.kept(y)
    _, rows, fixed = loop.split(args)
    outs = _floats(loop.body.outputs)
    g_carried = [parts[n] for n in outs if n < count]
    g_gathered = [parts[n] for n in outs if n >= count]
    totals = [np.zeros(shape_of(args[n]), args[n].dtype) for n in way.fixed]
    carry, turns = [*g_carried, *totals], [*kept, *rows, *g_gathered]
    back = Loop(way.body, len(carry), len(turns), loop.length, not loop.reverse, way.saved)
    found = back.apply([*carry, *turns, *fixed])
    given: list[Any] = [None] * len(args)
    places = [*way.carried, *way.fixed, *way.rows]
    for n, part in zip(places, found, strict=False):
        given[n] = part
    terms = iter(found[len(places) :])
    for total in way.totals:
        given[total.place] = total.add_up(*(next(terms) for _ in total.terms))
    return given


class _Total(NamedTuple):
    """A cotangent that is a sum over the turns, and is computed after the loop.

    Attributes
    ----------
    place : int
        Which operand's it is.
    terms : tuple of Symbol
        What a turn's part is computed from; it is gathered.
    add_up : callable
        Gives the sum of all parts, given all terms.
    """

    place: int
    terms: tuple[Symbol, ...]
    add_up: Callable[..., Any]


def _product(place: int, part: Any) -> _Total | None:
    """Return a sum of products of matrices that is sooner computed as one, of all turns' factors.

    Side by side these are two matrices.
    """
    node = part.node
    if node.primitive not in (matmul, strong_matmul) or len(part.shape) != 2:
        return None
    if any(parent is None or len(arg.shape) != 2 for arg, parent in node.edges()):
        return None
    left, right = (Symbol(arg, parent) for arg, parent in node.edges())
    (rows, depth), columns = left.shape, right.shape[1]
    # The factors of all turns must not take more memory than the sum is read and written.
    if rows * columns < max(_LEAST, depth * (rows + columns)):
        return None
    origin = node_of(left)
    is_operation = isinstance(origin, Operation) and origin.primitive is transpose
    turned = list(origin.edges()) if is_operation else []
    is_turned = bool(turned) and turned[0][1] is not None
    if is_turned:
        left = Symbol(*turned[0])

    def add_up(left: Any, right: Any) -> Any:
        if not is_turned:
            left = transpose(left, axes=(0, 2, 1))
        left, right = (reshape(x, shape=(-1, x.shape[2])) for x in (left, right))
        return node.primitive.bind([transpose(left), right], {})

    return _Total(place, (left, right), add_up)


def _sum(place: int, part: Any, gathered: Collection[Node]) -> _Total | None:
    """Return a sum of what is gathered anyway."""
    node = part.node
    if node.primitive is not sum_to or node.parents[0] not in gathered:
        return None
    return _Total(
        place,
        (Symbol(node.args[0], node.parents[0]),),
        lambda x: sum_to(x, shape=tuple(part.shape)),
    )


class _WayBack(NamedTuple):
    """The body of a way back, and the operands whose cotangents it carries, adds up and gathers."""

    body: Graph
    carried: list[int]
    fixed: list[int]
    rows: list[int]
    totals: list[_Total]
    saved: int


def _way_back(loop: Loop, wanted: Sequence[bool]) -> _WayBack:
    with traced_apart(), made_by("scan"):
        return _trace_back(loop, wanted)


def _trace_back(loop: Loop, wanted: Sequence[bool]) -> _WayBack:
    body, count = loop.body, loop.carried
    end = count + loop.scanned
    outs = _floats(body.outputs)
    given = [symbol_for(_spec(body.outputs[n]), None) for n in outs]
    seeds: dict[Node, Any] = {}
    for n, g in zip(outs, given, strict=True):
        if isinstance(output := body.outputs[n], Symbol):
            known = seeds.get(node_of(output))
            seeds[node_of(output)] = g if known is None else known + g
    carried = _floats(body.inputs[:count])
    ends = [n for n, x in enumerate(body.inputs) if _is_float(x) and (n < count or wanted[n])]
    found = (
        sweep_back(seeds, wanted=[node_of(body.inputs[n]) for n in ends], lift=lift)
        if seeds
        else {}
    )
    parts = {n: found[node] for n in ends if (node := node_of(body.inputs[n])) in found}
    later = _totals({n: parts[n] for n in ends if n >= end and n in parts}) if loop.saved else []
    fixed = [n for n in ends if n >= end and n in parts and n not in {x.place for x in later}]
    rows = [n for n in ends if count <= n < end and n in parts]
    totals = [
        symbol_for(_spec(body.inputs[n]), f"d_{body.names[node_of(body.inputs[n])]}") for n in fixed
    ]
    heads = [g for n, g in zip(outs, given, strict=True) if n < count]
    tails = [g for n, g in zip(outs, given, strict=True) if n >= count]
    carry = [*heads, *totals]
    onward = [parts.get(n, np.zeros(body.inputs[n].shape, body.inputs[n].dtype)) for n in carried]
    added = [total + parts[n] for total, n in zip(totals, fixed, strict=True)]
    known = {node: symbol_for(node.output, None) for node in loop.middle}
    inputs = [
        *carry, *body.inputs[:count], *known.values(), *body.inputs[count:end], *tails,
        *body.inputs[end:],
    ]  # fmt: skip
    terms = [term for total in later for term in total.terms]
    outputs = replaced([*onward, *added, *(parts[n] for n in rows), *terms], known)
    made, saved = turn_graph(inputs, outputs, carry, name=f"back_{body.name}")
    return _WayBack(made, carried, fixed, rows, later, saved)


def _totals(parts: Mapping[int, Any]) -> list[_Total]:
    """Return the sums that are computed after the loop."""
    products = [total for n, part in parts.items() if (total := _product(n, part)) is not None]
    gathered = {node_of(term) for total in products for term in total.terms}
    known = {total.place for total in products}
    sums = [_sum(n, part, gathered) for n, part in parts.items() if n not in known]
    return [*products, *(total for total in sums if total is not None)]


def _push(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    """Push tangents forward through all turns."""
    loop = Loop(**params)
    layout, count = loop.layout, loop.carried
    moving = [t is not None and _is_float(x) for t, x in zip(tangents, args, strict=True)]
    with traced_apart(), made_by("scan"):
        body, saved = _trace_forward(loop, moving)
    kept = loop.kept(y)
    start, rows, fixed = loop.split(args)
    t_start = [
        tangents[n] if moving[n] else np.zeros(shape_of(x), x.dtype)
        for n, x in enumerate(start)
        if _is_float(x)
    ]
    end = count + len(rows)
    t_rows = [tangents[n] for n in range(count, end) if moving[n]]
    t_fixed = [tangents[n] for n in range(end, len(args)) if moving[n]]
    turns = [*kept, *rows, *t_rows]
    along = Loop(body, len(t_start), len(turns), loop.length, loop.reverse, saved)
    found = iter(along.apply([*t_start, *turns, *fixed, *t_fixed]))
    parts = [
        next(found) if _is_float(spec) else np.zeros(spec.shape, spec.dtype)
        for spec in layout.specs
    ]
    return joined(parts, layout)


def _trace_forward(loop: Loop, moving: Sequence[bool]) -> tuple[Graph, int]:
    body, count = loop.body, loop.carried
    end = count + loop.scanned
    ts = {
        n: symbol_for(_spec(x), f"t_{body.names[node_of(x)]}")
        for n, x in enumerate(body.inputs)
        if _is_float(x) and (n < count or moving[n])
    }
    carry = [t for n, t in ts.items() if n < count]
    outputs = [body.outputs[n] for n in _floats(body.outputs)]
    found = push_forward(
        {node_of(body.inputs[n]): t for n, t in ts.items()},
        [node_of(x) for x in outputs if isinstance(x, Symbol)],
        lift=lift,
    )
    ends = [
        found[node]
        if isinstance(x, Symbol) and (node := node_of(x)) in found
        else np.zeros(x.shape, x.dtype)
        for x in outputs
    ]
    known = {node: symbol_for(node.output, None) for node in loop.middle}
    inputs = [
        *carry, *body.inputs[:count], *known.values(), *body.inputs[count:end],
        *(t for n, t in ts.items() if count <= n < end),
        *body.inputs[end:], *(t for n, t in ts.items() if n >= end),
    ]  # fmt: skip
    return turn_graph(inputs, replaced(ends, known), carry, name=f"along_{body.name}")


def scanned(body: Traced, rows: int, length: int, reverse: bool, *, saves: bool = True) -> Loop:
    """Return the loop of a body that was traced."""
    graph, count = body.graph, len(body.starts)
    made, saved = turn_graph(
        graph.inputs, graph.outputs, graph.inputs[:count], name=graph.name, saves=saves
    )
    return Loop(made, count, rows, length, reverse, saved)


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
        and node.primitive not in (JOINED, RESULT, SCAN)
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


def _batch(rows: Rows, **params: Any) -> Any:
    """Take each turn for all rows of `vmap` at once."""
    loop = Loop(**params)
    count, end = loop.carried, loop.carried + loop.scanned
    mapped = list(rows.mapped)
    while True:
        body, are_mapped = batched(loop.body, mapped, rows.size, always=mapped[:count])
        if are_mapped[:count] == mapped[:count]:
            break
        mapped[:count] = [a or b for a, b in zip(are_mapped, mapped[:count], strict=False)]
    operands = list(rows.operands)
    for n in range(count):
        if mapped[n] and not rows.mapped[n]:
            operands[n] = broadcast_to(operands[n], shape=(rows.size, *shape_of(operands[n])))
    for n in range(count, end):
        if mapped[n]:
            operands[n] = moveaxis(operands[n], 0, 1)
    found = Loop(body, count, loop.scanned, loop.length, loop.reverse, loop.saved).apply(operands)
    parts = []
    for n, (x, is_mapped) in enumerate(zip(found, are_mapped, strict=True)):
        if not is_mapped:
            x = broadcast_to(x, shape=(rows.size, *shape_of(x)))
        elif n >= count:
            x = moveaxis(x, 1, 0)
        parts.append(x)
    return joined(parts, loop.layout)


def _flops(out: Any, *operands: Any, body: Graph, length: int, **_: Any) -> int:
    return length * body.flops


def _scan(
    *operands: Array,
    body: Graph,
    carried: int,
    scanned: int,
    length: int,
    reverse: bool,
    saved: int,
) -> Any:
    """Return all results of a loop of known length, in one row."""
    loop = Loop(body, carried, scanned, length, reverse, saved)
    return _forward(*operands, **loop._asdict())


SCAN = Primitive(
    _scan,
    name="scan",
    kind=KIND,
    vjp=_pull,
    jvp=_push,
    infer=_infer,
    source="scan({args})",
    latex=r"\operatorname{{scan}}\left({args}\right)",
    facts=Facts(finite=True, flops=_flops),
    batch=_batch,
)

# Under its name a pickled graph finds a primitive again.
scan = SCAN
