"""Comparisons, truth values and choices."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.kinds import dtype_of
from ...core.node import Operation
from ..onnx_graph import OnnxGraph, Wire
from ..refusal import ExportError
from .rule import as_wire, is_nan, is_negative, rule

_COMPARISONS = {
    "less": "Less",
    "less_equal": "LessOrEqual",
    "greater": "Greater",
    "greater_equal": "GreaterOrEqual",
    "equal": "Equal",
    "not_equal": "Equal",
}


@rule(*_COMPARISONS)
def compared(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return where a comparison holds; truth values are compared as numbers."""
    dtype = dtype_of(*node.args)
    dtype = np.dtype(np.int32) if dtype.kind == "b" else dtype
    name = node.primitive.name
    x, y = as_wire(graph, x, dtype), as_wire(graph, y, dtype)
    found = graph.apply(_COMPARISONS[name], x, y)
    return ~found if name == "not_equal" else found


@rule("isnan", "isinf", "isfinite")
def classified(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return which entries are NaN, infinite or neither."""
    wire = as_wire(graph, x)
    if wire.dtype.kind != "f":
        wire = wire.cast(np.float32)
    if node.primitive.name == "isnan":
        return is_nan(wire)
    infinite = graph.add("IsInf", [wire], wire.shape, np.bool_)
    return infinite if node.primitive.name == "isinf" else ~(infinite | is_nan(wire))


@rule("signbit")
def signbit(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return which entries are below 0, or -0."""
    wire = as_wire(graph, x)
    return is_negative(wire) if wire.dtype.kind == "f" else wire < 0


@rule("logical_not", "invert")
def negated(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return which entries are false."""
    wire = as_wire(graph, x)
    if node.primitive.name == "invert" and wire.dtype.kind != "b":
        return graph.apply("BitwiseNot", wire)
    return ~_truth(wire)


_JUNCTIONS = {"and": "And", "or": "Or", "xor": "Xor"}


@rule(*(f"{kind}_{name}" for kind in ("logical", "bitwise") for name in _JUNCTIONS))
def joined(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return a junction of truth values, or of the bits of integers."""
    kind, _, name = node.primitive.name.partition("_")
    if kind == "bitwise" and node.output.dtype.kind != "b":
        dtype = node.output.dtype
        operator = f"Bitwise{_JUNCTIONS[name]}"
        return graph.apply(operator, as_wire(graph, x, dtype), as_wire(graph, y, dtype))
    return graph.apply(_JUNCTIONS[name], _truth(as_wire(graph, x)), _truth(as_wire(graph, y)))


def _truth(x: Wire) -> Wire:
    return x if x.dtype.kind == "b" else ~x.equals(0)


@rule("where")
def where(graph: OnnxGraph, node: Operation, condition: Any, x: Any, y: Any) -> Wire:
    """Return x where the condition is true, and y elsewhere."""
    dtype = node.output.dtype
    return _truth(as_wire(graph, condition)).choose(
        as_wire(graph, x, dtype), as_wire(graph, y, dtype)
    )


@rule("required", "class_labels")
def required(graph: OnnxGraph, node: Operation, x: Any, holds: Any = None) -> Wire:
    """Return x where it is as it must be.

    ONNX raises no errors of its own. An integer that is refused becomes so large that whatever
    looks something up by it fails; a float becomes NaN.
    """
    wire = as_wire(graph, x)
    met: Wire
    if node.primitive.name == "class_labels":
        met = (wire >= 0) & (wire < node.params["classes"])
    elif not isinstance(holds, Wire):
        return wire
    else:
        met = holds.reshaped((*holds.shape, *[1] * (len(wire.shape) - len(holds.shape))))
    if wire.dtype.kind == "b":
        raise ExportError("ONNX cannot refuse a truth value while it runs")
    other: float = np.nan if wire.dtype.kind == "f" else np.iinfo(wire.dtype).max
    return met.choose(wire, other)
