"""A native function evaluates a graph on NumPy arrays."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.memory import separate
from ...core.reproducibility import is_reproducible
from ...errors import ReproducibleError
from ...graphs.graph import Graph
from ..arguments import fitted
from ..simplify.fingerprint import fingerprint
from .cache import object_code
from .call.builtin import Builtin, make_builtin
from .call.leaf import result_leaves
from .entry_point import MOST_ARRAYS, has_entry_points
from .machine import Library, this_machine, warn_once
from .memory_block import MemoryBlock
from .object_code import ObjectCode
from .unlowerable import Unlowerable

# The number of scalar operations from which on loops over arrays are faster, and compiled in less
# time.
MOST_UNROLLED = 400
# A function with fewer floating-point operations ends before another thread could take over.
_SHORT = 100_000


class NativeFunction:
    """A graph as native code; it takes a list of arrays and returns a list of new ones.

    If the native code finds its result in doubt, the graph is evaluated in NumPy: that knows where
    a product 0·∞ is 0, and raises for an index that is out of range.

    Parameters
    ----------
    graph : Graph
    limit : int
        The greatest number of scalar operations to unroll; a larger graph becomes loops over
        arrays.

    Raises
    ------
    Unlowerable
        If an operation has no native rule.
    ImportError
        If llvmlite is not installed.
    """

    def __init__(self, graph: Graph, *, limit: int = MOST_UNROLLED) -> None:
        self.graph = graph
        self._is_reproducible = is_reproducible()
        self._gives = [_form(output) for output in map(_as_array, graph.outputs)]
        # Results without axes are returned as scalars, as NumPy does.
        self._numbers = [n for n, (shape, _) in enumerate(self._gives) if not shape]
        count = len(graph.inputs) + len(self._gives)
        if not all(symbol.dtype.isnative for symbol in graph.inputs):
            raise Unlowerable("numbers whose bytes are in another order")
        if count > MOST_ARRAYS or not has_entry_points():
            raise Unlowerable(f"{count} arrays cannot be handed to native code here")
        self._code = _object_code(graph, count, limit)
        self._library = Library(self._code.code, self._code.names)
        self._is_short = graph.flops < _SHORT
        make = self._library.short_function if self._is_short else self._library.function
        pointers = [ctypes.c_void_p] * (count + 1)
        self._evaluate = make("evaluate_entry_point", ctypes.c_bool, *pointers)
        # A thread takes one for its call; there are as many as threads were inside at once.
        first = MemoryBlock(self._code.workspace, self._code.constants)
        self._spare: list[MemoryBlock] = [first]
        # Large constants lie in the first one, and nowhere else.
        self._code = self._code._replace(constants=tuple(first.constants))

    def _take_workspace(self) -> MemoryBlock:
        """Return one that no one else uses until it is put back."""
        try:
            return self._spare.pop()
        except IndexError:
            return MemoryBlock(self._code.workspace, self._code.constants)

    def __call__(self, arrays: Sequence[Any]) -> list[Any]:
        """Return the graph's outputs.

        Raises
        ------
        ShapeError
            If an array has not the shape that was traced.
        TypeError
            If its dtype cannot be converted to the one that was traced.
        """
        specs = [symbol.data for symbol in self.graph.inputs]
        given = [fitted(array, spec) for array, spec in zip(arrays, specs, strict=True)]
        return self.run(given, None)

    def builtin(self, traced: Graph, *, has_state: bool) -> Builtin | None:
        """Return a builtin for arguments of the traced structure, where there can be one."""
        return make_builtin(
            traced,
            result_leaves(self._gives),
            self._library,
            self._take_workspace,
            has_state=has_state,
            releases_lock=not self._is_short,
        )

    def run(self, arrays: Sequence[Any], out: Sequence[Array] | None) -> list[Any]:
        """Return the graph's outputs, given arrays of the traced shapes and dtypes.

        Parameters
        ----------
        arrays : sequence of array
            With any strides.
        out : sequence of array, optional
            Arrays for the results. One that shares memory with an argument is not used.
        """
        # The entry point reads addresses only, so the entries must be contiguous and aligned.
        given = [
            x if (flags := x.flags).c_contiguous and flags.aligned else x.copy("C") for x in arrays
        ]
        results: list[Any] = (
            [np.empty(shape, dtype) for shape, dtype in self._gives]
            if out is None
            else self._usable(out, given)
        )
        workspace = self._take_workspace()
        # `id` is the address of an object in CPython, see `entry_point`.
        in_doubt = self._evaluate(*map(id, given), *map(id, results), workspace.address)
        self._spare.append(workspace)
        if in_doubt:
            found = [np.asarray(x) for x in self.graph.evaluate(arrays)]
            if self._is_reproducible:
                raise ReproducibleError(
                    f"{self.graph.name}: whether a product 0·∞ is 0 in these results only NumPy "
                    "can tell, whose last bits differ from machine to machine; without "
                    "reproducible=True it does"
                )
            results = separate(found, [*arrays, *self.graph.constants])
        if out is None:
            for n in self._numbers:
                results[n] = results[n][()]
        return results

    def _usable(self, out: Sequence[Array], given: Sequence[Array]) -> list[Array]:
        """Return ``out``, but new arrays for those that overlap arguments or are not contiguous."""
        return [
            x
            if x.flags.carray and not any(np.may_share_memory(x, y) for y in given)
            else np.empty(x.shape, x.dtype)
            for x in out
        ]

    def describe(self) -> list[str]:
        """Return the lines of a report."""
        return [self._code.about]


def native_tier(graph: Graph) -> Any:
    """Return a graph as native code, or the reason why not: see `compiler.program.TIERS`.

    Raises
    ------
    ReproducibleError, ImportError
        If the same bits on every machine are asked for, and not all of it can be native code.
    """
    if is_reproducible():
        return _reproducible(graph)
    try:
        return NativeFunction(graph)
    except ImportError as error:
        warn_once(str(error))
        return str(error)
    except Unlowerable as reason:
        if any(0 in node.output.shape for node in graph.nodes):
            return str(reason)
    from .mixed import MixedFunction

    try:
        return MixedFunction(graph, NativeFunction)
    except Unlowerable as reason:
        return str(reason)


def _reproducible(graph: Graph) -> NativeFunction:
    try:
        return NativeFunction(graph)
    except Unlowerable as reason:
        raise ReproducibleError(
            f"{graph.name}: with reproducible=True all of it must be native code, since the last "
            f"bits of NumPy's numbers differ from machine to machine, but {reason}"
        ) from None


def _object_code(graph: Graph, arrays: int, limit: int) -> ObjectCode:
    """Return the object code of a graph that takes and gives so many arrays."""
    reproducible = is_reproducible()

    def make() -> ObjectCode:
        from . import function_code  # here: code that is in the cache needs none of it

        machine = this_machine()
        target = machine.target.reproducible() if reproducible else machine.target
        code = function_code.write_function(graph, target=target, limit=limit)
        text = function_code.module_text(code, arrays)
        names = ("evaluate_entry_point", "evaluate_entries")
        return ObjectCode(machine.assemble(text), names, code.about, code.workspace, code.constants)

    kind = ("function", arrays, limit, reproducible)
    return object_code(kind, [fingerprint(graph)], graph.constants, make)


def _form(spec: Any) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Return shape and dtype as native code expects them."""
    return tuple(spec.shape), np.dtype(spec.dtype.type)


def _as_array(output: Any) -> Any:
    return output if hasattr(output, "dtype") else np.asarray(output)
