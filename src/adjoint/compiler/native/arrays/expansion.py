"""An expansion replaces an operation by others that loops over arrays can compute.

It also finds what arithmetic alone would get wrong, so that it is done elsewhere: the doubts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....core import PRIMITIVES, Operand, Operation, Params
from ....graph import Graph, Symbol
from ....ops.indexing import SLOT
from ....ops.windows import places_of
from ...doubts import any_of, has_nan, unshown, with_outputs
from ...rewrites import Build, Rewrite
from ...simplify import simplify
from ..nest import Unlowerable
from .einsums import einsum_expansion
from .picking import slot_axes


def expand(graph: Graph, *, parameters: int = 0) -> Graph:
    """Return a simplified graph expanded, with one output more: whether its result is in doubt.

    It is where a product in which 0·∞ must be 0 may have come out as NaN, or where a label or an
    index is out of range.

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
    doubts = _doubts(graph, _EARLY)
    doubted = with_outputs(graph, [*graph.outputs, *doubts])
    expanded = simplify(doubted, expansions=EXPANSIONS)
    outputs = expanded.outputs[: len(graph.outputs)]
    found = [*expanded.outputs[len(outputs) :], *_doubts(expanded, _LATER)]
    found += map(has_nan, unshown(with_outputs(expanded, outputs), parameters))
    return with_outputs(expanded, [*outputs, any_of(found)])


def _is_empty(node: Operation) -> bool:
    return 0 in node.output.shape or any(0 in np.shape(arg) for arg in node.args)


def _doubts(graph: Graph, names: Sequence[str]) -> list[Any]:
    """Return what may be wrong with the results of some primitives."""
    doubts = []
    for node in graph.nodes:
        if node.primitive.name in names:
            doubts += _DOUBTS[node.primitive.name](node)
    return doubts


def _call(name: str, *args: Operand, **params: Any) -> Any:
    return PRIMITIVES[name](*args, **params)


def _out_of_range(node: Operation, position: int, low: int, high: int) -> list[Any]:
    """Return whether a computed operand is below a number, or not below another."""
    parent = node.parents[position]
    if parent is None:
        return []
    numbers = Symbol(node.args[position], parent)
    outside = _call(
        "logical_or", _call("less", numbers, low), _call("greater_equal", numbers, high)
    )
    return [_call("any", outside)]


def _is_no_class(node: Operation) -> list[Any]:
    return _out_of_range(node, 1, 0, node.args[0].shape[-1])


def _is_no_label(node: Operation) -> list[Any]:
    return _out_of_range(node, 0, 0, node.params["classes"])


def _is_not_so(node: Operation) -> list[Any]:
    """Return whether something that is required of numbers does not hold."""
    holds = node.args[1]
    if node.parents[1] is None:
        return [] if np.all(holds) else [np.array(True)]
    return [_call("logical_not", _call("all", Symbol(holds, node.parents[1])))]


def _is_no_entry(node: Operation) -> list[Any]:
    """Return whether index arrays name entries that there are not."""
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
    "softmax_cross_entropy": _is_no_class,
    "class_labels": _is_no_label,
    "required": _is_not_so,
    "index": _is_no_entry,
    **dict.fromkeys(_WRITES, _is_no_entry),
}
_EARLY = ("softmax_cross_entropy", "class_labels", "required")
_LATER = ("index", *_WRITES)


# --- the table ------------------------------------------------------------------------------------


