"""An expansion replaces an operation by others that loops over arrays can compute.

It also finds what arithmetic alone would get wrong, so that it is done elsewhere: the doubts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ....core import PRIMITIVES, Operand, Params
from ....graph import Graph, Symbol
from ...rewrites import Build, Rewrite
from ...simplify import simplify


def expand(graph: Graph) -> Graph:
    """Return a simplified graph expanded, with one output more: whether its result is in doubt.

    It is where a product of matrices in which 0·∞ must be 0 came out as NaN, or where a label is
    none of the classes.
    """
    doubted = _with_doubt(graph, _CHEAP_DOUBTS, np.array(False))
    expanded = simplify(doubted, expansions=EXPANSIONS)
    *outputs, doubt = expanded.outputs
    return _with_doubt(_with_outputs(expanded, outputs), _DEAR_DOUBTS, doubt)


def _with_doubt(graph: Graph, table: dict[str, Callable[..., Any]], doubt: Any) -> Graph:
    """Return the graph with its doubts as a further output."""
    for node in graph.nodes:
        assert node.primitive is not None
        if (doubts := table.get(node.primitive.name)) is not None:
            args = [
                arg if parent is None else Symbol(arg, parent)
                for arg, parent in zip(node.args, node.parents, strict=True)
            ]
            found = doubts(Symbol(node.output, node), *args)
            if found is not None:
                doubt = found if doubt is None else _call("logical_or", doubt, found)
    return _with_outputs(graph, [*graph.outputs, doubt])


def _with_outputs(graph: Graph, outputs: Sequence[Any]) -> Graph:
    return Graph(graph.inputs, outputs, arguments=graph.arguments, takes=graph.takes)


def _call(name: str, *args: Operand, **params: Any) -> Any:
    return PRIMITIVES[name](*args, **params)


def _is_no_class(loss: Symbol, logits: Operand, labels: Operand) -> Any:
    outside = _call("logical_or", _call("less", labels, 0), _call("greater_equal", labels, logits.shape[-1]))
    return _call("any", outside)


def _has_nan(product: Symbol, *factors: Operand) -> Any:
    return _call("any", _call("isnan", product))


_CHEAP_DOUBTS: dict[str, Callable[..., Any]] = {"softmax_cross_entropy": _is_no_class}
_DEAR_DOUBTS: dict[str, Callable[..., Any]] = {"strong_matmul": _has_nan}


# --- the table --------------------------------------------------------------------------------------


def _softmax(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis = args, params["axis"]
    exponentials = build("exp", build("subtract", x, build("max", x, axis=axis, keepdims=True)))
    total = build("sum", exponentials, axis=axis, keepdims=True)
    return build("multiply", exponentials, build("divide", 1.0, total))


def _shift(x: Operand, axis: Any, build: Build) -> Any:
    """Return the greatest entry, or 0 where subtracting it would give ∞ - ∞."""
    greatest = build("max", x, axis=axis, keepdims=True)
    return build("where", build("isfinite", greatest), greatest, 0.0)


def _logsumexp(args: Sequence[Operand], params: Params, build: Build) -> Any:
    (x,), axis = args, params["axis"]
    shift = _shift(x, axis, build)
    total = build("sum", build("exp", build("subtract", x, shift)), axis=axis, keepdims=True)
    result = build("add", build("log", total), shift)
    return result if params["keepdims"] else _dropped(result, x.ndim, axis, build)


def _dropped(x: Any, ndim: int, axis: Any, build: Build) -> Any:
    axes = range(ndim) if axis is None else np.atleast_1d(axis) % ndim
    shape = tuple(size for a, size in enumerate(x.shape) if a not in axes)
    return build("reshape", x, shape=shape)


def _cross_entropy(args: Sequence[Operand], params: Params, build: Build) -> Any:
    logits, labels = args
    column = build("reshape", labels, shape=(*labels.shape, 1))
    is_it = build("equal", column, np.arange(logits.shape[-1]))
    chosen = build("sum", build("where", is_it, logits, 0.0), axis=-1, keepdims=False)
    total = build("logsumexp", logits, axis=-1, keepdims=False)
    return build("subtract", total, chosen)


def _norm(args: Sequence[Operand], params: Params, build: Build) -> Any:
    """Divide by the greatest entry, so that squares stay in range."""
    (x,), axis = args, params["axis"]
    greatest = build("max", build("absolute", x), axis=axis, keepdims=True)
    plain = build("logical_and", build("isfinite", greatest), build("greater", greatest, 0.0))
    scale = build("where", plain, greatest, 1.0)
    squares = build("square", build("divide", x, scale))
    root = build("sqrt", build("sum", squares, axis=axis, keepdims=True))
    result = build("multiply", root, scale)
    return result if params["keepdims"] else _dropped(result, x.ndim, axis, build)


def _mean(args: Sequence[Operand], params: Params, build: Build) -> Any:
    total = build("sum", args[0], **params)
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


EXPANSIONS: dict[str, Rewrite] = {
    "softmax": _softmax,
    "logsumexp": _logsumexp,
    "softmax_cross_entropy": _cross_entropy,
    "norm": _norm,
    "mean": _mean,
    "sum_to": _sum_to,
    "matmul": _matmul("multiply"),
    "strong_matmul": _matmul("strong_multiply"),
}
