"""Products of matrices."""

from __future__ import annotations

from typing import Any

from ...core.node import Operation
from ..onnx_graph import OnnxGraph, Wire
from .arithmetic import strong_multiply
from .rule import as_wire, rule


@rule("matmul")
def matmul(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return the product of matrices, stacks of them, or vectors."""
    dtype = node.output.dtype
    x, y = as_wire(graph, x, dtype), as_wire(graph, y, dtype)
    return graph.add("MatMul", [x, y], node.output.shape, dtype)


@rule("strong_matmul")
def strong_matmul(graph: OnnxGraph, node: Operation, x: Any, y: Any) -> Wire:
    """Return the product of matrices whose terms 0·∞ are 0: a sum of products of entries."""
    dtype = node.output.dtype
    x, y = as_wire(graph, x, dtype), as_wire(graph, y, dtype)
    left = x if len(x.shape) > 1 else x.reshaped((1, *x.shape))
    right = y if len(y.shape) > 1 else y.reshaped((*y.shape, 1))
    left = left.reshaped((*left.shape, 1))
    right = right.reshaped((*right.shape[:-2], 1, *right.shape[-2:]))
    terms = strong_multiply(left, right)
    total = terms.reduced("ReduceSum", [len(terms.shape) - 2], keepdims=False)
    return total.reshaped(node.output.shape)
