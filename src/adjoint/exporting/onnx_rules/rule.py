"""A rule writes one operation as nodes of ONNX.

It is called as ``rule(graph, node, *operands)``: operands are wires, or the constants of the node,
arrays and Python's numbers, as they are. Those of an elementwise rule are wires of one dtype.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import numpy as np

from ...core.kinds import dtype_of
from ...core.node import Operation
from ..onnx_graph import OnnxGraph, Wire
from ..refusal import ExportError

Rule = Callable[..., Wire]
RULES: dict[str, Rule] = {}


def rule(*names: str) -> Callable[[Rule], Rule]:
    """Register a function as the rule of primitives."""

    def register(function: Rule) -> Rule:
        RULES.update(dict.fromkeys(names, function))
        return function

    return register


def elementwise(*names: str) -> Callable[[Rule], Rule]:
    """Register a function of wires: operands come in the dtype that NumPy computes in."""

    def register(function: Rule) -> Rule:
        @wraps(function)
        def of_node(graph: OnnxGraph, node: Operation, *operands: Any) -> Wire:
            dtype = computed_in(node)
            return function(*(as_wire(graph, x, dtype) for x in operands if x is not None))

        RULES.update(dict.fromkeys(names, of_node))
        return function

    return register


def computed_in(node: Operation) -> np.dtype[Any]:
    """Return the dtype that operands are converted to: that of the result, unless it is a truth."""
    out: np.dtype[Any] = node.output.dtype
    return out if out.kind != "b" else dtype_of(*(x for x in node.args if x is not None))


def as_wire(graph: OnnxGraph, operand: Any, dtype: Any = None) -> Wire:
    """Return an operand as a wire, of a dtype if one is given."""
    if not isinstance(operand, Wire):
        array = np.asarray(operand)
        return graph.constant(array if dtype is None else array.astype(dtype))
    return operand if dtype is None else operand.cast(dtype)


def is_nan(x: Wire) -> Wire:
    """Return where a number is NaN."""
    return x.graph.add("IsNaN", [x], x.shape, np.bool_)


def is_negative(x: Wire) -> Wire:
    """Return where a float is below 0, or -0."""
    return (x < 0) | (x.equals(0) & ((1 / x) < 0))


def only_in_float32(x: Wire, operator: str) -> Wire:
    """Write an operator that onnxruntime has for float32 alone.

    Raises
    ------
    ExportError
        If the number is of another dtype.
    """
    if x.dtype != np.float32:
        raise ExportError(
            f"ONNX: onnxruntime computes {operator} in float32 only; export the model with "
            'dtype="float32"'
        )
    return x.graph.apply(operator, x)
