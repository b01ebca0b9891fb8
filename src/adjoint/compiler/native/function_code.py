"""Function code is a graph as one function, in either of the two regimes.

It is ``void evaluate(inputs…, outputs…, in_doubt, workspace)``. It sets the byte ``in_doubt`` if
the graph has to be evaluated in Python instead, which knows when a product 0·∞ is 0 and what to say
of an index that is out of range.
"""

from __future__ import annotations

from ...graphs.graph import Graph
from ..simplify.simplify import simplify, written_out
from .entry_point import write_entry_of_entries, write_entry_point
from .lanes import declarations
from .machine import ATTRIBUTES
from .target import Target
from .unlowerable import Unlowerable
from .unrolled_code import FunctionCode, locations, parameters, unrolled_function


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


def array_function(graph: Graph, *, target: Target) -> FunctionCode:
    """Return the code of a simplified graph: loops over arrays, and products of matrices."""
    # Here: small functions need none of it.
    from .arrays.array_code import ArrayCode, CodeModule
    from .arrays.expansion import expand

    module = CodeModule(target)
    code = ArrayCode(expand(graph), module)
    text = code.function("evaluate", parameters(graph), *locations(graph))
    return FunctionCode(
        (module.text, text),
        tuple(module.names),
        f"native code: {code.describe()}",
        code.size,
        tuple(code.constants),
    )
