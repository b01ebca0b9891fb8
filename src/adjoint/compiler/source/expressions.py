"""An expression is what stands for one value of a graph in written source."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from typing import Any

from ...core.annotations import Operand
from ...core.node import Node, Operation
from ...core.primitive import Primitive
from ...core.registry import PRIMITIVES
from ...graphs.graph import Graph
from ...graphs.tracing import naming
from ..simplify.doubts import careful_name
from . import constants, definitions
from .constants import parse
from .standalone import STANDALONE
from .wordings import WORDINGS, copied, fill


class Expressions:
    """Turns nodes into expressions, and gathers what these need: names, constants, helpers.

    Two graphs in one file share their constants and helpers. The body of a loop stands ``inside``
    of what has these names.
    """

    def __init__(
        self,
        graph: Graph,
        before: Expressions | None = None,
        *,
        inside: Collection[str] | None = None,
    ) -> None:
        self.helpers: dict[str, Callable[..., Any]] = {} if before is None else before.helpers
        self.scipy: list[str] = [] if before is None else before.scipy
        self.constants: dict[str, Any] = {} if before is None else before.constants
        self.named_constants: dict[int, str] = {} if before is None else before.named_constants
        # Where there are several results, each is computed in its turn and not in the last line.
        alone = isinstance(graph.gives, int) or inside is not None
        self.results = set() if alone else {getattr(x, "node", None) for x in graph.outputs}
        # Values that stand inside of the expression that uses them.
        self.pending: dict[Operation, ast.expr] = {}
        # The texts of functions that each have a loop, by name.
        self.loops: dict[str, str] = {} if before is None else before.loops
        given = {graph.name, *graph.arguments} if before is None else before.given_names
        self.given_names: set[str] = given
        helper_names = [
            definitions.free_name(name, self.given_names) for name in _helper_names(graph)
        ]
        reserved = [graph.name, careful_name(graph), *self.given_names, *helper_names]
        reserved += [*self.constants, *(inside or ())]
        self.names = naming.unique_names(_named_nodes(graph), reserved=reserved)
        given_as = _input_names(graph) if inside is None else [None] * len(graph.inputs)
        for symbol, name in zip(graph.inputs, given_as, strict=True):
            if name is not None and symbol.node is not None:
                self.names[symbol.node] = name
        self.taken = {*self.names.values(), *reserved}
        self._counts: dict[str, int] = {}

    def name(self, node: Node) -> str:
        """Return the name of a node, given now if it has none."""
        if node not in self.names:
            forward = getattr(node, "origin", None) is None
            is_value = forward and node in self.results and "value" not in self.taken
            self.names[node] = "value" if is_value else self.fresh("v")
            self.taken.add(self.names[node])
        return self.names[node]

    def fresh(self, stem: str) -> str:
        """Return the first of stem1, stem2 … that is free, and take it."""
        name = naming.first_free(stem, self.taken, (), self._counts)
        self.taken.add(name)
        return name

    def apply(self, node: Operation) -> ast.expr:
        """Return a node's primitive applied to the expressions of its operands.

        Raises
        ------
        NotImplementedError
            If the primitive is a Python function with a derivative rule of its own.
        """
        primitive = node.primitive
        narrow = _has_narrow_floats(node)
        operands = [
            self.constant(arg, typed=narrow) if parent is None else self.value(parent)
            for arg, parent in node.edges()
        ]
        reword = WORDINGS.get(primitive.name)
        written = reword(node, operands) if reword else None
        if written is not None:
            self._note_standalone(written)
            return written
        if PRIMITIVES.get(primitive.name) is not primitive:
            raise NotImplementedError(
                f"{primitive.name} has a derivative rule of its own and is known to Python alone, "
                "so it cannot be written as NumPy"
            )
        return self._filled(node, operands)

    def apply_template(self, node: Operation) -> ast.expr:
        """Return a primitive that is no card applied to what waits for it."""
        return self._filled(node, [self.value(p) for p in node.parents if p is not None])

    def _filled(self, node: Operation, operands: list[ast.expr]) -> ast.expr:
        places = [f"_operand_{n}" for n in range(len(operands))]
        template = parse(node.primitive.write_source(*places, **node.params))
        self._note_helpers(node.primitive, template)
        return fill(template, dict(zip(places, operands, strict=True)))

    def value(self, node: Node) -> ast.expr:
        """Return a value's name, or the expression itself if it waits for its only use."""
        if isinstance(node, Operation) and node in self.pending:
            return copied(self.pending[node])
        return ast.Name(self.name(node), ast.Load())

    def constant(self, operand: Operand, *, typed: bool = False) -> ast.expr:
        """Return a constant's text, or the name of one that is too long for an expression."""
        short = constants.expression(operand, typed=typed)
        if short is not None:
            return short
        name = self.named_constants.get(id(operand))
        if name is None:
            name = self.named_constants[id(operand)] = self.fresh("constant_")
            self.constants[name] = operand
        return ast.Name(name, ast.Load())

    def helper_texts(self) -> dict[str, str]:
        """Return the text of each function that the expressions call, by name."""
        return definitions.texts(self.helpers, self.given_names) | self.loops

    def _note_standalone(self, written: ast.expr) -> None:
        for call in ast.walk(written):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                self._note_call(call.func, STANDALONE)

    def _note_call(self, called: ast.Name, known: Mapping[str, Callable[..., Any]]) -> None:
        """Remember a helper that is called, under a name that is free."""
        if called.id in known:
            self.helpers[called.id] = known[called.id]
            called.id = definitions.free_name(called.id, self.given_names)

    def _note_helpers(self, primitive: Primitive, template: ast.expr) -> None:
        """Remember what a template calls by name; SciPy's functions get its name in front."""
        from_scipy = primitive.__module__.startswith("adjoint.special")
        known = {helper.__name__: helper for helper in primitive.helpers}
        for call in ast.walk(template):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name):
                name = call.func.id
                if from_scipy:
                    call.func = parse(f"special.{name}")
                    self.scipy += [name] * (name not in self.scipy)
                else:
                    self._note_call(call.func, known)


def _named_nodes(graph: Graph) -> list[Node]:
    kept = [symbol.node for symbol in graph.inputs]
    kept += [node for node in graph.nodes if getattr(node, "name", None)]
    return [node for node in kept if node is not None]


def _helper_names(graph: Graph) -> list[str]:
    functions = [helper.__name__ for node in graph.nodes for helper in node.primitive.helpers]
    # Helpers call other helpers.
    return [*functions, *PRIMITIVES, *STANDALONE, "special"]


def _input_names(graph: Graph) -> list[str | None]:
    """Return for each input the argument's name, if it is an argument itself."""
    names: list[str | None] = [None] * len(graph.inputs)
    for argument, tree in zip(graph.arguments, graph.takes, strict=True):
        if isinstance(tree, int):
            names[tree] = argument
    return names


def _has_narrow_floats(node: Node) -> bool:
    """Return whether an operand has fewer digits than float64, which a bare number would keep."""
    dtypes = [arg.dtype for arg in node.args if hasattr(arg, "dtype")]
    return any(dtype.kind == "f" and dtype.itemsize < 8 for dtype in dtypes)
