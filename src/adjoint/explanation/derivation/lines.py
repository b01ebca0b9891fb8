"""A written program is a function's forward and backward pass as statements of NumPy."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...calculus.derivatives import value_and_grad
from ...compiler.simplify.simplify import simplify
from ...compiler.source.printer import show
from ...compiler.source.source import statements
from ...core.annotations import Array
from ...core.node import Node, Operation
from ...core.tree import leaves
from ...graphs.graph import trace
from ...graphs.symbol import Symbol
from ...graphs.tracing.tracer import TracedOperation
from .function_at_point import FunctionAtPoint
from .rules import Rule, rule_of

_LONGEST_TITLE = 72


class Line(NamedTuple):
    """A statement: a name, the expression of its value, and why it holds.

    ``node`` is the operation by which the engine computes the value; None where there is none, as
    for a gradient that is itself another value.
    """

    name: str
    expression: ast.expr
    rule: Rule
    part: str
    node: Operation | None

    @property
    def source(self) -> str:
        """The right-hand side as NumPy."""
        return show(self.expression)


class WrittenProgram:
    """The statements of both passes, and what they refer to.

    Attributes
    ----------
    every_input : dict of str to array
        By name, in the order of the arguments.
    inputs : dict of str to array
        All of them but what a model holds that no line reads, as the state of a dropout of 0.
    paths : dict of str to str
        Where in the model an input stands, by its name.
    constants : dict of str to array
    functions : str
        The text of the functions that lines call.
    lines : list of Line
    title : str
        What is called, on what.
    value : str
        The name of the function's value.
    gradient : dict of str to str
        The name of each gradient, by the name of the input.
    graph : Graph
    """

    def __init__(self, subject: FunctionAtPoint) -> None:
        traced = trace(
            value_and_grad(subject.function, subject.wanted),
            *subject.args,
            names=subject.names,
            arguments=subject.arguments,
        )
        # A factor that is held constant must not look like one that is differentiated.
        self.graph = simplify(traced, keeps=("stop_gradient",))
        title = subject.title or _call(self.graph.name, self.graph.arguments)
        self.title = " ".join(title.split())  # the name of a class may be any text
        # No function is written, so that its name is free for a value.
        self.graph.name = "_"
        result = getattr(self.graph.outputs[0], "node", None)
        if isinstance(result, TracedOperation) and not result.name:
            result.name = subject.result
        self.made, self.terms = statements(self.graph)
        self.names = self.terms.names
        self.every_input = dict(zip(self._input_names(), leaves(subject.args), strict=True))
        self.paths = self._paths(subject)
        self.lines = [
            Line(self.names[node], expression, rule_of(node, expression), _part(node), node)
            for node, expression in self.made
        ]
        self.value = self._named(self.graph.outputs[0], "value", "forward")
        self.gradient = self._gradients(subject)
        self.inputs = {name: x for name, x in self.every_input.items() if self._is_shown(name)}
        self.constants = {name: np.asarray(x) for name, x in self.terms.constants.items()}
        self.functions = "\n\n\n".join(self.terms.helper_texts().values())

    def _input_names(self) -> Iterator[str]:
        for symbol in self.graph.inputs:
            assert symbol.node is not None
            yield self.names[symbol.node]

    def _paths(self, subject: FunctionAtPoint) -> dict[str, str]:
        """Return which tensor of a model each input is, by the input's name."""
        if not subject.paths:
            return {}
        asked = leaves(subject.names)
        return {
            name: subject.paths[given]
            for name, given in zip(self.every_input, asked, strict=True)
            if given in subject.paths
        }

    def _is_shown(self, name: str) -> bool:
        """Return whether an input is one of the user's, or a model's that takes part."""
        if name not in self.paths or name in self.gradient:
            return True
        return any(name in names_in(line.expression) for line in self.lines)

    def _gradients(self, subject: FunctionAtPoint) -> dict[str, str]:
        names = list(self._input_names())
        positions = list(leaves(tuple(self.graph.takes[n] for n in subject.wanted)))
        outputs = self.graph.outputs[1:]
        return {
            names[position]: self._named(output, f"d_{names[position]}", "backward")
            for position, output in zip(positions, outputs, strict=True)
        }

    def _named(self, output: Symbol | Array, name: str, part: str) -> str:
        """Return the name of a result; an input or a constant gets a line of its own."""
        node = output.node if isinstance(output, Symbol) else None
        if node is not None and (part == "forward" or self.names.get(node) == name):
            is_input = any(symbol.node is node for symbol in self.graph.inputs)
            if not is_input:
                return self.names[node]
        if name in self.terms.taken:
            name = self.terms.fresh(f"{name}_")
        self.terms.taken.add(name)
        value = self.terms.constant(output) if node is None else self.terms.value(node)
        reason = "independent" if _is_zero(output) else "itself"
        self.lines.append(Line(name, value, Rule(reason), part, None))
        return name

    def engine(self, line: Line, given: dict[str, Any]) -> Any:
        """Return what the engine's primitives give for a line, applied to values by name."""
        node = line.node
        return None if node is None else self._apply(node, given)

    def _apply(self, node: Operation, given: dict[str, Any]) -> Any:
        operands = [
            arg if parent is None else self._operand(parent, given) for arg, parent in node.edges()
        ]
        with np.errstate(all="ignore"):
            return node.apply(operands)

    def _operand(self, node: Node, given: dict[str, Any]) -> Any:
        if isinstance(node, Operation) and node in self.terms.pending:
            return self._apply(node, given)
        return given[self.names[node]]


def _call(name: str, arguments: Sequence[str]) -> str:
    """Return a call as text, its middle arguments left out where they would fill a line."""
    most = _LONGEST_TITLE
    while len(text := f"{name}({', '.join(_shortened(arguments, most))})") > _LONGEST_TITLE:
        if most <= 2:
            return text
        most = min(most, len(arguments)) - 1
    return text


def _shortened(arguments: Sequence[str], most: int) -> list[str]:
    if len(arguments) <= most:
        return list(arguments)
    return [*arguments[: most - 1], "…", arguments[-1]]


def names_in(expression: ast.expr) -> set[str]:
    """Return the names that an expression reads."""
    return {x.id for x in ast.walk(expression) if isinstance(x, ast.Name)}


def _part(node: Node) -> str:
    return "forward" if getattr(node, "origin", None) is None else "backward"


def _is_zero(output: Symbol | Array) -> bool:
    return not isinstance(output, Symbol) and not np.any(output)
