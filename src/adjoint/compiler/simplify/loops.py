"""Loops are simplified from outside, too: what nothing needs of their results is not computed.

The results of a loop are one row, see `graphs.loops.row`, from which a simplified graph takes
single results and nothing else. From the newest operation to the oldest each loop is told which
of them are needed; its body is cut down to these, and so is what it needs itself.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Params
from ...core.constants import is_filled
from ...core.node import Node
from ...core.primitive import Primitive
from ...core.spec import Spec
from ...graphs.graph import Graph
from ...graphs.loops.branching import BRANCH, Branch
from ...graphs.loops.loop import Loop
from ...graphs.loops.repetition import REPEAT, Repetition
from ...graphs.loops.row import JOINED, RESULT, Layout, all_taken
from ...graphs.loops.scanning import SCAN
from ...graphs.symbol import Symbol, node_of
from ...graphs.tracing.tracer import TracedOperation

Simplify = Callable[[Graph], Graph]
LOOPS = (SCAN, REPEAT, BRANCH)


def is_loop(node: Node) -> bool:
    """Return whether an operation has a body: a loop, or a choice."""
    return node.primitive in LOOPS


# The last of the results that native code gives: whether another one is in doubt.
DOUBT = Spec((), np.dtype(bool))
_FORMS: dict[Any, Callable[..., Any]] = {SCAN: Loop, REPEAT: Repetition, BRANCH: Branch}


def bodies_of(node: Node) -> list[Graph]:
    """Return the bodies of a loop or a choice."""
    return [x for x in node.params.values() if isinstance(x, Graph)]


def form_of(node: Node) -> Any:
    """Return what is known of a loop or a choice."""
    return _FORMS[node.primitive](**node.params)


def layout_of(node: Node) -> Layout:
    """Return the layout of the results of a loop or a choice."""
    layout: Layout = form_of(node).layout
    return layout


def doubt_of(node: Node) -> Symbol:
    """Return the value that tells native code whether a loop's result is in doubt."""
    layout = layout_of(node)
    params = {"layout": Layout((*layout.specs, DOUBT)), "number": len(layout.specs)}
    made = TracedOperation(RESULT, [node.output], params, [node], DOUBT)
    return Symbol(DOUBT, made)


def with_results(graph: Graph) -> Graph:
    """Return the graph of a loop alone with its results instead of the row that they stand in."""
    (row,) = graph.outputs
    return Graph(graph.inputs, list(all_taken(row, layout_of(node_of(row)))))


def taken_result(args: Sequence[Any], params: Params, build: Callable[..., Any]) -> Any:
    """Return the result that was put into a row, rather than take it out again."""
    (row,), number = args, params["number"]
    if not isinstance(row, Symbol) or not isinstance(row.node, TracedOperation):
        return None
    node = row.node
    operands = [arg if parent is None else Symbol(arg, parent) for arg, parent in node.edges()]
    if node.primitive is JOINED:
        return operands[number]
    if node.primitive.name == "add":
        # A row that is one number throughout may have become this number.
        rows = [build("broadcast_to", x, shape=row.shape) for x in operands]
        return build("add", *(build("result", x, primitive=RESULT, **params) for x in rows))
    return None


class _Slim(NamedTuple):
    """A loop with fewer results and operands.

    Attributes
    ----------
    params : dict
    operands : list of int
        The numbers of the operands that are left.
    numbers : dict of int to int
        The new number of each result that is left, by the old one.
    same : dict of int to int
        The results that are an operand as it is, and the number of that.
    layout : Layout
    """

    params: dict[str, Any]
    operands: list[int]
    numbers: Mapping[int, int]
    same: Mapping[int, int]
    layout: Layout


