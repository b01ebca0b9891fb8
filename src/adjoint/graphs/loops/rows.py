"""A body is applied to many rows of `vmap` at once, operation by operation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...core.batching import Rows
from ...core.node import Node
from ...core.spec import Spec
from ...ops.structural import broadcast_to
from ..graph import Graph
from ..symbol import Symbol, node_of
from .body import symbol_for
from .tracing import traced_apart


def batched(
    body: Graph, mapped: Sequence[bool], size: int, *, always: Sequence[bool] = ()
) -> tuple[Graph, list[bool]]:
    """Return a body whose mapped inputs have all rows in front, and which outputs have them, too.

    The first outputs have them wherever ``always`` says so.
    """
    inputs = [
        symbol_for(Spec((size, *x.shape) if is_mapped else x.shape, x.dtype), _name(x))
        for x, is_mapped in zip(body.inputs, mapped, strict=True)
    ]
    with traced_apart():
        outputs, found = of_all_rows(body, inputs, mapped, size)
        for n, is_wanted in enumerate(always):
            if is_wanted and not found[n]:
                outputs[n] = in_all_rows(outputs[n], size)
                found[n] = True
    return Graph(inputs, outputs, name=body.name), found


def of_all_rows(
    body: Graph, inputs: Sequence[Any], mapped: Sequence[bool], size: int
) -> tuple[list[Any], list[bool]]:
    """Return the outputs of a body for all rows, and which of them have the rows in front."""
    values: dict[Node, Any] = dict(zip(body.input_nodes, inputs, strict=True))
    rows = dict(zip(body.input_nodes, mapped, strict=True))
    for node in body.nodes:
        operands = node.operands(values)
        which = [parent is not None and rows[parent] for parent in node.parents]
        rows[node] = any(which)
        if rows[node]:
            given = Rows(node.meant, operands, which, size, node.output)
            values[node] = node.meant.analyses.batch(given, **node.params)
        else:
            values[node] = node.meant.bind(operands, node.params)
    found = [isinstance(x, Symbol) and rows[node_of(x)] for x in body.outputs]
    return body.ends(values), found


def in_all_rows(x: Any, size: int) -> Any:
    """Return what is the same in all rows with the rows in front."""
    return broadcast_to(x, shape=(size, *x.shape))


def _name(symbol: Symbol) -> str | None:
    return getattr(symbol.node, "name", None)
