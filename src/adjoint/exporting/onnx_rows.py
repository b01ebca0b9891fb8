"""Nodes for any number of rows, from two passes that were written for two numbers of them.

Where a constant is 101 k in the one and 103 k in the other it is k times the number of rows, which
is computed from the shape of an input.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array
from .any_rows import FIRST, SECOND
from .onnx_graph import OnnxGraph, OnnxNode
from .refusal import ExportError

_MIXED = (
    "ONNX: what it computes depends on the number of rows; export a compiled function of so many "
    "rows as you have"
)


def for_any_rows(first: OnnxGraph, second: OnnxGraph, source: str) -> None:
    """Make the nodes and constants of a first pass hold for any number of rows.

    Parameters
    ----------
    first, second : OnnxGraph
    source : str
        An input whose first axis is that of the rows.

    Raises
    ------
    ExportError
        If the passes differ in anything but the number of rows.
    """
    same = first.nodes == second.nodes
    if not same or list(first.constants) != list(second.constants):
        raise ExportError(_MIXED)
    readers: dict[str, list[OnnxNode]] = {}
    for node in first.nodes:
        for name in node.inputs:
            readers.setdefault(name, []).append(node)
    before: list[OnnxNode] = []
    for name, array in list(first.constants.items()):
        other = second.constants[name]
        if _is_same(array, other):
            continue
        used = readers.get(name, [])
        is_target = all(n.operator == "Reshape" and n.inputs[1] == name for n in used)
        if is_target and np.sum(array != other) == 1 and (array != 0).all():
            first.constants[name] = np.where(array == other, array, -1)
        else:
            before += _Counted(first, source).constant(name, array, other)
            del first.constants[name]
    first.nodes[:0] = before


def _is_same(a: Array, b: Array) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))


def multiple(a: Any, b: Any) -> int | None:
    """Return how many times the number of rows a number is; None if it is none such."""
    k = int(a) // FIRST if np.isfinite(a) else 0
    return k if k > 0 and (a, b) == (k * FIRST, k * SECOND) else None


class _Counted:
    """Writes constants that depend on the number of rows.

    Parameters
    ----------
    graph : OnnxGraph
    source : str
        The input that has the rows.
    """

    def __init__(self, graph: OnnxGraph, source: str) -> None:
        self.graph, self.source = graph, source
        self.nodes: list[OnnxNode] = []

    def constant(self, name: str, a: Array, b: Array) -> list[OnnxNode]:
        """Return nodes that compute a constant under its name."""
        if a.shape == b.shape and a.ndim < 2 and a.dtype.kind in "if":
            self._numbers(name, a, b)
        elif a.ndim == b.ndim and a.size and (a == a.flat[0]).all() and (b == a.flat[0]).all():
            shape = self._numbers("", np.array(a.shape), np.array(b.shape))
            filler = self.graph.constant(a.reshape(-1)[:1].reshape((1,) * a.ndim)).name
            self._node("Expand", [filler, shape], name)
        else:
            raise ExportError(_MIXED)
        return self.nodes

    def _numbers(self, name: str, a: Array, b: Array) -> str:
        """Write numbers of which some are multiples of the number of rows."""
        factors = [
            0 if p == q else multiple(p, q)
            for p, q in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        ]
        if None in factors:
            raise ExportError(_MIXED)
        rows = self._node("Shape", [self.source], "", start=0, end=1)
        steps = self.graph.constant(np.array(factors, np.int64)).name
        grown = self._node("Mul", [rows, steps], "")
        rest = np.where(np.array(factors, bool).reshape(a.shape), 0, a)
        typed = self._node("Cast", [grown], "", to=a.dtype)
        still = self.graph.constant(rest.reshape(-1).astype(a.dtype)).name
        if a.ndim:
            return self._node("Add", [typed, still], name)
        total = self._node("Add", [typed, still], "")
        return self._node("Squeeze", [total], name)

    def _node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        name = self.graph.name(f"rows/{operator}")
        self.nodes.append(OnnxNode(name, operator, inputs, [output or name], attributes))
        return self.nodes[-1].outputs[0]
