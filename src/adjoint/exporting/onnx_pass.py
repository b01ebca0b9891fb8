"""A pass writes a traced graph as nodes of ONNX, for one number of rows.

Two passes for two numbers of rows differ only where that number stands, see `onnx_rows`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from ..compiler.native.arrays.expansion import EXPANSIONS
from ..compiler.simplify.doubts import careful
from ..compiler.simplify.rewrites import Build, Rewrite
from ..compiler.simplify.simplify import simplify
from ..core.annotations import Params
from ..core.node import Operation
from ..core.primitive import Primitive
from ..core.registry import PRIMITIVES
from ..core.spec import shape_of
from ..graphs.graph import Graph
from ..graphs.symbol import Symbol, node_of
from .onnx_graph import OnnxGraph, Wire
from .onnx_rules import RULES
from .onnx_rules.movements import moved
from .onnx_rules.rule import as_wire
from .refusal import ExportError
from .subject import without_loops

# What no card says of itself, and loops of native code write in products and sums.
_BY_LOOPS = ("named_product", "named_view", "strong_einsum", "overlay")


def written_for_onnx(graph: Graph) -> Graph:
    """Return a graph in the operations that have a rule, with strong products strong."""
    expansions: dict[str, Rewrite] = {name: EXPANSIONS[name] for name in _BY_LOOPS}
    for name, primitive in PRIMITIVES.items():
        if primitive.expand is not None and name not in RULES:
            expansions.setdefault(name, _by_card(primitive, []))
    return careful(simplify(without_loops(graph, "ONNX"), expansions=expansions))


def _by_card(primitive: Primitive, under_way: list[Any]) -> Rewrite:
    """Return what writes an operation in those that its card makes it of."""

    def rewrite(args: Sequence[Any], params: Params, build: Build) -> Any:
        key = [shape_of(x) for x in args]
        if key in under_way:
            return None  # it is made of itself
        inside = [Symbol.input(x.data) if isinstance(x, Symbol) else x for x in args]
        with np.errstate(all="ignore"):
            made = primitive.expand(*inside, **params)  # type: ignore[misc]
        if not isinstance(made, Symbol):
            return made
        given = [x for x in args if isinstance(x, Symbol)]
        parts = Graph([x for x in inside if isinstance(x, Symbol)], [made])
        under_way.append(key)
        try:
            return parts.interpret(given, _builder(build))[node_of(made)]
        finally:
            under_way.pop()

    return rewrite


def _builder(build: Build) -> Callable[[Any, list[Any]], Any]:
    return lambda node, operands: build(
        node.meant.name, *operands, primitive=node.meant, **node.params
    )


def write(
    graph: OnnxGraph, traced: Graph, inputs: Sequence[Wire], places: Mapping[int, str]
) -> list[Wire]:
    """Write a lowered graph; return its results.

    Parameters
    ----------
    inputs : sequence of Wire
        One for each input of the traced graph.
    places : mapping of int to str
        The paths of modules by their identity.

    Raises
    ------
    ExportError
        If an operation has no rule.
    """

    def apply(node: Any, operands: list[Any]) -> Wire:
        graph.place = places.get(node.module, "")
        return _written(graph, node, operands)

    values = traced.interpret(inputs, apply)
    graph.place = ""
    return [as_wire(graph, x) for x in traced.ends(values)]


def _written(graph: OnnxGraph, node: Operation, operands: list[Any]) -> Wire:
    primitive = node.primitive
    rule = RULES.get(primitive.name)
    if rule is not None:
        found = rule(graph, node, *operands)
    elif primitive.facts.moves is not None:
        found = moved(graph, node, *operands)
    else:
        raise ExportError(
            f"ONNX has no {primitive.name}; use --to py, or write it in other operations"
        )
    if found.shape != tuple(node.output.shape):
        raise AssertionError(f"{primitive.name}: {found.shape}, not {node.output.shape}")
    return found.cast(node.output.dtype)
