"""`SCAN` is a loop of known length as one operation: its derivatives are loops of that kind, too.

Its operands are the values that are carried from turn to turn, as they are at first; the rows, of
which each turn takes one; and what is the same in all turns. The body is a graph of these, one row
instead of all, that gives what is carried on and what is gathered. It gathers, too, what each turn
began with, since the way back needs it; what nothing needs is left out when a graph is simplified.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array, Params
from ...core.batching import Rows
from ...core.facts import Facts
from ...core.primitive import Primitive
from ...core.spec import Spec, shape_of
from ...ops.axes import moveaxis
from ...ops.structural import broadcast_to
from ..graph import Graph
from .carry import Traced
from .loop import Loop
from .passes import floats, is_float, with_zeros, zeros_of
from .row import KIND, all_taken, joined
from .rows import batched
from .turns import turn_along, turn_back, turn_graph


def turned(loop: Loop, operands: Sequence[Any]) -> list[Any]:
    """Return all results of a loop."""
    return list(all_taken(SCAN.bind(operands, loop._asdict()), loop.layout))


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


def _pull(g: Any, y: Any, args: Any, params: Params, wanted: Sequence[Any]) -> list[Any]:
    """Pull a cotangent back through all turns, from the last to the first."""
    loop = Loop(**params)
    way = turn_back(loop, [bool(want) for want in wanted])
    parts = list(all_taken(g, loop.layout))
    _, rows, fixed = loop.split(args)
    outs = floats(loop.body.outputs)
    carry = [*(parts[n] for n in outs if n < loop.carried), *(zeros_of(args[n]) for n in way.fixed)]
    turns = [*loop.kept(y), *rows, *(parts[n] for n in outs if n >= loop.carried)]
    back = Loop(way.body, len(carry), len(turns), loop.length, not loop.reverse, way.saved)
    found = turned(back, [*carry, *turns, *fixed])
    places = [*way.carried, *way.fixed, *way.rows]
    given: list[Any] = [None] * len(args)
    for n, part in zip(places, found, strict=False):
        given[n] = part
    terms = iter(found[len(places) :])
    for total in way.totals:
        given[total.place] = total.add_up(*(next(terms) for _ in total.terms))
    return given


def _push(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    """Push tangents forward through all turns."""
    loop = Loop(**params)
    count, end = loop.carried, loop.carried + loop.scanned
    moving = [t is not None and is_float(x) for t, x in zip(tangents, args, strict=True)]
    body, saved = turn_along(loop, moving)
    start, rows, fixed = loop.split(args)
    carry = [tangents[n] if moving[n] else zeros_of(start[n]) for n in floats(start)]
    turns = [*loop.kept(y), *rows, *(tangents[n] for n in range(count, end) if moving[n])]
    t_fixed = [tangents[n] for n in range(end, len(args)) if moving[n]]
    along = Loop(body, len(carry), len(turns), loop.length, loop.reverse, saved)
    found = turned(along, [*carry, *turns, *fixed, *t_fixed])
    specs = loop.layout.specs
    return joined(with_zeros(found[: len(floats(specs))], specs), loop.layout)


def scanned(body: Traced, rows: int, length: int, reverse: bool, *, saves: bool = True) -> Loop:
    """Return the loop of a body that was traced."""
    graph, count = body.graph, len(body.starts)
    made, saved = turn_graph(
        graph.inputs, graph.outputs, graph.inputs[:count], name=graph.name, saves=saves
    )
    return Loop(made, count, rows, length, reverse, saved)


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
    found = turned(loop._replace(body=body), operands)
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
