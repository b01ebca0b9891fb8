"""A native function evaluates a small graph, every entry of every array unrolled."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...errors import ShapeError
from ...graph import Graph
from ..simplify import simplify
from .cache import object_code
from .formats import FORMATS
from .kernel import Kernel, Slot
from .lanes import declarations
from .lower import lower
from .machine import Library
from .nest import LIMIT, Nest, Place, Stage, Unlowerable

Array = np.ndarray[Any, Any]

_ATTRIBUTES = "attributes #0 = { nounwind }"


class NativeFunction:
    """A graph as native code; called with a list of arrays, it returns a list of new ones.

    Where a result has NaN, the graph itself decides: it knows where a product 0·∞ is 0.

    Parameters
    ----------
    graph : Graph
    limit : int
        The greatest number of scalar operations to unroll.

    Raises
    ------
    Unlowerable
        If an operation has no native rule, or there are too many to unroll.
    ImportError
        If llvmlite is not installed.
    """

    def __init__(self, graph: Graph, *, limit: int = LIMIT) -> None:
        self.graph = graph
        nest = lower(simplify(graph), limit=limit)
        _ask_for_nan(nest, Place(len(graph.outputs), 0))
        self._count = len(nest.at(Stage.BEFORE))
        code = object_code(write_function(graph, nest))
        self._specs = [symbol.data for symbol in graph.inputs]
        self._inputs = [np.zeros(spec.shape, spec.dtype) for spec in self._specs]
        self._outputs = [np.zeros(x.shape, x.dtype) for x in map(_as_array, graph.outputs)]
        self._has_nan = np.zeros(1, np.bool_)
        arrays = [*self._inputs, *self._outputs, self._has_nan]
        self._library = Library(code, ["evaluate"])
        function = self._library.function("evaluate", None, *[ctypes.c_void_p] * len(arrays))
        self._pointers = [ctypes.c_void_p(array.ctypes.data) for array in arrays]
        self._evaluate = function

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the graph's outputs.

        Raises
        ------
        ShapeError
            If an array has not the shape and dtype that was traced.
        """
        for buffer, array in zip(self._inputs, arrays, strict=True):
            if np.shape(array) != buffer.shape:
                raise ShapeError(f"expected shape {buffer.shape}, got {np.shape(array)}")
            np.copyto(buffer, array, casting="same_kind")
        self._evaluate(*self._pointers)
        if self._has_nan[0]:
            return list(map(np.asarray, self.graph.evaluate(arrays)))
        return [output.copy()[()] for output in self._outputs]  # numbers rather than 0-d arrays

    def describe(self) -> list[str]:
        """Return the lines of a report."""
        return [f"native code: {self._count} scalar operations, unrolled"]


# LLVM takes a quarter of a millisecond for each: what takes longer to compile must ask for it.
_MOST_UNASKED = 2500


def native_tier(graph: Graph) -> NativeFunction | str:
    """Return a graph as native code, or why it cannot be: see `compiler.program.TIERS`."""
    try:
        return NativeFunction(graph, limit=_MOST_UNASKED)
    except (Unlowerable, ImportError) as error:
        return str(error)


def _as_array(output: Any) -> Any:
    return output if hasattr(output, "dtype") else np.asarray(output)


def _ask_for_nan(nest: Nest, place: Place) -> None:
    """Store whether a result is NaN."""
    found = nest.constant(False, "i1")
    for _, element in list(nest.results):
        if element.kind in FORMATS:
            found = nest.apply("logical_or", "i1", found, nest.apply("isnan", "i1", element))
    nest.store(place, found)


def write_function(graph: Graph, nest: Nest) -> str:
    """Return ``void evaluate(inputs…, outputs…, has_nan)`` in LLVM's language."""
    inputs = {i: Slot(f"%in{i}") for i in range(len(graph.inputs))}
    outputs = {i: Slot(f"%out{i}") for i in range(len(graph.outputs) + 1)}
    kernel = Kernel(nest, inputs, outputs, width=1)
    parameters = [f"ptr noalias {slot.pointer}" for slot in (*inputs.values(), *outputs.values())]
    text = kernel.write("evaluate", parameters)
    return "\n".join([declarations([kernel.names]), text, _ATTRIBUTES, ""])
