"""Movements of entries: shapes, axes, parts and windows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.node import Operation
from ...ops.windows import window_counts
from ..onnx_graph import OnnxGraph, Wire
from ..refusal import ExportError
from .rule import as_wire, rule

_END = np.iinfo(np.int64).max


@rule("reshape")
def reshape(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return the entries in another shape."""
    return as_wire(graph, x).reshaped(node.output.shape)


@rule("broadcast_to")
def broadcast_to(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return the entries repeated."""
    return as_wire(graph, x).broadcast(node.output.shape)


@rule("transpose")
def transpose(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return the axes in another order."""
    wire, axes = as_wire(graph, x), node.params.get("axes")
    count = len(wire.shape)
    order = range(count)[::-1] if axes is None else [int(axis) % count for axis in axes]
    return wire.transposed(list(order))


@rule("concatenate")
def concatenate(graph: OnnxGraph, node: Operation, *given: Any) -> Wire:
    """Return arrays one after another."""
    shape, axis = node.output.shape, int(node.params["axis"]) % len(node.output.shape)
    wires = [as_wire(graph, x, node.output.dtype) for x in given]
    return graph.add("Concat", wires, shape, node.output.dtype, axis=axis)


@rule("stack")
def stack(graph: OnnxGraph, node: Operation, *given: Any) -> Wire:
    """Return arrays side by side along a new axis."""
    shape, axis = node.output.shape, int(node.params["axis"]) % len(node.output.shape)
    part = (*shape[:axis], 1, *shape[axis + 1 :])
    wires = [as_wire(graph, x, node.output.dtype).reshaped(part) for x in given]
    return graph.add("Concat", wires, shape, node.output.dtype, axis=axis)


@rule("flip")
def flip(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return the entries in reverse order along axes."""
    wire, axis = as_wire(graph, x), node.params.get("axis")
    count = len(wire.shape)
    axes = range(count) if axis is None else [int(n) % count for n in np.atleast_1d(axis)]
    return sliced(wire, {n: slice(None, None, -1) for n in axes})


def sliced(x: Wire, parts: dict[int, slice]) -> Wire:
    """Return parts along axes. Ends are written so that they hold for any number of rows."""
    shape, starts, ends, steps, axes = list(x.shape), [], [], [], []
    for axis, part in parts.items():
        size = x.shape[axis]
        start, stop, step = part.indices(size)
        if (start, stop, step) == (0, size, 1):
            continue
        shape[axis] = len(range(start, stop, step))
        starts.append(_END if step < 0 and start == size - 1 else start)
        ends.append(-_END if stop < 0 else _END if stop == size else stop)
        steps.append(step)
        axes.append(axis)
    if not axes:
        return x
    given = [x.graph.sizes(numbers) for numbers in (starts, ends, axes, steps)]
    return x.graph.add("Slice", [x, *given], shape, x.dtype)


@rule("pad_with_zeros")
def pad_with_zeros(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return an array with zeros around."""
    return padded(as_wire(graph, x), node.params["pad_width"])


def padded(x: Wire, widths: Sequence[Sequence[int]]) -> Wire:
    """Return an array with so many zeros before and after along each axis."""
    shape = [n + a + b for n, (a, b) in zip(x.shape, widths, strict=True)]
    if x.dtype.kind == "b":
        return padded(x.cast(np.int32), widths).cast(x.dtype)
    before, after = zip(*widths, strict=True) if len(widths) else ((), ())
    return x.graph.add("Pad", [x, x.graph.sizes((*before, *after))], shape, x.dtype)


@rule("windows")
def windows(graph: OnnxGraph, node: Operation, x: Any) -> Wire:
    """Return windows of the last axes: places first, the windows' own axes last."""
    wire, size = as_wire(graph, x), node.params["size"]
    stride, dilation = node.params["stride"], node.params["dilation"]
    behind, outer = len(size), len(wire.shape) - len(size)
    counts = window_counts(wire.shape, size, stride, dilation)
    for n in reversed(range(behind)):  # from the last on: axes before it keep their numbers
        places = np.arange(counts[n])[:, None] * stride[n] + np.arange(size[n]) * dilation[n]
        axis = outer + n
        shape = (*wire.shape[:axis], *places.shape, *wire.shape[axis + 1 :])
        index = graph.constant(places.astype(np.int64))
        wire = graph.add("Gather", [wire, index], shape, wire.dtype, axis=axis)
    pairs = [outer + 2 * n for n in range(behind)]
    return wire.transposed([*range(outer), *pairs, *(place + 1 for place in pairs)])


def moved(graph: OnnxGraph, node: Operation, *operands: Any) -> Wire:
    """Write whatever only moves entries: its own forward function is applied to their numbers.

    Where there are rows, each must be moved as all others are.

    Raises
    ------
    ExportError
        If rows mix, or what is moved depends on numbers.
    """
    name, moves = node.primitive.name, node.primitive.facts.moves
    count = 1 if moves is None else moves.arguments or len(operands)
    rest = operands[count:]
    if any(isinstance(x, Wire) for x in rest):
        raise ExportError(f"ONNX has no {name} by an index that is computed")
    wires = [as_wire(graph, x, node.output.dtype) for x in operands[:count]]
    rows = graph.rows if node.output.shape[:1] == (graph.rows,) else None
    has_rows = rows is not None and all(x.shape[:1] == (rows,) for x in wires)
    inner = [x.shape[1:] if has_rows else x.shape for x in wires]
    sizes = [math.prod(shape) for shape in inner]
    places = _places(node, inner, sizes, rest, has_rows=has_rows)
    lead = (rows,) if has_rows else ()
    parts = [x.reshaped((*lead, size)) for x, size in zip(wires, sizes, strict=True)]
    axis, total = len(lead), sum(sizes)
    flat = parts[0]
    if len(parts) > 1:
        flat = graph.add("Concat", parts, (*lead, total), flat.dtype, axis=axis)
    if (places < 0).any():
        flat = padded(flat, [*[(0, 0)] * axis, (0, 1)])
        places = np.where(places < 0, total, places)
    index = graph.constant(places.ravel().astype(np.int64))
    found = graph.add("Gather", [flat, index], (*lead, places.size), flat.dtype, axis=axis)
    return found.reshaped(node.output.shape)


def _places(
    node: Operation,
    shapes: Sequence[tuple[int, ...]],
    sizes: Sequence[int],
    rest: Sequence[Any],
    *,
    has_rows: bool,
) -> Array:
    """Return the number of the entry that comes to each place of a row, -1 where there is none."""
    rows, total = (2 if has_rows else 1), sum(sizes)
    starts = np.cumsum([1, *sizes[:-1]])
    numbers = [
        (np.arange(rows)[:, None] * total + start + np.arange(size)).reshape(
            (rows, *shape) if has_rows else shape
        )
        for start, size, shape in zip(starts, sizes, shapes, strict=True)
    ]
    params = dict(node.params)
    if has_rows and "shape" in params:
        params["shape"] = (rows, *params["shape"][1:])
    try:
        found = np.asarray(node.primitive.forward(*numbers, *rest, **params))
    except Exception as error:
        raise ExportError(f"ONNX has no {node.primitive.name} here: {error}") from None
    if not has_rows:
        return found - 1
    if len(found) != rows:
        raise ExportError(f"ONNX has no {node.primitive.name} that mixes rows")
    first, second = found - 1
    if not np.array_equal(np.where(first < 0, -1, first + total), second):
        raise ExportError(f"ONNX has no {node.primitive.name} that mixes rows")
    return np.asarray(first)