def slimmed(graph: Graph, simplify: Simplify) -> Graph:
    """Return a graph whose loops compute what is needed, with simplified bodies."""
    if not any(map(is_loop, graph.nodes)):
        return graph
    slim = _plan(graph, simplify)
    results = dict(zip(graph.input_nodes, graph.inputs, strict=True))

    def value(arg: Any, parent: Node | None) -> Any:
        if parent is None:
            return arg
        return results[parent] if parent in results else Symbol(parent.output, parent)

    for node in graph.nodes:
        source = node.parents[0] if node.parents else None
        if node in slim:
            plan = slim[node]
            edges = list(node.edges())
            operands = [value(*edges[n]) for n in plan.operands]
            if plan.layout.specs:
                results[node] = _made(node, node.primitive, operands, plan.params, plan.layout)
        elif node.primitive is RESULT and source in slim:
            plan, number = slim[source], node.params["number"]
            if number in plan.same:
                results[node] = value(*list(source.edges())[plan.same[number]])
            elif number in plan.numbers:
                params = {"layout": plan.layout, "number": plan.numbers[number]}
                results[node] = _made(node, RESULT, [results[source]], params, None)
        elif all(parent is None or parent in results for parent in node.parents):
            operands = [value(*edge) for edge in node.edges()]
            results[node] = _made(node, node.primitive, operands, node.params, None)
    outputs = [results[node_of(x)] if isinstance(x, Symbol) else x for x in graph.outputs]
    made = graph.like(graph.inputs, outputs, name=graph.name)
    made.is_simple = graph.is_simple
    return made


def _made(
    node: Any, primitive: Primitive, operands: Sequence[Any], params: Params, layout: Layout | None
) -> Any:
    spec = (
        node.output
        if layout is None
        else node.output._replace(shape=(layout.size,), dtype=layout.dtype)
    )
    args = [x.data if isinstance(x, Symbol) else x for x in operands]
    parents = [x.node if isinstance(x, Symbol) else None for x in operands]
    made = TracedOperation(primitive, args, params, parents, spec)
    made.name, made.origin, made.strong = node.name, node.origin, node.strong
    return Symbol(spec, made)


def _plan(graph: Graph, simplify: Simplify) -> dict[Node, _Slim]:
    """Return how each loop is cut down, the newest first."""
    needed = {node_of(x) for x in graph.outputs if isinstance(x, Symbol)}
    wanted: dict[Node, set[int]] = {}
    found: dict[Node, _Slim] = {}
    for node in reversed(graph.nodes):
        if node not in needed:
            continue
        source = node.parents[0] if node.parents else None
        if is_loop(node) and node in wanted:
            plan = found[node] = _SLIM[node.primitive](node, sorted(wanted[node]), simplify)
            kept = [*plan.operands, *plan.same.values()]
            needed.update(p for n in kept if (p := node.parents[n]) is not None)
        elif node.primitive is RESULT and source is not None and is_loop(source):
            wanted.setdefault(source, set()).add(node.params["number"])
            needed.add(source)
        else:
            needed.update(p for p in node.parents if p is not None)
    return found


# --- bodies


def _with_constants(body: Graph, constants: Mapping[int, Any], simplify: Simplify) -> Graph:
    """Return a simplified body, with constants in the place of some inputs.

    All inputs stay among its inputs.
    """
    if constants:
        values = [constants.get(n, x) for n, x in enumerate(body.inputs)]

        def applied(node: TracedOperation, operands: list[Any]) -> Any:
            if not any(isinstance(x, Symbol) for x in operands):
                return np.asarray(node.meant.bind(operands, node.params), node.output.dtype)
            return _made(node, node.primitive, operands, node.params, None)

        outputs = body.ends(body.interpret(values, applied))
        body = Graph(body.inputs, outputs, name=body.name)
    return simplify(body)


def _constants(node: Any, places: Collection[int], rows: Collection[int]) -> dict[int, Any]:
    """Return the operands that are one number throughout, as a turn is given them."""
    found = {}
    for n, (arg, parent) in enumerate(node.edges()):
        if parent is None and n in places:
            array = np.asarray(arg)
            if array.size and (array.size == 1 or is_filled(array)):
                found[n] = array[0] if n in rows else array
    return found


def _doubles(node: Any, places: Sequence[int], body: Graph) -> dict[int, Any]:
    """Return for each operand that another one is, too, the input of that."""
    first: dict[Node, int] = {}
    found = {}
    for n in places:
        parent = node.parents[n]
        if parent is not None and first.setdefault(parent, n) != n:
            found[n] = body.inputs[first[parent]]
    return found


def _reached(outputs: Sequence[Any]) -> set[Node]:
    """Return the nodes that some outputs need."""
    pending = [node_of(x) for x in outputs if isinstance(x, Symbol)]
    found = set(pending)
    while pending:
        for parent in pending.pop().parents:
            if parent is not None and parent not in found:
                found.add(parent)
                pending.append(parent)
    return found


