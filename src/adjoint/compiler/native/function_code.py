"""Function code is a graph as one function, in either of the two regimes.

It is ``void evaluate(inputs…, outputs…, in_doubt, workspace)``: in doubt is a result that must be
decided where it is known when a product 0·∞ is 0, and which numbers are in range.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...core.annotations import Array
from ...graphs.graph import Graph
from ..simplify.doubts import unshown, with_outputs
from ..simplify.simplify import simplify, written_out
from .arrays.array_code import ArrayCode, Module
from .arrays.expansion import expand
from .kernel import Kernel, Slot
from .lanes import Names
from .lower import lower
from .machine import Machine
from .nest import Nest, Place, Stage, Unlowerable

# Scalar operations beyond which loops over arrays are faster, and compiled in less time.
MOST_UNROLLED = 400


@dataclass(frozen=True)
class FunctionCode:
    """The functions of a graph, and the memory that they need.

    Parameters
    ----------
    functions : tuple of str
    names : tuple of Names
        What they declare.
    about : str
        A line for a report.
    workspace : int
        Bytes of memory between the parts.
    constants : tuple of (int, array)
        What must be in it from which byte on.
    """

    functions: tuple[str, ...]
    names: tuple[Names, ...]
    about: str
    workspace: int = 0
    constants: tuple[tuple[int, Array], ...] = ()


def write_function(graph: Graph, *, machine: Machine, limit: int) -> FunctionCode:
    """Return a graph's code in the regime that suits its size.

    Raises
    ------
    Unlowerable
        If an operation has no native rule.
    """
    simple = written_out(simplify(graph))
    try:
        return unrolled_function(simple, limit=limit)
    except Unlowerable:
        return array_function(simple, machine=machine)


def unrolled_function(graph: Graph, *, limit: int) -> FunctionCode:
    """Return the code of a small simplified graph, every entry a scalar of its own."""
    watched = unshown(graph)
    nest = lower(with_outputs(graph, [*graph.outputs, *watched]), limit=limit)
    _ask_for_doubts(nest, len(graph.outputs))
    inputs, outputs = _slots(graph)
    kernel = Kernel(nest, inputs, outputs, width=1)
    text = kernel.write("evaluate", _parameters(graph)).replace(
        "define void", "define internal void"
    )
    count = len(nest.at(Stage.BEFORE))
    return FunctionCode(
        (text,), (kernel.names,), f"native code: {count} scalar operations, unrolled"
    )


def _ask_for_doubts(nest: Nest, count: int) -> None:
    """Store, instead of all but ``count`` results, whether one is NaN or there is a doubt."""
    found = nest.constant(False, "i1")
    for doubt in nest.doubts:
        found = nest.apply("logical_or", "i1", found, doubt)
    for place, element in nest.results:
        if place.array >= count:
            found = nest.apply("logical_or", "i1", found, nest.apply("isnan", "i1", element))
    nest.results = [result for result in nest.results if result[0].array < count]
    nest.store(Place(count, 0), found)


def array_function(graph: Graph, *, machine: Machine) -> FunctionCode:
    """Return the code of a simplified graph: loops over arrays, and products of matrices."""
    module = Module(machine.vector_bytes, machine.registers)
    code = ArrayCode(expand(graph), module)
    lines = [
        f"define internal void @evaluate({', '.join(_parameters(graph))}) #0 {{",
        *code.body(*_slots(graph)),
        "  ret void",
        "}",
    ]
    return FunctionCode(
        (module.text, "\n".join(lines)),
        tuple(module.names),
        f"native code: {code.describe()}",
        code.size,
        tuple(code.constants),
    )


def _slots(graph: Graph) -> tuple[dict[int, Slot], dict[int, Slot]]:
    inputs = {i: Slot(f"%in{i}") for i in range(len(graph.inputs))}
    return inputs, {i: Slot(f"%out{i}") for i in range(len(graph.outputs) + 1)}


def _parameters(graph: Graph) -> list[str]:
    inputs, outputs = _slots(graph)
    pointers = [slot.pointer for slot in (*inputs.values(), *outputs.values())]
    return [*(f"ptr noalias {pointer}" for pointer in pointers), "ptr %workspace"]
