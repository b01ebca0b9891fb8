"""To unroll is to write the turns of a loop one after another, for readers that know no loops."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.node import Node
from ...core.registry import PRIMITIVES
from ...graphs.graph import Graph
from ...graphs.loops.branching import BRANCH, Branch
from ...graphs.loops.loop import Loop
from ...graphs.loops.repetition import REPEAT
from ...graphs.loops.row import RESULT
from ...graphs.loops.scanning import SCAN
from .loops import is_loop
from .simplify import simplify


def unrolled(graph: Graph) -> Graph:
    """Return a simplified graph without loops; of a choice both sides are computed.

    Raises
    ------
    NotImplementedError
        If it has a `while_loop`, whose turns nobody can count.
    """
    if not any(map(is_loop, graph.nodes)):
        return graph
    outputs = _outputs(graph, graph.inputs)
    return simplify(graph.like(graph.inputs, outputs, name=graph.name))


def _outputs(graph: Graph, inputs: Sequence[Any]) -> list[Any]:
    rows: dict[Node, list[Any]] = {}
    values: dict[Node, Any] = dict(zip(graph.input_nodes, inputs, strict=True))
    for node in graph.nodes:
        source = node.parents[0] if node.parents else None
        if is_loop(node):
            rows[node] = _TURNS[node.primitive](node, node.operands(values))
        elif node.primitive is RESULT and source in rows:
            values[node] = rows[source][node.params["number"]]
        else:
            values[node] = node.meant.bind(node.operands(values), node.params)
    return graph.ends(values)


def _scan(node: Any, operands: Sequence[Any]) -> list[Any]:
    loop = Loop(**node.params)
    now, rows, fixed = loop.split(operands)
    gathered: list[list[Any]] = []
    for turn in reversed(range(loop.length)) if loop.reverse else range(loop.length):
        found = _outputs(loop.body, [*now, *(x[turn] for x in rows), *fixed])
        now = found[: loop.carried]
        gathered.append(found[loop.carried :])
    columns = list(zip(*(gathered[::-1] if loop.reverse else gathered), strict=True))
    specs = loop.layout.specs[loop.carried :]
    if not loop.length:
        return [*now, *(np.zeros(spec.shape, spec.dtype) for spec in specs)]
    return [*now, *(PRIMITIVES["stack"](column, axis=0) for column in columns)]


def _branch(node: Any, operands: Sequence[Any]) -> list[Any]:
    branch = Branch(**node.params)
    choice, *given = operands
    sides = [_outputs(graph, given) for graph in branch]
    return [PRIMITIVES["where"](choice, x, y) for x, y in zip(*sides, strict=True)]


def _repeat(node: Any, operands: Sequence[Any]) -> list[Any]:
    raise NotImplementedError("while_loop turns as often as the numbers ask for")


_TURNS = {SCAN: _scan, BRANCH: _branch, REPEAT: _repeat}
