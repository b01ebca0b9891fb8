"""A graph of ONNX while it grows: its wires, its nodes and its constants.

A rule writes nodes with the arithmetic of wires, as in ``x * y + 1.0``. Nothing here needs the
package `onnx`: `onnx_model` makes its messages of this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..core.annotations import Array, DType, Shape
from .refusal import ExportError


@dataclass
class OnnxNode:
    """A node: the name of the operator, and the wires that it reads and writes."""

    name: str
    operator: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any] = field(default_factory=dict)
    domain: str = ""


@dataclass(frozen=True, eq=False)
class Wire:
    """A value of the graph. Arithmetic with wires, arrays and numbers writes a node each.

    Attributes
    ----------
    graph : OnnxGraph
    name : str
    shape : tuple of int
    dtype : dtype
        `object` for texts.
    """

    graph: OnnxGraph
    name: str
    shape: Shape
    dtype: DType

    def __add__(self, other: Any) -> Wire:
        return self.graph.apply("Add", self, other)

    def __radd__(self, other: Any) -> Wire:
        return self.graph.apply("Add", other, self)

    def __sub__(self, other: Any) -> Wire:
        return self.graph.apply("Sub", self, other)

    def __rsub__(self, other: Any) -> Wire:
        return self.graph.apply("Sub", other, self)

    def __mul__(self, other: Any) -> Wire:
        return self.graph.apply("Mul", self, other)

    def __rmul__(self, other: Any) -> Wire:
        return self.graph.apply("Mul", other, self)

    def __truediv__(self, other: Any) -> Wire:
        return self.graph.apply("Div", self, other)

    def __rtruediv__(self, other: Any) -> Wire:
        return self.graph.apply("Div", other, self)

    def __neg__(self) -> Wire:
        return self.graph.apply("Neg", self)

    def __abs__(self) -> Wire:
        return self.graph.apply("Abs", self)

    def __invert__(self) -> Wire:
        return self.graph.apply("Not", self)

    def __and__(self, other: Wire) -> Wire:
        return self.graph.apply("And", self, other)

    def __or__(self, other: Wire) -> Wire:
        return self.graph.apply("Or", self, other)

    def __lt__(self, other: Any) -> Wire:
        return self.graph.apply("Less", self, other)

    def __le__(self, other: Any) -> Wire:
        return self.graph.apply("LessOrEqual", self, other)

    def __gt__(self, other: Any) -> Wire:
        return self.graph.apply("Greater", self, other)

    def __ge__(self, other: Any) -> Wire:
        return self.graph.apply("GreaterOrEqual", self, other)

    def equals(self, other: Any) -> Wire:
        """Return where the entries are equal; ``==`` would be that of Python's objects."""
        return self.graph.apply("Equal", self, other)

    def choose(self, x: Any, y: Any) -> Wire:
        """Return x where this is true, and y elsewhere; what may be -0 is y.

        The Where of onnxruntime makes 0 of it in x.
        """
        ours, others = self.graph.wires(x, y)
        if ours.dtype.kind == "b":  # of which onnxruntime chooses none
            return (self & ours) | (~self & others)
        shape = np.broadcast_shapes(self.shape, ours.shape, others.shape)
        return self.graph.add("Where", [self, ours, others], shape, ours.dtype)

    def cast(self, dtype: Any) -> Wire:
        """Return the entries as those of another dtype."""
        dtype = np.dtype(dtype)
        if dtype == self.dtype:
            return self
        return self.graph.add("Cast", [self], self.shape, dtype, to=dtype)

    def reshaped(self, shape: Sequence[int]) -> Wire:
        """Return the entries in their order, in another shape."""
        shape = tuple(map(int, shape))
        if shape == self.shape:
            return self
        return self.graph.add("Reshape", [self, self.graph.sizes(shape)], shape, self.dtype)

    def broadcast(self, shape: Sequence[int]) -> Wire:
        """Return the entries repeated to another shape."""
        shape = tuple(map(int, shape))
        if shape == self.shape:
            return self
        return self.graph.add("Expand", [self, self.graph.sizes(shape)], shape, self.dtype)

    def transposed(self, axes: Sequence[int]) -> Wire:
        """Return the axes in another order."""
        axes = [int(axis) for axis in axes]
        if axes == list(range(len(axes))):
            return self
        shape = tuple(self.shape[axis] for axis in axes)
        return self.graph.add("Transpose", [self], shape, self.dtype, perm=axes)

    def reduced(self, operator: str, axes: Sequence[int], *, keepdims: bool = True) -> Wire:
        """Return a reduction, as ReduceSum is one."""
        kept = [1 if n in axes else size for n, size in enumerate(self.shape)]
        shape = kept if keepdims else [s for n, s in enumerate(self.shape) if n not in axes]
        if not axes:
            return self
        given = self.graph.constant(np.array(sorted(axes), np.int64))
        return self.graph.add(
            operator, [self, given], tuple(shape), self.dtype, keepdims=int(keepdims)
        )


