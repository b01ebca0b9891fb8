"""A listing shows a graph as text: one line for every operation, with shape and dtype."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ..core.annotations import Operand
from ..core.node import Operation
from ..core.spec import Spec
from ..core.tree import map_leaves

if TYPE_CHECKING:
    from .graph import Graph


# A notebook folds a graph of more operations.
_MOST_OPEN = 40


def write(graph: Graph) -> str:
    """Return the listing of a graph."""
    lines = [(_operation(graph, node), describe(node.output)) for node in graph.nodes]
    width = max((len(text) for text, _ in lines), default=0)
    body = []
    for (text, spec), node in zip(lines, graph.nodes, strict=True):
        body.append(f"    {text:{width}}    # {spec}")
        for _, inner in _bodies(node):
            body += [f"        {line}" for line in write(inner).splitlines()]
    return "\n".join([_heading(graph), *body, f"    return {_result(graph)}"])


def html(graph: Graph) -> str:
    """Return the listing as a table that a notebook shows, and folds where it is long."""
    # Here, as below: `import adjoint` does without the room.
    from ..notebook.html import folded, preformatted, table, view

    lines = [(_operation(graph, node), describe(node.output)) for node in graph.nodes]
    heading = f"{_heading(graph)}, {len(lines)} operation{'s' * (len(lines) != 1)}"
    listed = table(["operation", "result"], lines, left=2)
    end = preformatted(f"return {_result(graph)}")
    return view(folded(heading, listed, end, is_open=len(lines) <= _MOST_OPEN))


def _heading(graph: Graph) -> str:
    arguments = ", ".join(
        f"{graph.names[node]}: {describe(node.output)}" for node in graph.input_nodes
    )
    return f"graph {graph.name}({arguments})"


def describe(spec: Spec) -> str:
    """Return a spec as ``float64[2, 3]``.

    >>> describe(Spec((2, 3), np.dtype(float)))
    'float64[2, 3]'
    """
    return f"{spec.dtype}{list(spec.shape)}"


def _operation(graph: Graph, node: Operation) -> str:
    args = node.operands(graph.names, _constant)
    defaults = node.primitive.defaults
    bodies = dict(_bodies(node))
    params = [
        f"{name}={bodies[name].name if name in bodies else repr(value)}"
        for name, value in node.params.items()
        if name not in defaults or repr(defaults[name]) != repr(value)
    ]
    return f"{graph.names[node]} = {node.primitive.name}({', '.join([*args, *params])})"


def _bodies(node: Operation) -> list[tuple[str, Graph]]:
    """Return the graphs among an operation's metadata: the bodies of a loop."""
    return [(name, value) for name, value in node.params.items() if hasattr(value, "nodes")]


def _constant(operand: Operand) -> str:
    if isinstance(operand, np.ndarray) and operand.ndim:
        return f"<{operand.dtype}{list(operand.shape)}>"
    return repr(operand.item() if isinstance(operand, (np.ndarray, np.generic)) else operand)


def _result(graph: Graph) -> str:
    from ..notebook.verbatim import Verbatim

    def show(position: int | None) -> Verbatim:
        if position is None:
            return Verbatim("None")
        output = graph.outputs[position]
        node = getattr(output, "node", None)
        return Verbatim(_constant(output) if node is None else graph.names[node])

    return repr(map_leaves(show, graph.gives))
