"""A step is the line of the derivation that a term of a backward pass corresponds to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...calculus.derivatives import value_and_grad
from ...compiler.source.printer import show
from ...core.annotations import Array
from ...graphs.tracing.naming import identifier
from ..derivation.derivation import Derivation
from ..derivation.function_at_point import FunctionAtPoint
from ..derivation.step import Step


class Steps:
    """The derivation of the right gradients, looked up by the names of values.

    Parameters
    ----------
    function : callable
        The forward pass.
    arrays : sequence of array
    names : sequence of str
        The user's names of the arrays.
    g : array
        The cotangent of the output: what is derived is the gradient of ⟨g, output⟩.
    """

    def __init__(
        self, function: Callable[..., Any], arrays: Sequence[Array], names: Sequence[str], g: Array
    ) -> None:
        self.derivation: Derivation | None = None
        # A review needs the numbers, which are right even if their derivation cannot be written.
        try:
            self.derivation = Derivation(_explained(function, arrays, names, g))
        except Exception:
            return

    def of(self, term: str, gradient: str) -> Step | None:
        """Return the step that computes the cotangent of a term, or else the gradient."""
        if self.derivation is None:
            return None
        lines = {step.name: step for step in self.derivation.steps if step.part == "backward"}
        results = self.derivation.program.gradient
        wanted = (f"d_{identifier(term)}", results.get(identifier(gradient), ""))
        return next((lines[name] for name in wanted if name in lines), None)


def _explained(
    function: Callable[..., Any], arrays: Sequence[Array], names: Sequence[str], g: Array
) -> FunctionAtPoint:
    """Return ⟨g, output⟩ as what a derivation explains."""

    def weighted(g: Any, *arguments: Any) -> Any:
        output = function(*arguments)
        return g * output if np.ndim(g) == 0 else (g * output).sum()

    own = tuple(map(identifier, names))
    weighted.__name__ = identifier(getattr(function, "__name__", "function"))
    first = next(name for name in ("g", "d_output", "cotangent") if name not in own)
    wanted = tuple(range(1, len(arrays) + 1))
    value, gradient = value_and_grad(weighted, wanted)(g, *arrays)
    arguments = (first, *own)
    return FunctionAtPoint(
        weighted, (g, *arrays), wanted, arguments, arguments, {}, np.asarray(value), gradient
    )


def line(step: Step) -> str:
    """Return a step as a statement of NumPy."""
    value = _Plain().visit(ast.parse(step.source, mode="eval").body)
    return f"{step.name} = {show(value)}"


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
