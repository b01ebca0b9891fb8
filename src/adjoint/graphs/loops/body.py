"""A body is what a function does with symbols in one turn, as a graph that is closed.

What the function reads from outside is captured: it enters the graph by inputs of its own, so that
derivatives reach it. What it changes outside of itself, a buffer, a random state or an array that
it assigns into, is found too, so that the loop can carry it along.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Tree
from ...core.node import Node
from ...core.operand import as_operand
from ...core.spec import Spec
from ...core.tree import leaves, map_leaves
from ...core.value import Value, assignments
from ...core.views import as_argument, as_scalar
from ...ops.random import running
from ..graph import Graph
from ..lift import lift
from ..sweep import leading_to, reachable
from ..symbol import Number, Symbol, node_of
from ..tracing import effects, naming
from ..tracing.tracer import TracedNode, TracedOperation, Tracer, current, traced_by


class Run(NamedTuple):
    """What a function gave when it was called with symbols.

    Attributes
    ----------
    result : tree
    changed : list of Value
        What it assigned into that was there before; each is as it was again.
    ends : list of Value
        What each of these would be after the run.
    since : int
        Nodes of a higher order were made in the run.
    """

    result: Any
    changed: list[Any]
    ends: list[Any]
    since: int


def symbol_for(spec: Spec, name: str | None, *, is_weak: bool = False) -> Any:
    """Return a symbol for a value that a function is given, which it must not change."""
    if is_weak:
        return Number.input(spec, name)
    made = Symbol.input(spec, name)
    return as_argument(made) if spec.shape else as_scalar(made)


def named(name: str, tree: Tree) -> Iterator[str]:
    """Yield a name for each leaf of a tree.

    >>> list(named("carry", (0, {"a": 1})))
    ['carry_0', 'carry_1_a']
    """
    if isinstance(tree, dict):
        for key, item in tree.items():
            yield from named(naming.entry(name, key), item)
    elif isinstance(tree, (list, tuple)) and not isinstance(tree, Spec):
        for key, item in enumerate(tree):
            yield from named(naming.entry(name, key), item)
    else:
        yield name


@contextmanager
def watched() -> Iterator[Tracer]:
    """Let a tracer look on inside the ``with`` block, if none does."""
    tracer = current()
    if tracer is not None:
        yield tracer
        return
    tracer = Tracer()
    with traced_by(tracer):
        yield tracer


def run(
    call: Callable[[], Any],
    roots: Sequence[Callable[..., Any]],
    states: Sequence[Any] = (),
    starts: Sequence[Any] = (),
) -> Run:
    """Call a function once, and put back what it assigns into.

    Parameters
    ----------
    call : callable
    roots : sequence of callable
        The user's functions that it calls.
    states, starts : sequence of Value
        Values that a run before has changed, and the symbol that each shall be now.

    Raises
    ------
    TypeError
        If it assigns into an array from outside that is no traced value, draws random numbers
        in `vmap`, or changes anything else that is outside, as a list; all that is put back.
    """
    since = TracedNode(Spec((), np.dtype(bool))).order
    before = [(value, type(value), value.data, value.node) for value in states]
    draws = [{key: drawn.count for key, drawn in batch.draws.items()} for batch in running.batches]
    outer, assignments.journal = assignments.journal, []
    result: Any = None
    outside: list[Any] = before
    try:
        with watched() as tracer, effects.refused(*roots, resumed=tracer.resumed):
            _begin(states, starts)
            result = call()
            _refuse_draws(draws)
            outside = _outside(assignments.journal, since, result, before)
            ends = [_plain(value) for value, *_ in outside]
            # A state that is returned, too, is what it is now, and not what it was before.
            now = {id(value): end for (value, *_), end in zip(outside, ends, strict=True)}
            result = map_leaves(lambda leaf: now.get(id(leaf), leaf), result)
            _put_back(outside)
    finally:
        if result is None:
            outside = _outside(assignments.journal, since, None, before)
        _put_back(outside)
        assignments.journal = outer
    for value, _, _, node in outside:
        if node is None:
            raise TypeError(
                f"an array of shape {value.shape} was assigned into inside of a loop's or a "
                "branch's body, which is traced once; let the loop carry the array, and return the "
                "new one"
            )
    return Run(result, [value for value, *_ in outside], ends, since)


def _begin(states: Sequence[Any], starts: Sequence[Any]) -> None:
    """Let values from outside be those that a turn begins with."""
    for value, start in zip(states, starts, strict=True):
        if not isinstance(value, Symbol):
            value.__class__ = Symbol
        value.data, value.node = start.data, start.node


def _put_back(changed: Sequence[Any]) -> None:
    for value, kind, data, node in changed:
        value.__class__ = kind
        value.data, value.node = data, node


def _outside(journal: Any, since: int, result: Tree, states: Sequence[Any]) -> list[Any]:
    """Return the values from outside that were changed as they were, each once, states first."""
    found: dict[int, Any] = {id(state[0]): state for state in states}
    for reference, kind, data, node in journal:
        value = reference()
        if value is None or id(value) in found:
            continue
        is_outside = node.order < since if node is not None else _is_held(value, result)
        if is_outside:
            found[id(value)] = value, kind, data, node
    return list(found.values())


def _is_held(value: Value, result: Tree) -> bool:
    """Return whether anything but a result refers to a value: then it was there before."""
    own = set(map(id, _containers(result)))
    referrers = gc.get_referrers(value)
    return any(id(each) not in own and not isinstance(each, FrameType) for each in referrers)


def _containers(tree: Tree) -> Iterator[Any]:
    if isinstance(tree, (list, tuple, dict)):
        yield tree
        for item in tree.values() if isinstance(tree, dict) else tree:
            yield from _containers(item)


def _refuse_draws(before: Sequence[dict[int, int]]) -> None:
    for batch, known in zip(running.batches, before, strict=True):
        if any(drawn.count != known.get(key, 0) for key, drawn in batch.draws.items()):
            raise TypeError(
                "random numbers were drawn in the body of a loop, or in a branch, inside of vmap, "
                "where each row needs numbers of its own: draw them before, as an array with one "
                "entry for each turn, or put vmap inside of the loop"
            )


def _plain(value: Any) -> Any:
    return Symbol(value.data, value.node) if value.node is not None else value.data


# --- from what was recorded to a graph


def captured_by(
    inputs: Sequence[Symbol], outputs: Sequence[Any], since: int, *, hoists: bool
) -> list[Value]:
    """Return the values from outside that outputs are computed from, the oldest first.

    Parameters
    ----------
    since : int
        What is inside has a higher order.
    hoists : bool
        Whether what depends on none of the inputs is left outside: it is the same in every turn.
    """
    found: dict[Node, Value] = {}
    inside = _inside(inputs, outputs, since, hoists=hoists)
    for node in inside:
        for payload, parent in node.edges():
            if parent is not None and parent not in inside and parent not in found:
                found[parent] = lift(payload, parent)
    own = set(map(node_of, inputs)) | set(inside)
    for x in outputs:
        if isinstance(x, Value) and x.node is not None and x.node not in own:
            found.setdefault(x.node, lift(x.data, x.node))
    for node in map(node_of, inputs):
        found.pop(node, None)
    return [found[node] for node in sorted(found, key=lambda node: node.order)]


def _inside(
    inputs: Sequence[Symbol], outputs: Sequence[Any], since: int, *, hoists: bool
) -> dict[Any, None]:
    """Return the operations of a body, oldest first."""
    ends = [x.node for x in outputs if isinstance(x, Value) and x.node is not None]
    starts = [node_of(x) for x in inputs]
    recorded = reachable(ends, since=since)
    kept = leading_to(recorded, starts) if hoists else recorded
    return {
        node: None
        for node in recorded
        if node in kept and node.order >= since and isinstance(node, TracedOperation)
    }


def closed(
    inputs: Sequence[Symbol],
    outputs: Sequence[Any],
    captured: Sequence[Value],
    since: int,
    *,
    hoists: bool,
    name: str,
) -> Graph:
    """Return a graph of the inputs, and of one more for each value that was captured."""
    own = [
        symbol_for(Spec(tuple(x.shape), x.dtype), getattr(x.node, "name", None)) for x in captured
    ]
    values: dict[Node, Any] = {node_of(x): x.node for x in inputs}
    values |= {x.node: symbol.node for x, symbol in zip(captured, own, strict=True) if x.node}
    for node in _inside(inputs, outputs, since, hoists=hoists):
        values[node] = copied(node, [parent and values.get(parent) for parent in node.parents])
    ends = [
        Symbol(Spec(tuple(x.shape), x.dtype), values[x.node])
        if isinstance(x, Value) and x.node is not None
        else np.asarray(as_operand(x))
        for x in outputs
    ]
    return Graph([*inputs, *own], ends, name=name)


def copied(node: Any, parents: Sequence[Node | None]) -> TracedOperation:
    """Return an operation like another, of other operands."""
    args = [
        arg if parent is None or isinstance(arg, Spec) else Spec(arg.shape, arg.dtype)
        for arg, parent in zip(node.args, parents, strict=True)
    ]
    made = TracedOperation(node.primitive, args, node.params, parents, node.output)
    made.name, made.origin, made.strong = node.name, node.origin, node.strong
    return made


def specs_of(tree: Tree) -> list[Spec]:
    """Return the spec of each leaf."""
    return [spec_of(leaf) for leaf in leaves(tree)]


def spec_of(leaf: Any) -> Spec:
    """Return the shape and dtype of a leaf."""
    if isinstance(leaf, (Value, Spec)):
        return Spec(tuple(leaf.shape), leaf.dtype)
    array = np.asarray(as_operand(leaf))
    return Spec(array.shape, array.dtype)
