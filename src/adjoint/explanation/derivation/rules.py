"""A rule says why a line of a derivation holds: the equation it applies, or the chain rule."""

from __future__ import annotations

import ast
from typing import NamedTuple

from ...compiler.source.equations import EQUATIONS, Equation, equation_of, is_activation
from ...core.node import Node
from ..phrases import ENGLISH, Phrases

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
    """What a line applies: the key of a phrase, the operation that it names, and an equation."""

    key: str
    operation: str = ""
    equation: Equation | None = None

    def told(self, say: Phrases) -> str:
        """Return what the line applies, in words."""
        return say(self.key, operation=self.operation)

    @property
    def subject(self) -> str:
        """What the line applies, in English."""
        return self.told(ENGLISH)

    def cited(self, say: Phrases) -> str:
        """Return the words, and the equation as text if there is one."""
        if self.equation is None:
            return self.told(say)
        formula = self.equation.formula.replace(" - ", " − ")
        return say("labelled", label=self.told(say), what=f"({self.equation.number}) {formula}")

    def __str__(self) -> str:
        return self.cited(ENGLISH)

    @property
    def latex(self) -> str:
        """The equation in LaTeX, or nothing."""
        return "" if self.equation is None else latex_of(self.equation)


def latex_of(equation: Equation) -> str:
    """Return an equation in LaTeX."""
    return _LATEX[equation.number]


def rule_of(node: Node, expression: ast.expr) -> Rule:
    """Return the rule of a statement."""
    origin = getattr(node, "origin", None)
    name = node.primitive.name if node.primitive is not None else ""
    if origin is None:
        return _forward(name, expression)
    equation = equation_of(node)
    if equation is not None:
        return _of_equation(equation)
    if name == "sum_to":
        return Rule("sum over broadcast", origin.rule)
    return Rule("chain rule", origin.rule)


def _forward(name: str, expression: ast.expr) -> Rule:
    if is_activation(name):
        return _of_equation(EQUATIONS[2])
    is_sum = isinstance(expression, ast.BinOp) and isinstance(expression.op, ast.Add)
    if is_sum and any(map(_is_product, (expression.left, expression.right))):  # type: ignore[attr-defined]
        return _of_equation(EQUATIONS[3])
    return Rule("definition")


def _of_equation(equation: Equation) -> Rule:
    return Rule(f"equation {equation.number}", equation=equation)


def _is_product(x: ast.expr) -> bool:
    return isinstance(x, ast.BinOp) and isinstance(x.op, ast.MatMult)