_TRUTHS = ("Less", "LessOrEqual", "Greater", "GreaterOrEqual", "Equal")


class OnnxGraph:
    """A graph of ONNX, which grows node by node.

    Parameters
    ----------
    rows : int or None
        How many rows there are in this pass; None where there is no axis of rows.

    Attributes
    ----------
    nodes : list of OnnxNode
    constants : dict of str to array
        The initialisers.
    place : str
        What the names of the next nodes begin with: the path of a module.
    """

    def __init__(self, rows: int | None) -> None:
        self.rows = rows
        self.nodes: list[OnnxNode] = []
        self.constants: dict[str, Array] = {}
        self.place = ""
        self._taken: dict[str, int] = {}

    def name(self, text: str) -> str:
        """Return a name like a text that nothing else has."""
        count = self._taken.get(text, 0)
        self._taken[text] = count + 1
        return text if not count else self.name(f"{text}_{count + 1}")

    def input(self, text: str, shape: Shape, dtype: Any) -> Wire:
        """Return an input of a name that must be free."""
        if not text:
            raise ExportError("ONNX has no input without a name; give the column one")
        if self._taken.get(text):
            raise ExportError(f"ONNX: two inputs are called {text!r}; their names must differ")
        return Wire(self, self.name(text), tuple(shape), np.dtype(dtype))

    def constant(self, array: Any, text: str = "") -> Wire:
        """Return an initialiser, called as a text or by the place where it is read."""
        array = np.asarray(array)
        if array.dtype.kind in "US":
            array = array.astype(object)
        name = self.name(text or self._placed("constant"))
        self.constants[name] = array
        return Wire(self, name, array.shape, array.dtype)

    def sizes(self, shape: Sequence[int]) -> Wire:
        """Return a shape as a constant."""
        return self.constant(np.array(shape, np.int64).reshape(-1))

    def wires(self, *given: Any) -> list[Wire]:
        """Return operands as wires; numbers take on the dtype of the first wire or array."""
        typed = [x.dtype for x in given if isinstance(x, (Wire, np.ndarray, np.generic))]
        dtype = typed[0] if typed else np.dtype(np.float64)
        return [
            x
            if isinstance(x, Wire)
            else self.constant(x if isinstance(x, (np.ndarray, np.generic)) else dtype.type(x))
            for x in given
        ]

    def apply(self, operator: str, *given: Any, **attributes: Any) -> Wire:
        """Write an elementwise node: the result's shape is that of the operands, broadcast."""
        wires = self.wires(*given)
        shape = np.broadcast_shapes(*(x.shape for x in wires))
        dtype = np.dtype(np.bool_) if operator in _TRUTHS else wires[0].dtype
        return self.add(operator, wires, shape, dtype, **attributes)

    def add(
        self,
        operator: str,
        wires: Sequence[Wire],
        shape: Sequence[int],
        dtype: Any,
        *,
        domain: str = "",
        **attributes: Any,
    ) -> Wire:
        """Write a node and return its result."""
        name = self.name(self._placed(operator))
        found = Wire(self, name, tuple(shape), np.dtype(dtype))
        inputs = [x.name for x in wires]
        self.nodes.append(OnnxNode(name, operator, inputs, [name], attributes, domain))
        return found

    def named(self, x: Wire, text: str) -> Wire:
        """Return a value under a name of its own, as results have one."""
        self.place = ""
        node = OnnxNode(self.name(f"{text}/Identity"), "Identity", [x.name], [self.name(text)])
        self.nodes.append(node)
        return Wire(self, node.outputs[0], x.shape, x.dtype)

    def _placed(self, text: str) -> str:
        return f"{self.place}/{text}" if self.place else text
