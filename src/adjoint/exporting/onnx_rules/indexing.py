"""Indexing: parts by numbers, slices and index arrays, and places among knots."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.node import Operation
from ...ops.keys import SLOT
from ..onnx_graph import OnnxGraph, Wire
from ..refusal import ExportError
from .movements import moved, sliced
from .rule import as_wire, is_nan, rule


@rule("index")
def index(graph: OnnxGraph, node: Operation, x: Any, *arrays: Any) -> Wire:
    """Return x[key]."""
    wire, key = as_wire(graph, x), _written_out(node.params["key"], len(node.args[0].shape))
    if any(part is SLOT for part in key):
        return _picked(wire, key, [as_wire(graph, a) for a in arrays])
    axes = [part for part in key if part is not None]
    wire = sliced(wire, {n: part for n, part in enumerate(axes) if isinstance(part, slice)})
    for axis in reversed([n for n, part in enumerate(axes) if not isinstance(part, slice)]):
        number = graph.constant(np.array(axes[axis], np.int64))
        shape = (*wire.shape[:axis], *wire.shape[axis + 1 :])
        wire = graph.add("Gather", [wire, number], shape, wire.dtype, axis=axis)
    return wire.reshaped(node.output.shape)


def _written_out(key: Sequence[Any], ndim: int) -> list[Any]:
    """Return a key with a slice, a number or a slot for each axis, and None for new ones."""
    taken = sum(part is not None and part is not Ellipsis for part in key)
    whole = [slice(None)] * (ndim - taken)
    if not any(part is Ellipsis for part in key):
        return [*key, *whole]
    place = next(n for n, part in enumerate(key) if part is Ellipsis)
    return [*key[:place], *whole, *key[place + 1 :]]


def _picked(x: Wire, key: list[Any], arrays: list[Wire]) -> Wire:
    """Return what index arrays name; numbers beside them are index arrays, too."""
    if any(part is None for part in key):
        raise ExportError("ONNX has no index with both None and index arrays")
    if any(a.dtype.kind == "b" for a in arrays):
        raise ExportError("ONNX has no index by truth values here; use where")
    graph, rest = x.graph, iter(arrays)
    x = sliced(x, {n: part for n, part in enumerate(key) if isinstance(part, slice)})
    axes = [n for n, part in enumerate(key) if not isinstance(part, slice)]
    given = [
        next(rest).cast(np.int64) if key[n] is SLOT else graph.constant(np.array(key[n], np.int64))
        for n in axes
    ]
    if len(axes) == 1:
        (axis,), (one,) = axes, given
        shape = (*x.shape[:axis], *one.shape, *x.shape[axis + 1 :])
        return graph.add("Gather", [x, one], shape, x.dtype, axis=axis)
    inner = np.broadcast_shapes(*(one.shape for one in given))
    columns = [one.broadcast(inner).reshaped((*inner, 1)) for one in given]
    joined = graph.add("Concat", columns, (*inner, len(axes)), np.int64, axis=len(inner))
    others = [n for n in range(len(x.shape)) if n not in axes]
    kept = tuple(x.shape[n] for n in others)
    found = graph.add(
        "GatherND", [x.transposed([*axes, *others]), joined], (*inner, *kept), x.dtype
    )
    is_adjacent = axes == list(range(axes[0], axes[0] + len(axes)))
    start = axes[0] if is_adjacent else 0
    order = [*range(len(inner), len(inner) + start), *range(len(inner))]
    return found.transposed([*order, *range(len(inner) + start, len(found.shape))])


@rule("scatter_add")
def scatter_add(graph: OnnxGraph, node: Operation, x: Any, *arrays: Any) -> Wire:
    """Return zeros to which entries are added at [key]."""
    shape, dtype = node.output.shape, node.output.dtype
    key = _written_out(node.params["key"], len(shape))
    if not any(part is SLOT for part in key):
        return moved(graph, node, x)  # no entry has two places, so that nothing is added up
    count = sum(part is SLOT for part in key)
    if key[:count] != [SLOT] * count or any(part != slice(None) for part in key[count:]):
        raise ExportError("ONNX has no scatter_add but along the first axes")
    inner = np.broadcast_shapes(*(np.shape(a) for a in node.args[1:]))
    columns = [as_wire(graph, a).cast(np.int64).broadcast(inner) for a in arrays]
    columns = [one.reshaped((*inner, 1)) for one in columns]
    joined = graph.add("Concat", columns, (*inner, count), np.int64, axis=len(inner))
    zeros = graph.constant(np.zeros((1,) * len(shape), dtype)).broadcast(shape)
    added = as_wire(graph, x, dtype).broadcast((*inner, *shape[count:]))
    return graph.add("ScatterND", [zeros, joined, added], shape, dtype, reduction="add")


@rule("searchsorted")
def searchsorted(graph: OnnxGraph, node: Operation, a: Any, v: Any) -> Wire:
    """Return how many of the sorted entries are below each number, or not above it."""
    return _count(graph, a, v, is_below=node.params["side"] == "left")


@rule("interval")
def interval(graph: OnnxGraph, node: Operation, x: Any, knots: Any) -> Wire:
    """Return the number of the interval between knots in which each x lies."""
    place = _count(graph, knots, x, is_below=False) - 1
    last = max(len(knots) - 2, 0)
    return graph.apply("Min", graph.apply("Max", place, 0), last)


def _count(graph: OnnxGraph, entries: Any, x: Any, *, is_below: bool) -> Wire:
    """Count sorted entries by halving: a count is right if the last of so many is one of them."""
    if isinstance(entries, Wire):
        raise ExportError("ONNX has no search among numbers that are computed")
    wire, size = as_wire(graph, x), len(entries)
    wire = wire if wire.dtype.kind == "f" else wire.cast(np.float64)
    known = graph.constant(np.asarray(entries, wire.dtype))
    count = graph.constant(np.zeros((1,) * len(wire.shape), np.int64))
    for power in reversed(range(size.bit_length())):
        more = graph.apply("Min", count + 2**power, size)
        last = graph.add("Gather", [known, more - 1], more.shape, wire.dtype, axis=0)
        count = (last < wire if is_below else last <= wire).choose(more, count)
    return is_nan(wire).choose(size, count)