def _softmax(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis = args, params["axis"]
    exponentials = build("exp", build("subtract", x, build("max", x, axis=axis, keepdims=True)))
    total = build("sum", exponentials, axis=axis, keepdims=True)
    return build("multiply", exponentials, build("divide", 1.0, total))


def _shift(x: Operand, axis: Any, build: Build) -> Any:
    """Return the greatest entry, or 0 where subtracting it would give ∞ - ∞."""
    greatest = build("max", x, axis=axis, keepdims=True)
    return build("where", build("isfinite", greatest), greatest, 0.0)


def _less_greatest(x: Operand, axis: Any, build: Build) -> tuple[Any, Any, Any]:
    """Return x less its greatest entry, log Σ e to the power of that, and the entry."""
    shift = _shift(x, axis, build)
    shifted = build("subtract", x, shift)
    total = build("sum", build("exp", shifted), axis=axis, keepdims=True)
    return shifted, build("log", total), shift


def _logsumexp(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis = args, params["axis"]
    _, total, shift = _less_greatest(x, axis, build)
    result = build("add", total, shift)
    return result if params["keepdims"] else _dropped(result, x.ndim, axis, build)


def _log_softmax(args: Sequence[Operand], params: Params, build: Build) -> Any:
    shifted, total, _ = _less_greatest(args[0], params["axis"], build)
    return build("subtract", shifted, total)


def _dropped(x: Any, ndim: int, axis: Any, build: Build) -> Any:
    axes = range(ndim) if axis is None else np.atleast_1d(axis) % ndim
    shape = tuple(size for a, size in enumerate(x.shape) if a not in axes)
    return build("reshape", x, shape=shape)


def _cross_entropy(args: Sequence[Operand], params: Params, build: Build) -> Any:
    logits, labels = args
    column = build("reshape", labels, shape=(*labels.shape, 1))
    is_it = build("equal", column, np.arange(logits.shape[-1]))
    shifted, total, _ = _less_greatest(logits, -1, build)
    chosen = build("sum", build("where", is_it, shifted, 0.0), axis=-1, keepdims=True)
    return _dropped(build("subtract", total, chosen), logits.ndim, -1, build)


def _usual(x: Operand, build: Build) -> Any:
    """Return x, or 1 where it is 0 or infinite."""
    plain = build("logical_and", build("isfinite", x), build("greater", x, 0.0))
    return build("where", plain, x, 1.0)


def _scaled(x: Operand, axis: Any, build: Build) -> tuple[Any, Any, Any]:
    """Return x over its greatest entry, for squares in range, the length, and that entry."""
    scale = _usual(build("max", build("absolute", x), axis=axis, keepdims=True), build)
    scaled = build("divide", x, scale)
    squares = build("sum", build("square", scaled), axis=axis, keepdims=True)
    return scaled, build("sqrt", squares), scale


def _power_norm(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis, order = args, params["axis"], params["order"]
    sizes = build("absolute", x)
    extreme = "max" if order > 0 else "min"
    scale = _usual(build(extreme, sizes, axis=axis, keepdims=True), build)
    powers = build("power", build("divide", sizes, scale), order)
    total = build("power", build("sum", powers, axis=axis, keepdims=True), 1 / order)
    result = build("multiply", total, scale)
    return result if params["keepdims"] else _dropped(result, x.ndim, axis, build)


def _norm(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis = args, params["axis"]
    _, length, scale = _scaled(x, axis, build)
    result = build("multiply", length, scale)
    return result if params["keepdims"] else _dropped(result, x.ndim, axis, build)


def _unit_vector(args: Sequence[Operand], params: Params, build: Build) -> Any:
    scaled, length, _ = _scaled(args[0], params["axis"], build)
    special = build("logical_or", build("equal", length, 0.0), build("equal", length, np.inf))
    limit = build(
        "where", build("equal", build("absolute", scaled), length), build("sign", scaled), 0.0
    )
    return build("where", special, limit, build("divide", scaled, length))


def _mean(args: Sequence[Operand], params: Params, build: Build) -> Any:
    x = args[0]
    # A sum of integers may be out of their range.
    x = x if x.dtype.kind == "f" else build("astype", x, dtype="float64")
    total = build("sum", x, **params)
    count = math.prod(args[0].shape) // max(1, math.prod(total.shape))
    return build("divide", total, float(count))


def _sum_to(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), shape = args, params["shape"]
    extra = x.ndim - len(shape)
    stretched = [extra + a for a, n in enumerate(shape) if n == 1 != x.shape[extra + a]]
    total = build("sum", x, axis=(*range(extra), *stretched), keepdims=False)
    return build("reshape", total, shape=shape)


def _matmul(name: str) -> Rewrite:
    """Write a product that is none of matrices as a sum, or without one."""

    def rewrite(args: Sequence[Operand], params: Params, build: Build) -> Any:
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


def _stack(args: Sequence[Operand], params: Params, build: Build) -> Any:
    axis = params["axis"] % (np.ndim(args[0]) + 1)
    shape = np.shape(args[0])
    columns = [build("reshape", x, shape=(*shape[:axis], 1, *shape[axis:])) for x in args]
    return build("concatenate", *columns, axis=axis)


def _flattened(name: str) -> Rewrite:
    """Write what runs over all axes along one."""

    def rewrite(args: Sequence[Operand], params: Params, build: Build) -> Any:
        (x,) = args
        if params["axis"] is not None or x.ndim == 1:
            return None
        return build(name, build("reshape", x, shape=(math.prod(x.shape),)), axis=0)

    return rewrite


def _diagflat(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), k = args, params["k"]
    count = math.prod(x.shape)
    rows = np.arange(count) + max(-k, 0)
    size = count + abs(k)
    flat = build("reshape", x, shape=(count,))
    return build("scatter_add", flat, rows, rows + k, key=(SLOT, SLOT), shape=(size, size))


def _isclose(args: Sequence[Operand], params: Params, build: Build) -> Any:
    x, y = args
    gap = build("absolute", build("subtract", x, y))
    bound = build("add", build("multiply", build("absolute", y), params["rtol"]), params["atol"])
    near = build("logical_and", build("less_equal", gap, bound), build("isfinite", y))
    close = build("logical_or", near, build("equal", x, y))
    if not params["equal_nan"]:
        return close
    both = build("logical_and", build("isnan", x), build("isnan", y))
    return build("logical_or", close, both)


def _convolution(product: str) -> Rewrite:
    """Write a convolution as sums of products with a window that moves along."""

    def rewrite(args: Sequence[Operand], params: Params, build: Build) -> Any:
        long, short = sorted(args, key=lambda x: -x.shape[0])
        size, width = long.shape[0], short.shape[0]
        is_full = params["mode"] == "full"
        first, count = (1 - width, size + width - 1) if is_full else (0, size - width + 1)
        places = first + np.arange(count)[:, None] + np.arange(width)[::-1]
        windows = build("index", long, places.clip(0, size - 1), key=(SLOT,))
        products = build(product, windows, short)
        if is_full:
            # Beyond the ends there is no product, not even 0 times an infinite number.
            products = build("where", (places >= 0) & (places < size), products, 0.0)
        return build("sum", products, axis=1, keepdims=False)

    return rewrite


def _count(args: Sequence[Operand], params: Params, build: Build) -> Any:
    return build("sum", build("astype", build("not_equal", args[0], 0), dtype="int64"), **params)


# Each becomes operations of its own.
_MOST_OFFSETS = 1024


def _overlay(args: Sequence[Operand], params: Params, build: Build) -> Any:
    """Add up the windows' entries, those of one place in all windows at a time."""
    x, size = args[0], params["size"]
    if math.prod(size) > _MOST_OFFSETS:
        return None
    total: Any = None
    for offset in np.ndindex(*size):
        part = build("index", x, key=(Ellipsis, *offset))
        key = places_of(x.shape, offset, params["stride"], params["dilation"])
        placed = build("scatter_add", part, key=key, shape=params["shape"])
        total = placed if total is None else build("add", total, placed)
    return total


EXPANSIONS: dict[str, Rewrite] = {
    "softmax": _softmax,
    "log_softmax": _log_softmax,
    "logsumexp": _logsumexp,
    "softmax_cross_entropy": _cross_entropy,
    "norm": _norm,
    "unit_vector": _unit_vector,
    "power_norm": _power_norm,
    "mean": _mean,
    "sum_to": _sum_to,
    "stack": _stack,
    "cumsum": _flattened("cumsum"),
    "cumprod": _flattened("cumprod"),
    "diagflat": _diagflat,
    **dict.fromkeys(("named_product", "named_view"), einsum_expansion("multiply", "matmul")),
    "strong_einsum": einsum_expansion("strong_multiply", "strong_matmul"),
    "count_nonzero": _count,
    "isclose": _isclose,
    "convolution": _convolution("multiply"),
    "strong_convolution": _convolution("strong_multiply"),
    "matmul": _matmul("multiply"),
    "overlay": _overlay,
    **dict.fromkeys(("class_labels", "required"), lambda args, params, build: args[0]),
    "strong_matmul": _matmul("strong_multiply"),
}
