"""A fingerprint is equal for graphs that compute the same in the same way, whatever their names."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ...graphs.graph import Graph
from ...graphs.symbol import Symbol, node_of
from ...graphs.tracing.tracer import TracedOperation


def fingerprint(graph: Graph) -> Hashable:
    """Return something hashable, equal only for graphs of the same operations on the same shapes.

    Examples
    --------
    >>> import adjoint as ad
    >>> square = ad.graph.trace(lambda x: x * x, np.ones(3))
    >>> fingerprint(square) == fingerprint(ad.graph.trace(lambda y: y * y, np.ones(3)))
    True
    >>> fingerprint(square) == fingerprint(ad.graph.trace(lambda y: y * y, np.ones(4)))
    False
    """
    lines: list[Hashable] = []

    def number(node: TracedOperation, operands: list[Any]) -> int:
        products = id(node.primitive), id(node.meant)
        lines.append((products, tuple(operands), key_of(dict(node.params))))
        return len(graph.inputs) + len(lines) - 1

    numbers = graph.interpret(range(len(graph.inputs)), number, constant=key_of)
    takes = [(symbol.shape, symbol.dtype.str) for symbol in graph.inputs]
    gives = [
        numbers[node_of(x)] if isinstance(x, Symbol) else key_of(np.asarray(x))
        for x in graph.outputs
    ]
    return tuple(takes), tuple(lines), tuple(gives)


def key_of(item: Any) -> Hashable:
    """Return something hashable that is equal only for the same operand or metadata."""
    if isinstance(item, Symbol):
        return id(item.node)
    if isinstance(item, (np.ndarray, np.generic)):
        return (str(item.dtype), item.shape, item.tobytes())
    if isinstance(item, dict):
        return tuple((name, key_of(value)) for name, value in sorted(item.items()))
    if isinstance(item, (list, tuple)):
        return (type(item).__name__, *map(key_of, item))
    return (type(item).__name__, repr(item))
