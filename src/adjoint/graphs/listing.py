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


def write(graph: Graph) -> str:
    """Return the listing of a graph."""
    arguments = ", ".join(
        f"{graph.names[node]}: {describe(node.output)}" for node in graph.input_nodes
    )
    lines = [(_operation(graph, node), describe(node.output)) for node in graph.nodes]
    width = max((len(text) for text, _ in lines), default=0)
    body = [f"    {text:{width}}    # {spec}" for text, spec in lines]
    return "\n".join([f"graph {graph.name}({arguments})", *body, f"    return {_result(graph)}"])


def describe(spec: Spec) -> str:
    """Return a spec as ``float64[2, 3]``.

    >>> describe(Spec((2, 3), np.dtype(float)))
    'float64[2, 3]'
    """
    return f"{spec.dtype}{list(spec.shape)}"


def _operation(graph: Graph, node: Operation) -> str:
    args = node.operands(graph.names, _constant)
    defaults = node.primitive.defaults
    params = [
        f"{name}={value!r}"
        for name, value in node.params.items()
        if name not in defaults or repr(defaults[name]) != repr(value)
    ]
    return f"{graph.names[node]} = {node.primitive.name}({', '.join([*args, *params])})"


def _constant(operand: Operand) -> str:
    if isinstance(operand, np.ndarray) and operand.ndim:
        return f"<{operand.dtype}{list(operand.shape)}>"
    return repr(operand.item() if isinstance(operand, (np.ndarray, np.generic)) else operand)


def _result(graph: Graph) -> str:
    def show(position: int) -> _Verbatim:
        output = graph.outputs[position]
        node = getattr(output, "node", None)
        return _Verbatim(_constant(output) if node is None else graph.names[node])

    return repr(map_leaves(show, graph.gives))


class _Verbatim(str):
    """Text that shows without quotes inside of lists, tuples and dicts."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)