def _slim_scan(node: Any, wanted: Sequence[int], simplify: Simplify) -> _Slim:
    loop = Loop(**node.params)
    count, end, total = loop.carried, loop.carried + loop.scanned, len(loop.body.inputs)
    constants = {} if not loop.length else _constants(node, range(count, total), range(count, end))
    for places in (range(count, end), range(end, total)):
        constants |= _doubles(node, places, loop.body)
    body = _with_constants(loop.body, constants, simplify)
    outputs, nodes = body.outputs, body.input_nodes
    # What each turn hands on as it was given it is the same in all turns.
    still = {n for n in range(count) if getattr(outputs[n], "node", None) is nodes[n]}
    # What is the same in all turns is gathered once.
    first = {getattr(outputs[n], "node", n): n for n in reversed(wanted) if n >= count}
    gathered = sorted(first.values())
    carried = {n for n in wanted if n < count and n not in still}
    while True:
        reached = _reached([*(outputs[n] for n in gathered), *(outputs[n] for n in carried)])
        more = {n for n in range(count) if nodes[n] in reached and n not in still}
        if more <= carried:
            break
        carried |= more
    kept = sorted(carried)
    rows = [n for n in range(count, end) if nodes[n] in reached]
    fixed = [n for n in (*sorted(still), *range(end, total)) if nodes[n] in reached]
    operands = [*kept, *rows, *fixed]
    made = Graph(
        [body.inputs[n] for n in operands],
        [outputs[n] for n in (*kept, *gathered)],
        name=body.name,
    )
    made.is_simple = True
    slim = Loop(made, len(kept), len(rows), loop.length, loop.reverse, 0)
    numbers = {n: place for place, n in enumerate([*kept, *gathered])}
    for n in wanted:
        if n >= count:
            numbers[n] = numbers[first[getattr(outputs[n], "node", n)]]
    same = {n: n for n in wanted if n in still}
    return _Slim(slim._asdict(), operands, numbers, same, slim.layout)


def _slim_repeat(node: Any, wanted: Sequence[int], simplify: Simplify) -> _Slim:
    loop = Repetition(**node.params)
    count, total = loop.carried, len(loop.body.inputs)
    both = _with_constants(loop.both, _constants(node, range(count, total), ()), simplify)
    outputs, nodes = both.outputs, both.input_nodes
    still = {n for n in range(count) if getattr(outputs[n], "node", None) is nodes[n]}
    carried = {n for n in wanted if n not in still}
    while True:
        reached = _reached([outputs[count], *(outputs[n] for n in carried)])
        more = {n for n in range(count) if nodes[n] in reached and n not in still}
        if more <= carried:
            break
        carried |= more
    kept = sorted(carried)
    fixed = [n for n in (*sorted(still), *range(count, total)) if nodes[n] in reached]
    operands = [*kept, *fixed]
    inputs = [both.inputs[n] for n in operands]
    test = Graph(inputs, [outputs[count]], name=loop.test.name)
    body = Graph(inputs, [outputs[n] for n in kept], name=loop.body.name)
    test.is_simple = body.is_simple = True
    slim = Repetition(test, body, len(kept))
    same = {n: n for n in wanted if n in still}
    numbers = {n: place for place, n in enumerate(kept)}
    return _Slim(slim._asdict(), operands, numbers, same, slim.layout)


def _slim_branch(node: Any, wanted: Sequence[int], simplify: Simplify) -> _Slim:
    branch = Branch(**node.params)
    constants = _constants(node, range(1, len(node.args)), ())
    inside = {n - 1: array for n, array in constants.items()}
    sides = [_with_constants(graph, inside, simplify) for graph in branch]
    reached = [_reached([side.outputs[n] for n in wanted]) for side in sides]
    kept = [
        n
        for n in range(len(node.args) - 1)
        if any(side.input_nodes[n] in found for side, found in zip(sides, reached, strict=True))
    ]
    slim = Branch(
        *(
            Graph([side.inputs[n] for n in kept], [side.outputs[n] for n in wanted], name=side.name)
            for side in sides
        )
    )
    slim.yes.is_simple = slim.no.is_simple = True
    numbers = {n: place for place, n in enumerate(wanted)}
    return _Slim(slim._asdict(), [0, *(n + 1 for n in kept)], numbers, {}, slim.layout)


_SLIM = {SCAN: _slim_scan, REPEAT: _slim_repeat, BRANCH: _slim_branch}
