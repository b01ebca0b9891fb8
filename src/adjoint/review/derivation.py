"""The derivation is the correct backward pass, written as source, in which lines are looked up."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..calculus import vjp
from ..compiler.naming import identifier
from ..compiler.printer import show
from ..compiler.simplify import simplify
from ..compiler.source import write
from ..graph import Graph, trace

Array = np.ndarray[Any, Any]


def forward_graph(
    function: Callable[..., Any], arrays: Sequence[Array], names: Sequence[str]
) -> Graph | None:
    """Return the traced forward pass, or None where it cannot be traced."""
    try:
        graph = trace(function, *arrays, arguments=[identifier(name) for name in names])
    except Exception:  # whatever the user's code raises when it is given symbols
        return None
    usable = len(graph.outputs) == 1 and getattr(graph.outputs[0], "node", None) is not None
    return graph if usable else None


def backward_source(
    function: Callable[..., Any], arrays: Sequence[Array], names: Sequence[str], g: Array
) -> str:
    """Return the source of the correct backward pass, or nothing where it cannot be written."""

    def backward(g: Any, *arguments: Any) -> Any:
        return vjp(function, *arguments)[1](g)

    arguments = ["g", *(identifier(name) for name in names)]
    try:
        return write(simplify(trace(backward, g, *arrays, arguments=arguments)))
    except Exception:  # of a derivation that cannot be shown the numbers still are right
        return ""


def line_for(source: str, name: str) -> tuple[str, str]:
    """Return the line that computes the cotangent of a value, and the rule in its heading."""
    heading = ""
    target = f"    d_{identifier(name)} = "
    for number, line in enumerate(lines := source.splitlines()):
        if line.startswith("    # "):
            heading = line.removeprefix("    # ")
        elif line.startswith(target):
            return _plain(_whole(lines[number:])), _rule(heading, name)
    return "", ""


def _whole(lines: list[str]) -> str:
    """Return a statement that may go over several lines, as one."""
    text = lines[0].strip()
    for line in lines[1:]:
        if text.count("(") + text.count("[") <= text.count(")") + text.count("]"):
            break
        text = f"{text.partition('  # ')[0]} {line.strip()}"
    return text


class _Plain(ast.NodeTransformer):
    """Writes products as a person does: that 0·∞ is 0 in them is not the point here."""

    def visit_Call(self, call: ast.Call) -> ast.AST:
        """Return a strong product as a plain one."""
        self.generic_visit(call)
        name = call.func.id if isinstance(call.func, ast.Name) else ""
        if name == "strong_multiply":
            return ast.BinOp(call.args[0], ast.Mult(), call.args[1])
        if name == "strong_product" and ast.unparse(call.args[0]) == "np.matmul":
            return ast.BinOp(call.args[1], ast.MatMult(), call.args[2])
        return call


def _plain(line: str) -> str:
    code, _, comment = line.partition("  # ")
    try:
        statement = ast.parse(code).body[0]
    except SyntaxError:
        return line
    assert isinstance(statement, ast.Assign)
    target, value = statement.targets[0], _Plain().visit(statement.value)
    return f"{show(target)} = {show(value)}" + (f"  # {comment}" if comment else "")


def _rule(heading: str, name: str) -> str:
    """Return the part of a heading that concerns one of several equations in it."""
    subject, _, equations = heading.partition(": ")
    letter = name.rpartition(".")[2].strip("_")[:1]
    chosen = {"W": "∂L/∂W", "w": "∂L/∂W", "b": "∂L/∂b"}.get(letter, "∂L/∂z")
    parts = [part for part in equations.split(", (") if chosen in part.partition("=")[0]]
    if len(equations.split(", (")) > 1 and parts:
        equations = parts[0] if parts[0].startswith("(") else f"({parts[0]}"
    return ": ".join(part for part in (subject, equations) if part)
