"""An expansion replaces an operation by others that loops over arrays can compute.

The table here is for loops only. Straight-line code has rules of its own for some of these
operations and refuses the others. What both regimes make of an operation is on its card, as
``expand``.

An expanded graph has one more output, which tells whether a result is in doubt: whether arithmetic
alone might have got it wrong, so that NumPy has to compute it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....core.annotations import Described, Params
from ....core.node import Operation
from ....core.registry import PRIMITIVES
from ....core.spec import shape_of
from ....graphs.graph import Graph
from ....graphs.symbol import Symbol
from ....ops.windows import places_of, windows_of
from ...simplify.doubts import any_of, has_nan, unshown, with_outputs
from ...simplify.loops import doubt_of, is_loop
from ...simplify.rewrites import Build, Rewrite, taken_apart
from ...simplify.simplify import simplify, written_out
from ..unlowerable import Unlowerable
from .einsums import einsum_expansion
from .joining import JOINS
from .picking import slot_axes


def expand(graph: Graph, *, parameters: int = 0) -> Graph:
    """Return a simplified graph expanded, with one more output: whether its result is in doubt.

    That is the case if a product in which 0·∞ must be 0 may have come out as NaN, or if a label or
    an index is out of range.

    Parameters
    ----------
    parameters : int
        How many parameters a training step has, see `doubts.shown_next`.

    Raises
    ------
    Unlowerable
        If an array has no entries.
    """
    empty = [node for node in graph.nodes if _is_empty(node)]
    if empty or any(0 in x.shape for x in (*graph.inputs, *graph.outputs)):
        raise Unlowerable("arrays without entries")
    # Some doubts are about operations that the expansion replaces, so they are collected before.
    graph = written_out(graph)
    doubts = _doubts(graph, _EARLY)
    expanded = with_outputs(graph, [*graph.outputs, *doubts])
    names = {node.primitive.name for node in graph.nodes}
    if not graph.is_simple or names & {*EXPANSIONS, "scatter_add"}:
        joins = JOINS if "scatter_add" in names else {}
        expanded = simplify(expanded, expansions={**EXPANSIONS, **joins})
    outputs = expanded.outputs[: len(graph.outputs)]
    found = [*expanded.outputs[len(outputs) :], *_doubts(expanded, _LATER)]
    found += [doubt_of(node) for node in expanded.nodes if is_loop(node)]
    found += map(has_nan, unshown(with_outputs(expanded, outputs), parameters))
    return with_outputs(expanded, [*outputs, any_of(found)])


def _is_empty(node: Operation) -> bool:
    return 0 in node.output.shape or any(0 in np.shape(arg) for arg in node.args)


def _doubts(graph: Graph, names: Sequence[str]) -> list[Any]:
    """Return conditions under which results of the named primitives may be wrong."""
    doubts = []
    for node in graph.nodes:
        if node.primitive.name in names:
            doubts += _DOUBTS[node.primitive.name](node)
    return doubts


def _call(name: str, *args: Described | float, **params: Any) -> Any:
    return PRIMITIVES[name](*args, **params)


def _out_of_range(node: Operation, position: int, low: int, high: int) -> list[Any]:
    """Return the condition that a computed operand has numbers outside of low ≤ n < high."""
    parent = node.parents[position]
    if parent is None:
        return []
    numbers = Symbol(node.args[position], parent)
    outside = _call(
        "logical_or", _call("less", numbers, low), _call("greater_equal", numbers, high)
    )
    return [_call("any", outside)]


def _is_no_label(node: Operation) -> list[Any]:
    return _out_of_range(node, 0, 0, node.params["classes"])


def _is_not_so(node: Operation) -> list[Any]:
    """Return the condition that a requirement of the program does not hold."""
    holds = node.args[1]
    if node.parents[1] is None:
        return [] if np.all(holds) else [np.array(True)]
    return [_call("logical_not", _call("all", Symbol(holds, node.parents[1])))]


def _is_no_entry(node: Operation) -> list[Any]:
    """Return the conditions that index arrays are out of range."""
    params = node.params
    shape = params["shape"] if "shape" in params else node.args[0].shape
    axes = slot_axes(params["key"], len(shape))
    start = len(node.args) - len(axes)
    return [
        doubt
        for position, axis in enumerate(axes, start)
        for doubt in _out_of_range(node, position, -shape[axis], shape[axis])
    ]


_WRITES = ("scatter_add", "put_at")
_DOUBTS: dict[str, Callable[[Operation], list[Any]]] = {
    "class_labels": _is_no_label,
    "required": _is_not_so,
    "index": _is_no_entry,
    **dict.fromkeys(_WRITES, _is_no_entry),
}
_EARLY = ("class_labels", "required")
_LATER = ("index", *_WRITES)


# --- the table ------------------------------------------------------------------------------------


def _matmul(name: str) -> Rewrite:
    """Write a product in which a factor is a vector, or has one row or column, without matrices."""

    def rewrite(args: Sequence[Described], params: Params, build: Build) -> Any:
        x, y = args
        left = x if x.ndim > 1 else build("reshape", x, shape=(1, x.shape[0]))
        right = y if y.ndim > 1 else build("reshape", y, shape=(y.shape[0], 1))
        if min(left.shape[-2], left.shape[-1], right.shape[-1]) > 1:
            return None
        if left.shape[-1] == 1:
            found = build(name, left, right)
        elif right.shape[-1] == 1:
            row = build("reshape", right, shape=(*right.shape[:-2], 1, right.shape[-2]))
            found = build("sum", build(name, left, row), axis=-1, keepdims=True)
        else:
            column = build("reshape", left, shape=(*left.shape[:-2], left.shape[-1], 1))
            found = build("sum", build(name, column, right), axis=-2, keepdims=True)
        kept = [*found.shape[:-2], *found.shape[-2:][x.ndim == 1 : 2 - (y.ndim == 1)]]
        return build("reshape", found, shape=tuple(kept))

    return rewrite


def _stack(args: Sequence[Described], params: Params, build: Build) -> Any:
    shape = shape_of(args[0])
    axis = params["axis"] % (len(shape) + 1)
    columns = [build("reshape", x, shape=(*shape[:axis], 1, *shape[axis:])) for x in args]
    return build("concatenate", *columns, axis=axis)


def _flattened(name: str) -> Rewrite:
    """Write a running sum or product over all axes as one along the axis of the flat array."""

    def rewrite(args: Sequence[Described], params: Params, build: Build) -> Any:
        (x,) = args
        if params["axis"] is not None or x.ndim == 1:
            return None
        return build(name, build("reshape", x, shape=(math.prod(x.shape),)), axis=0)

    return rewrite


# The most positions within a window: each of them becomes operations of its own.
_MOST_OFFSETS = 1024


# The most truth values that say which entries of which windows there are: they are a constant.
_MOST_REACHED = 1 << 18


# The fewest entries that a product must have side by side for its columns to be put in order.
_FEWEST_SIDE_BY_SIDE = 8


def _overlay(args: Sequence[Described], params: Params, build: Build) -> Any:
    """Add up the entries of overlapping windows, one position within the windows at a time."""
    x: Any = args[0]
    size = params["size"]
    if math.prod(size) > _MOST_OFFSETS:
        return None
    # What joins or splits axes before the places is done to the result.
    count, shape = len(params["size"]), tuple(params["shape"])
    moved = taken_apart(x, "reshape")
    is_peeled = moved is not None and moved[0].shape[-2 * count :] == x.shape[-2 * count :]
    inner: Any = moved[0] if moved is not None and is_peeled else x
    inner_shape = (*inner.shape[: -2 * count], *shape[len(shape) - count :])
    inner_params = {**params, "shape": inner_shape}
    for way in (_overlay_of_product, _overlay_by_gathering):
        total = way(inner, inner_params, build)
        if total is not None:
            return build("reshape", total, shape=shape) if is_peeled else total
    return _overlaid(x, params, build)


def _overlaid(x: Any, params: Params, build: Build, *, behind: int = 0) -> Any:
    """Add up windows whose own axes are the first; the places have so many axes behind them."""
    size, rest = params["size"], (slice(None),) * behind
    total: Any = None
    for offset in np.ndindex(*size):
        if behind:
            part = build("index", x, key=(*offset, Ellipsis))
        else:
            part = _entry_of_windows(x, offset, build)
        counts = part.shape[: len(part.shape) - behind]
        places = places_of((*counts, *size), offset, params["stride"], params["dilation"])
        placed = build("scatter_add", part, key=(*places, *rest), shape=params["shape"])
        total = placed if total is None else build("add", total, placed)
    return total


def _entry_of_windows(x: Any, offset: tuple[int, ...], build: Build) -> Any:
    """Return one entry of all windows, whose own axes are the last.

    Where windows are a product, entry by entry, only what is taken is multiplied: in the gradient
    of a convolution of single channels of cotangents, which have no kernel's axes, and weights,
    which have no others.
    """
    count = len(offset)
    for name in ("multiply", "strong_multiply"):
        factors = taken_apart(x, name)
        if factors is not None and all(len(each.shape) >= count for each in factors):
            return build(name, *(_entry_of_windows(each, offset, build) for each in factors))
    moved = taken_apart(x, "reshape")
    if moved is not None and tuple(moved[0].shape[-count:]) == tuple(x.shape[-count:]):
        found = _entry_of_windows(moved[0], offset, build)
        return build("reshape", found, shape=tuple(x.shape[:-count]))
    kernel = x.shape[len(x.shape) - count :]
    place = (0 if size == 1 else at for size, at in zip(kernel, offset, strict=True))
    return build("index", x, key=(Ellipsis, *place))


def _overlay_by_gathering(x: Any, params: Params, build: Build) -> Any:
    """Overlay windows of which each is one number times a kernel that all of them share.

    So is the gradient of a convolution of single channels. Each entry of the result is then the sum
    of the numbers whose windows reach it, times the kernel from its end. Beyond the first and the
    last window there is no number, and nothing is added, whatever the kernel has there.
    """
    size, dilation, count = params["size"], params["dilation"], len(params["size"])
    factors = _as_kernels(x, count, build)
    if factors is None:
        return None
    name, numbers, kernel = factors
    # Zeros are put between the numbers, as far apart as their windows are, and around all of them.
    spans = [(k - 1) * d for k, d in zip(size, dilation, strict=True)]
    counts = x.shape[len(x.shape) - 2 * count : len(x.shape) - count]
    within = tuple(
        slice(span, span + (n - 1) * step + 1, step)
        for span, n, step in zip(spans, counts, params["stride"], strict=True)
    )
    whole = tuple(n + span for n, span in zip(params["shape"][-count:], spans, strict=True))
    if math.prod(whole) * math.prod(size) > _MOST_REACHED:
        return None
    shape = (*numbers.shape[: len(numbers.shape) - count], *whole)
    padded = build("scatter_add", numbers, key=(Ellipsis, *within), shape=shape)
    frame = {"size": size, "stride": (1,) * count, "dilation": dilation}
    there = np.zeros(whole, bool)
    there[within] = True
    from_end = build("index", kernel, key=(Ellipsis, *[slice(None, None, -1)] * count))
    rank = len(x.shape)
    kernels = build("reshape", from_end, shape=(1,) * (rank - len(kernel.shape)) + kernel.shape)
    # The kernel's axes come first, so that what is known of neighbouring places lies side by side.
    order = (*range(rank - count, rank), *range(rank - count))
    windows = build("windows", padded, **frame)
    product = build(name, *(build("transpose", each, axes=order) for each in (windows, kernels)))
    reached = windows_of(there.reshape((1,) * (rank - 2 * count) + whole), **frame)
    found = build("where", reached.transpose(order), product, np.zeros((), x.dtype))
    return build("sum", found, axis=tuple(range(count)))


def _as_kernels(x: Any, count: int, build: Build) -> tuple[str, Any, Any] | None:
    """Return (name, numbers, kernel) of windows that are products of them, entry by entry."""
    ones = (1,) * count
    for name in ("multiply", "strong_multiply"):
        factors = taken_apart(x, name) or []
        if any(len(each.shape) < count for each in factors):
            continue
        for numbers, kernel in (factors, factors[::-1]) if factors else ():
            places = tuple(kernel.shape[: len(kernel.shape) - count])[-count:]
            is_kernel = set(places) <= {1} and len(numbers.shape) == len(x.shape)
            if is_kernel and tuple(numbers.shape[-count:]) == ones:
                return name, build("index", numbers, key=(Ellipsis, *[0] * count)), kernel
    return None


def _overlay_of_product(x: Any, params: Params, build: Build) -> Any:
    """Overlay windows that are the rows of a product, as the gradient of a convolution is.

    The entries of neighbouring channels are then as far apart as a window is large, and would be
    read one by one. The columns of the right factor, which is small, are put in such an order that
    they lie side by side. With groups of channels it is a stack of products.
    """
    count = len(params["size"])
    found = _as_product(x)
    if found is None:
        return None
    name, left, right, shape, axes = found
    stack = len(left.shape) - 2
    if shape[:stack] != tuple(left.shape[:stack]):
        return None
    rows = stack
    while math.prod(shape[stack:rows]) != left.shape[-2]:
        rows += 1
        if rows > len(shape):
            return None
    places, kernel = axes[: len(axes) - count], axes[len(axes) - count :]
    channels = [axis for axis in range(rows, len(shape)) if axis not in kernel]
    side_by_side = math.prod(shape[axis] for axis in channels)
    if min(kernel) < rows or side_by_side < _FEWEST_SIDE_BY_SIDE:
        return None
    if any(axis in channels for axis in places[len(places) - count :]):
        return None
    order = (*kernel, *channels)
    # The columns follow the stack and the depth.
    whole = build("reshape", right, shape=(*right.shape[:-1], *shape[rows:]))
    behind = (axis - rows + stack + 1 for axis in order)
    whole = build("transpose", whole, axes=(*range(stack + 1), *behind))
    product = build(name, left, build("reshape", whole, shape=right.shape))
    now = (*range(rows), *order)  # which of the old axes each axis is
    product = build("reshape", product, shape=tuple(shape[axis] for axis in now))
    # First the kernel, then what leads, then the places, and last the channels.
    leading = [axis for axis in places[: len(places) - count] if axis not in channels]
    sorted_axes = (*kernel, *leading, *places[len(places) - count :], *channels)
    windows = build("transpose", product, axes=tuple(now.index(axis) for axis in sorted_axes))
    sizes = dict(zip(places, params["shape"], strict=True))
    kept = sorted_axes[count:]
    inner = {**params, "shape": tuple(sizes[axis] for axis in kept)}
    total = _overlaid(windows, inner, build, behind=len(channels))
    return build("transpose", total, axes=tuple(kept.index(axis) for axis in places))


def _as_product(x: Any) -> tuple[str, Any, Any, tuple[int, ...], tuple[int, ...]] | None:
    """Return (name, left, right, shape, axes) of a product of matrices that is only moved.

    It is reshaped and then transposed. Both factors may be stacks of matrices.
    """
    axes: tuple[int, ...] = tuple(range(len(x.shape)))
    if (moved := taken_apart(x, "transpose")) is not None:
        axes, x = tuple(axis % len(axes) for axis in x.node.params["axes"]), moved[0]
    shape = tuple(x.shape)
    if (moved := taken_apart(x, "reshape")) is not None:
        x = moved[0]
    for name in ("matmul", "strong_matmul"):
        factors = taken_apart(x, name)
        if factors is not None and _are_alike(*factors):
            return name, *factors, shape, axes
    return None


def _are_alike(left: Any, right: Any) -> bool:
    """Return whether two factors are matrices, or stacks of as many matrices."""
    sizes = len(left.shape), len(right.shape)
    return sizes in ((2, 2), (3, 3)) and left.shape[:-2] == right.shape[:-2]


EXPANSIONS: dict[str, Rewrite] = {
    "stack": _stack,
    "cumsum": _flattened("cumsum"),
    "cumprod": _flattened("cumprod"),
    **dict.fromkeys(("named_product", "named_view"), einsum_expansion("multiply", "matmul")),
    "strong_einsum": einsum_expansion("strong_multiply", "strong_matmul"),
    "matmul": _matmul("multiply"),
    "overlay": _overlay,
    **dict.fromkeys(("class_labels", "required"), lambda args, params, build: args[0]),
    "strong_matmul": _matmul("strong_multiply"),
}
