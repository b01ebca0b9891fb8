"""A rule says why a line of a derivation holds: the equation it applies, or the chain rule."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ...compiler.source.equations import EQUATIONS, Equation, equation_of, is_activation
from ...core.node import Node

# The equations of compiler.source.equations in LaTeX, by number.
_LATEX = {
    2: r"z' = \sigma(a)",
    3: r"a = z W + b",
    5: r"\frac{\partial L}{\partial a} = \frac{\partial L}{\partial z'} \odot \sigma'(a)",
    7: r"\frac{\partial L}{\partial W} = z^\top \frac{\partial L}{\partial a}",
    9: r"\frac{\partial L}{\partial b} = \sum \frac{\partial L}{\partial a}",
    13: r"\frac{\partial L}{\partial z} = \frac{\partial L}{\partial a} W^\top",
    14: (
        r"\frac{\partial L}{\partial a} = "
        r"(\operatorname{softmax}(a) - \operatorname{onehot}(y)) / B"
    ),
}


class Rule(NamedTuple):
    """What a line applies, in words, and the number and formula of its equation if it has one."""

    subject: str
    equation: Equation | None = None

    def __str__(self) -> str:
        if self.equation is None:
            return self.subject
        return f"{self.subject}: ({self.equation.number}) {self.equation.formula}"

    @property
    def latex(self) -> str:
        """The equation in LaTeX, or nothing."""
        return "" if self.equation is None else _LATEX[self.equation.number]


def rule_of(node: Node, expression: ast.expr) -> Rule:
    """Return the rule of a statement."""
    origin = getattr(node, "origin", None)
    name = node.primitive.name if node.primitive is not None else ""
    if origin is None:
        return _forward(name, expression)
    equation = equation_of(node)
    if equation is not None:
        return Rule(f"{equation.subject}, backward", equation)
    if name == "sum_to":
        return Rule(f"backward of {origin.rule}: sum over what was broadcast")
    return Rule(f"chain rule through {origin.rule}")


def _forward(name: str, expression: ast.expr) -> Rule:
    if is_activation(name):
        return Rule("activation", EQUATIONS[2])
    is_sum = isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add)
    if is_sum and any(map(_is_product, (expression.left, expression.right))):  # type: ignore[attr-defined]
        return Rule("affine map", EQUATIONS[3])
    return Rule("definition")


def _is_product(x: ast.expr) -> bool:
    return isinstance(x, ast.BinOp) and isinstance(x.op, ast.MatMult)
