"""Reductions over axes."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.node import Operation
from ..onnx_graph import OnnxGraph, Wire
from ..refusal import ExportError
from .rule import as_wire, is_nan, rule

_OPERATORS = {
    "sum": "ReduceSum",
    "mean": "ReduceMean",
    "max": "ReduceMax",
    "min": "ReduceMin",
    "prod": "ReduceProd",
}


def axes_of(node: Operation, ndim: int) -> list[int]:
    """Return the axes that an operation goes over."""
    axis = node.params.get("axis")
    if axis is None:
        return list(range(ndim))
    return sorted({int(n) % ndim for n in np.atleast_1d(axis)})


@rule(*_OPERATORS)
def reduced(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return a sum, mean, product, maximum or minimum."""
    wire, name = as_wire(graph, x, node.output.dtype), node.primitive.name
    axes, keepdims = axes_of(node, len(wire.shape)), bool(node.params.get("keepdims"))
    if not axes:
        return wire
    found = wire.reduced(_OPERATORS[name], axes, keepdims=keepdims)
    if name not in ("max", "min") or wire.dtype.kind != "f":
        return found
    # ONNX does not say what the maximum is where an entry is NaN.
    gaps = is_nan(wire).cast(wire.dtype).reduced("ReduceMax", axes, keepdims=keepdims)
    return (gaps > 0).choose(np.nan, found)


@rule("any", "all")
def of_truths(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return whether any, or all, entries are true."""
    wire = as_wire(graph, x)
    truth = wire if wire.dtype.kind == "b" else ~wire.equals(0)
    axes, keepdims = axes_of(node, len(wire.shape)), bool(node.params.get("keepdims"))
    if not axes:
        return truth
    operator = "ReduceMax" if node.primitive.name == "any" else "ReduceMin"
    return truth.cast(np.int32).reduced(operator, axes, keepdims=keepdims).cast(np.bool_)


@rule("argmax", "argmin")
def place_of(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return the place of the first greatest or least entry, which NaN is."""
    wire = as_wire(graph, x)
    wire = wire.cast(np.int32) if wire.dtype.kind == "b" else wire
    axis, keepdims = node.params.get("axis"), bool(node.params.get("keepdims"))
    shape = wire.shape
    if axis is None:
        wire, axis = wire.reshaped((int(np.prod(shape)),)), 0
    axis %= len(wire.shape)
    operator = "ArgMax" if node.primitive.name == "argmax" else "ArgMin"
    found = place(wire, axis, operator)
    kept = tuple(1 if n == axis else size for n, size in enumerate(wire.shape))
    if node.params.get("axis") is None and keepdims:
        kept = (1,) * len(shape)
    return found.reshaped(kept if keepdims else node.output.shape)


def place(x: Wire, axis: int, operator: str) -> Wire:
    """Return the place of the greatest or least entry along an axis, which stays with size 1."""
    kept = tuple(1 if n == axis else size for n, size in enumerate(x.shape))
    found = x.graph.add(operator, [x], kept, np.int64, axis=axis)
    if x.dtype.kind != "f":
        return found
    gaps = is_nan(x).cast(np.float32)
    first = x.graph.add("ArgMax", [gaps], kept, np.int64, axis=axis)
    return (gaps.reduced("ReduceMax", [axis]) > 0).choose(first, found)


@rule("softmax")
def softmax(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return exponentials over their sum.

    The logarithm of it is written as its card says: onnxruntime gives numbers for rows with NaN.
    """
    wire = as_wire(graph, x, node.output.dtype)
    axes = axes_of(node, len(wire.shape))
    if not axes:
        return wire * 0 + 1
    if len(axes) == 1:
        return graph.apply("Softmax", wire, axis=axes[0])
    rest = [n for n in range(len(wire.shape)) if n not in axes]
    order = [*rest, *axes]
    moved = wire.transposed(order)
    sizes = [moved.shape[n] for n in range(len(rest))]
    flat = moved.reshaped((*sizes, int(np.prod(moved.shape[len(rest) :]))))
    joined = graph.apply("Softmax", flat, axis=len(rest))
    return joined.reshaped(moved.shape).transposed(np.argsort(order).tolist())


@rule("cumsum")
def cumsum(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return running sums."""
    wire, axis = as_wire(graph, x, node.output.dtype), node.params.get("axis")
    if axis is None:
        wire, axis = wire.reshaped((int(np.prod(wire.shape)),)), 0
    given = graph.constant(np.array(axis % len(wire.shape), np.int64))
    return graph.add("CumSum", [wire, given], wire.shape, wire.dtype)


@rule("sum_to")
def sum_to(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return sums over what was broadcast."""
    wire, shape = as_wire(graph, x), node.output.shape
    behind = len(wire.shape) - len(shape)
    axes = list(range(behind))
    axes += [n + behind for n, s in enumerate(shape) if s == 1 and wire.shape[n + behind] != 1]
    return wire.reduced("ReduceSum", axes).reshaped(shape)


@rule("sort", "argsort")
def sorted_entries(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Refuse: where NaN stands among sorted entries is not said."""
    raise ExportError("ONNX has no order of NaN; sorting cannot be exported")
