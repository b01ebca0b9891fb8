"""Function code is a graph as one function, in either of the two regimes.

It is ``void evaluate(inputs…, outputs…, in_doubt, workspace)``. It sets the byte ``in_doubt`` if
the graph has to be evaluated in Python instead, which knows when a product 0·∞ is 0 and what to say
of an index that is out of range.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core.annotations import Array
from ...graphs.graph import Graph
from ..simplify.doubts import unshown, with_outputs
from ..simplify.simplify import simplify, written_out
from .entry_point import write_entry_of_entries, write_entry_point
from .kernel import ArrayEntry, Kernel, Stage
from .kernel_code import ArrayLocation, KernelWriter
from .lanes import Names, declarations
from .lower import lower
from .machine import ATTRIBUTES
from .target import Target
from .unlowerable import Unlowerable


@dataclass(frozen=True)
class FunctionCode:
    """The functions of a graph, and the memory they need.

    Parameters
    ----------
    functions : tuple of str
    names : tuple of Names
        The names that they declare.
    about : str
        A line for a report.
    workspace : int
        Bytes of memory between the parts.
    constants : tuple of (int, array)
        The arrays that must be in it, each with its first byte.
    """

    functions: tuple[str, ...]
    names: tuple[Names, ...]
    about: str
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()


def write_function(graph: Graph, *, target: Target, limit: int) -> FunctionCode:
    """Return a graph's code in the regime that suits its size.

    Raises
    ------
    Unlowerable
        If an operation has no native rule.
    """
    simple = written_out(simplify(graph))
    try:
        return unrolled_function(simple, target=target, limit=limit)
    except Unlowerable:
        return array_function(simple, target=target)


def module_text(code: FunctionCode, arrays: int) -> str:
    """Return the text of a module that Python enters with so many arrays."""
    parts = [
        declarations(code.names),
        *code.functions,
        write_entry_point("evaluate", arrays),
        write_entry_of_entries("evaluate", arrays),
        ATTRIBUTES,
    ]
    return "\n".join([*parts, ""])


def unrolled_function(graph: Graph, *, target: Target, limit: int) -> FunctionCode:
    """Return the code of a small simplified graph, in which every entry is a scalar variable."""
    watched = unshown(graph)
    kernel = lower(with_outputs(graph, [*graph.outputs, *watched]), limit=limit)
    _ask_for_doubts(kernel, len(graph.outputs))
    inputs, outputs = _locations(graph)
    writer = KernelWriter(kernel, inputs, outputs, width=1, target=target)
    text = writer.write("evaluate", _parameters(graph)).replace(
        "define void", "define internal void"
    )
    count = len(kernel.at(Stage.BEFORE))
    return FunctionCode(
        (text,), (writer.names,), f"native code: {count} scalar operations, unrolled"
    )


def _ask_for_doubts(kernel: Kernel, count: int) -> None:
    """Replace all results but the first ``count`` outputs by one: whether the result is in doubt.

    It is, if one of the others is NaN or a doubt of the kernel is true.
    """
    found = kernel.constant(False, "i1")
    for doubt in kernel.doubts:
        found = kernel.apply("logical_or", "i1", found, doubt)
    for entry, element in kernel.results:
        if entry.array >= count:
            found = kernel.apply("logical_or", "i1", found, kernel.apply("isnan", "i1", element))
    kernel.results = [result for result in kernel.results if result[0].array < count]
    kernel.store(ArrayEntry(count, 0), found)


def array_function(graph: Graph, *, target: Target) -> FunctionCode:
    """Return the code of a simplified graph: loops over arrays, and products of matrices."""
    # Here: small functions need none of it.
    from .arrays.array_code import ArrayCode, CodeModule
    from .arrays.expansion import expand

    module = CodeModule(target)
    code = ArrayCode(expand(graph), module)
    text = code.function("evaluate", _parameters(graph), *_locations(graph))
    return FunctionCode(
        (module.text, text),
        tuple(module.names),
        f"native code: {code.describe()}",
        code.size,
        tuple(code.constants),
    )


def _locations(graph: Graph) -> tuple[dict[int, ArrayLocation], dict[int, ArrayLocation]]:
    inputs = {i: ArrayLocation(f"%in{i}") for i in range(len(graph.inputs))}
    return inputs, {i: ArrayLocation(f"%out{i}") for i in range(len(graph.outputs) + 1)}


def _parameters(graph: Graph) -> list[str]:
    inputs, outputs = _locations(graph)
    pointers = [location.pointer for location in (*inputs.values(), *outputs.values())]
    return [*(f"ptr noalias {pointer}" for pointer in pointers), "ptr %workspace"]
