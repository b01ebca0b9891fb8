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
from ...simplify.doubts import any_of, has_nan, unshown, with_outputs
from ...simplify.loops import doubt_of, is_loop
from ...simplify.rewrites import Build, Rewrite
from ...simplify.simplify import simplify, written_out
from ..unlowerable import Unlowerable
from .einsums import einsum_expansion
from .joining import JOINS
from .overlays import overlay_expansion
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


EXPANSIONS: dict[str, Rewrite] = {
    "stack": _stack,
    "cumsum": _flattened("cumsum"),
    "cumprod": _flattened("cumprod"),
    **dict.fromkeys(("named_product", "named_view"), einsum_expansion("multiply", "matmul")),
    "strong_einsum": einsum_expansion("strong_multiply", "strong_matmul"),
    "matmul": _matmul("multiply"),
    "overlay": overlay_expansion,
    **dict.fromkeys(("class_labels", "required"), lambda args, params, build: args[0]),
    "strong_matmul": _matmul("strong_multiply"),
}
