"""Unrolled code is a small graph as one function, in which every entry is a scalar variable.

It is ``void name(inputs…, outputs…, in_doubt, workspace)``; the byte ``in_doubt`` says whether the
result has to be computed in Python instead.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core.annotations import Array
from ...graphs.graph import Graph
from ..simplify.doubts import unshown, with_outputs
from .kernel import ArrayEntry, ArrayLocation, Kernel, Stage
from .kernel_code import KernelWriter
from .lanes import Names
from .lower import lower
from .target import Target


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
    doubts : bool
        Whether the result may be in doubt.
    """

    functions: tuple[str, ...]
    names: tuple[Names, ...]
    about: str
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()
    doubts: bool = True


def unrolled_function(
    graph: Graph, *, target: Target, limit: int, name: str = "evaluate"
) -> FunctionCode:
    """Return the code of a small simplified graph, in which every entry is a scalar variable."""
    watched = unshown(graph)
    kernel = lower(with_outputs(graph, [*graph.outputs, *watched]), limit=limit)
    doubts = _ask_for_doubts(kernel, len(graph.outputs))
    inputs, outputs = locations(graph)
    writer = KernelWriter(kernel, inputs, outputs, width=1, target=target)
    text = writer.write(name, parameters(graph)).replace("define void", "define internal void")
    count = len(kernel.at(Stage.BEFORE))
    about = f"native code: {count} scalar operations, unrolled"
    return FunctionCode((text,), (writer.names,), about, doubts=doubts)


def _ask_for_doubts(kernel: Kernel, count: int) -> bool:
    """Replace all results but the first ``count`` outputs by one: whether the result is in doubt.

    Return whether it may be.

    It is, if one of the others is NaN or a doubt of the kernel is true.
    """
    found = never = kernel.constant(False, "i1")
    for doubt in kernel.doubts:
        found = kernel.apply("logical_or", "i1", found, doubt)
    for entry, element in kernel.results:
        if entry.array >= count:
            found = kernel.apply("logical_or", "i1", found, kernel.apply("isnan", "i1", element))
    kernel.results = [result for result in kernel.results if result[0].array < count]
    kernel.store(ArrayEntry(count, 0), found)
    return found is not never


def locations(graph: Graph) -> tuple[dict[int, ArrayLocation], dict[int, ArrayLocation]]:
    """Return where the inputs and outputs of a function lie."""
    inputs = {i: ArrayLocation(f"%in{i}") for i in range(len(graph.inputs))}
    return inputs, {i: ArrayLocation(f"%out{i}") for i in range(len(graph.outputs) + 1)}


def parameters(graph: Graph) -> list[str]:
    """Return the parameters of a function, with their types."""
    inputs, outputs = locations(graph)
    pointers = [location.pointer for location in (*inputs.values(), *outputs.values())]
    return [*(f"ptr noalias {pointer}" for pointer in pointers), "ptr %workspace"]
