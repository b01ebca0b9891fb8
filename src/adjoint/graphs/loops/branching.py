"""`BRANCH` is a choice between two graphs of the same operands; one of them is computed.

Its first operand decides. A derivative is a choice between the derivatives of the two.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Array, Params
from ...core.batching import Rows, reshaped
from ...core.facts import Facts
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...ops.piecewise import where
from ..graph import Graph
from ..tracing.tracer import made_by
from .body import spec_of, symbol_for
from .passes import floats, is_float, pulled, pushed, with_zeros, zeros_of
from .row import KIND, Layout, all_taken, joined
from .rows import batched, in_all_rows, of_all_rows
from .tracing import traced_apart


class Branch(NamedTuple):
    """What is known of a choice: the metadata of the primitive.

    Attributes
    ----------
    yes, no : Graph
        Both have the same inputs; their outputs have the same shapes and dtypes.
    """

    yes: Graph
    no: Graph

    @property
    def layout(self) -> Layout:
        """All results."""
        return Layout(tuple(spec_of(x) for x in self.yes.outputs))

    def apply(self, operands: Sequence[Any]) -> list[Any]:
        """Return the results; the first operand decides."""
        return list(all_taken(BRANCH.bind(operands, self._asdict()), self.layout))


def _forward(choice: Any, *operands: Any, yes: Graph, no: Graph) -> Array:
    found = (yes if choice else no).evaluate(operands)
    return joined(list(map(np.asarray, found)), Branch(yes, no).layout)  # type: ignore[no-any-return]


def _infer(*operands: Any, yes: Graph, no: Graph) -> Spec:
    layout = Branch(yes, no).layout
    return Spec((layout.size,), layout.dtype)


def _pull(g: Any, y: Any, args: Any, params: Params, wanted: Sequence[Any]) -> list[Any]:
    branch = Branch(**params)
    outs = floats(branch.layout.specs)
    ends = [n for n, want in enumerate(wanted[1:]) if want and is_float(args[n + 1])]
    parts = list(all_taken(g, branch.layout))
    with traced_apart(), made_by("cond"):
        back = Branch(*(_way_back(graph, outs, ends) for graph in branch))
    found = back.apply([*args, *(parts[n] for n in outs)])
    given: list[Any] = [None] * len(args)
    for n, part in zip(ends, found, strict=True):
        given[n + 1] = part
    return given


def _way_back(graph: Graph, outs: Sequence[int], ends: Sequence[int]) -> Graph:
    given = {n: symbol_for(spec_of(graph.outputs[n]), None) for n in outs}
    found = pulled(graph, given, ends)
    parts = [found[n] if n in found else zeros_of(graph.inputs[n]) for n in ends]
    return Graph([*graph.inputs, *given.values()], parts, name=f"back_{graph.name}")


def _push(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    branch = Branch(**params)
    pairs = enumerate(zip(tangents[1:], args[1:], strict=True))
    moving = [n for n, (t, x) in pairs if t is not None and is_float(x)]
    with traced_apart(), made_by("cond"):
        along = Branch(*(_way_along(graph, moving) for graph in branch))
    found = along.apply([*args, *(tangents[n + 1] for n in moving)])
    return joined(with_zeros(found, branch.layout.specs), branch.layout)


def _way_along(graph: Graph, moving: Sequence[int]) -> Graph:
    ts = {n: symbol_for(spec_of(graph.inputs[n]), None) for n in moving}
    return Graph([*graph.inputs, *ts.values()], pushed(graph, ts), name=f"along_{graph.name}")


def _batch(rows: Rows, **params: Any) -> Any:
    """Choose for all rows at once, or in each row between what both give."""
    branch, layout = Branch(**params), Branch(**params).layout
    choice, *operands = rows.operands
    mapped = rows.mapped[1:]
    if rows.mapped[0]:
        both = [of_all_rows(graph, operands, mapped, rows.size)[0] for graph in branch]
        sides = [of_all_rows(graph, operands, mapped, rows.size)[1] for graph in branch]
        parts = []
        for n, spec in enumerate(layout.specs):
            one, other = (
                found[n] if is_mapped[n] else in_all_rows(found[n], rows.size)
                for found, is_mapped in zip(both, sides, strict=True)
            )
            ndim = len(spec.shape)
            parts.append(where(reshaped(choice, (rows.size, *(1,) * ndim)), one, other))
        return joined(parts, layout)
    which = [batched(graph, mapped, rows.size)[1] for graph in branch]
    always = [any(pair) for pair in zip(*which, strict=True)]
    made = Branch(*(batched(graph, mapped, rows.size, always=always)[0] for graph in branch))
    found = [
        x if is_mapped else in_all_rows(x, rows.size)
        for x, is_mapped in zip(made.apply(rows.operands), always, strict=True)
    ]
    return joined(found, layout)


def _flops(out: Any, *operands: Any, yes: Graph, no: Graph) -> int:
    return max(yes.flops, no.flops)


def _cond(choice: Array, *operands: Array, yes: Graph, no: Graph) -> Any:
    """Return the results of one of two graphs, in one row."""
    return _forward(choice, *operands, yes=yes, no=no)


BRANCH = Primitive(
    _cond,
    name="cond",
    kind=KIND,
    vjp=_pull,
    jvp=_push,
    infer=_infer,
    source="cond({args})",
    latex=r"\operatorname{{cond}}\left({args}\right)",
    facts=Facts(finite=True, flops=_flops),
    batch=_batch,
)

# Under its name a pickled graph finds a primitive again.
cond = BRANCH
