"""`REPEAT` is a loop as long as a condition holds, as one operation.

How often it turns is known only when it runs, so that nothing of its turns is kept: there is no way
back through it. Tangents are carried along with what they are tangents of.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple, NoReturn

import numpy as np

from ...core.annotations import Array, Params
from ...core.batching import Rows, reshaped
from ...core.facts import Facts
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...errors import GraphError
from ...ops.piecewise import where
from ...ops.reductions import any as any_of
from ..graph import Graph
from ..tracing.tracer import made_by
from .body import spec_of, symbol_for
from .passes import floats, is_float, pushed, with_zeros, zeros_of
from .row import KIND, Layout, all_taken, joined
from .rows import batched, in_all_rows, of_all_rows
from .tracing import traced_apart


class Repetition(NamedTuple):
    """What is known of a loop: the metadata of the primitive.

    Attributes
    ----------
    test, body : Graph
        Both are given what is carried and what is the same in all turns. The first gives whether
        there is another turn, the second what is carried on.
    carried : int
        How many of the inputs are carried.
    """

    test: Graph
    body: Graph
    carried: int

    @property
    def layout(self) -> Layout:
        """What was carried last."""
        return Layout(tuple(spec_of(x) for x in self.body.outputs))

    @property
    def both(self) -> Graph:
        """What is carried on, and last whether there is another turn."""
        return Graph(
            self.body.inputs, [*self.body.outputs, *self.test.outputs], name=self.body.name
        )

    def parted(self, both: Graph) -> tuple[Graph, Graph]:
        """Return the condition and the body of a graph that gives both, of the same inputs."""
        return (
            Graph(both.inputs, both.outputs[-1:], name=self.test.name),
            Graph(both.inputs, both.outputs[:-1], name=self.body.name),
        )

    def apply(self, operands: Sequence[Any]) -> list[Any]:
        """Return what is carried last."""
        return list(all_taken(REPEAT.bind(operands, self._asdict()), self.layout))


def _forward(*operands: Any, test: Graph, body: Graph, carried: int) -> Array:
    now, fixed = list(operands[:carried]), operands[carried:]
    while test.evaluate([*now, *fixed])[0]:
        now = body.evaluate([*now, *fixed])
    return joined(list(map(np.asarray, now)), Repetition(test, body, carried).layout)  # type: ignore[no-any-return]


def _infer(*operands: Any, **params: Any) -> Spec:
    layout = Repetition(**params).layout
    return Spec((layout.size,), layout.dtype)


def _pull(*_: object) -> NoReturn:
    raise GraphError(
        "while_loop has no reverse mode where it is traced, since the number of its turns is not "
        "known then; take scan, or fori_loop with limits that are plain integers, and let "
        "ad.where, or ad.cond, pass the carry on unchanged when it is done; or differentiate "
        "forward, by ad.jvp or ad.jacobian(..., mode='forward')"
    )


def _push(tangents: Sequence[Any], y: Any, args: Any, params: Params) -> Any:
    """Carry tangents along."""
    loop = Repetition(**params)
    count, layout = loop.carried, loop.layout
    moving = [t is not None and is_float(x) for t, x in zip(tangents, args, strict=True)]
    with traced_apart(), made_by("while_loop"):
        both = _with_tangents(loop, moving)
    starts = [tangents[n] if moving[n] else zeros_of(args[n]) for n in floats(args[:count])]
    t_fixed = [tangents[n] for n in range(count, len(args)) if moving[n]]
    found = both.apply([*args[:count], *starts, *args[count:], *t_fixed])[count:]
    return joined(with_zeros(found, layout.specs), layout)


def _with_tangents(loop: Repetition, moving: Sequence[bool]) -> Repetition:
    test, body, count = loop
    inputs = body.inputs
    ts = {
        n: symbol_for(spec_of(x), None)
        for n, x in enumerate(inputs)
        if is_float(x) and (n < count or moving[n])
    }
    carry = [t for n, t in ts.items() if n < count]
    every = [*inputs[:count], *carry, *inputs[count:], *(t for n, t in ts.items() if n >= count)]
    return Repetition(
        Graph(every, test.outputs, name=test.name),
        Graph(every, [*body.outputs, *pushed(body, ts)], name=f"along_{body.name}"),
        count + len(carry),
    )


def _batch(rows: Rows, **params: Any) -> Any:
    """Repeat as long as the condition holds in any row; rows in which it does not stay."""
    loop, count, size = Repetition(**params), params["carried"], rows.size
    mapped = list(rows.mapped)
    while True:
        both, (*found, differs) = batched(loop.both, mapped, size, always=mapped[:count])
        wanted = [a or b or differs for a, b in zip(found, mapped[:count], strict=True)]
        if wanted == mapped[:count]:
            break
        mapped[:count] = wanted
    test, body = _masked(loop, mapped, size) if differs else loop.parted(both)
    operands = [
        in_all_rows(x, size) if mapped[n] and not rows.mapped[n] else x
        for n, x in enumerate(rows.operands)
    ]
    ends = Repetition(test, body, count).apply(operands)
    parts = [x if m else in_all_rows(x, size) for x, m in zip(ends, mapped[:count], strict=True)]
    return joined(parts, loop.layout)


def _masked(loop: Repetition, mapped: Sequence[bool], size: int) -> tuple[Graph, Graph]:
    inputs = [
        symbol_for(Spec((size, *x.shape) if m else x.shape, x.dtype), None)
        for x, m in zip(loop.body.inputs, mapped, strict=True)
    ]
    with traced_apart():
        (holds,), _ = of_all_rows(loop.test, inputs, mapped, size)
        after, found = of_all_rows(loop.body, inputs, mapped, size)
        ends = [
            where(
                reshaped(holds, (size, *(1,) * (len(before.shape) - 1))),
                x if is_mapped else in_all_rows(x, size),
                before,
            )
            for before, x, is_mapped in zip(inputs, after, found, strict=False)
        ]
        test = Graph(inputs, [any_of(holds)], name=loop.test.name)
    return test, Graph(inputs, ends, name=loop.body.name)


def _while_loop(*operands: Array, test: Graph, body: Graph, carried: int) -> Any:
    """Return what a loop carries when its condition does not hold any more, in one row."""
    return _forward(*operands, test=test, body=body, carried=carried)


REPEAT = Primitive(
    _while_loop,
    name="while_loop",
    kind=KIND,
    vjp=_pull,
    jvp=_push,
    infer=_infer,
    source="while_loop({args})",
    latex=r"\operatorname{{while}}\left({args}\right)",
    facts=Facts(finite=True, flops=lambda out, *_, body, **__: body.flops),
    batch=_batch,
)

# Under its name a pickled graph finds a primitive again.
while_loop = REPEAT
