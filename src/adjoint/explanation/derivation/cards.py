"""The LaTeX of a line is that of its operation's card, over the LaTeX of the operands."""

from __future__ import annotations

import ast

from ...compiler.source.expressions import Expressions
from ...compiler.source.wordings import WORDINGS
from ...core.annotations import Operand
from ...core.node import Node, Operation
from ...core.spec import shape_of
from .formula import Formula
from .reading import Names, Reading, applied, labels, of_card, one_hot


class Cards:
    """Writes nodes of a graph as their cards say; ``terms`` has their expressions and names."""

    def __init__(self, terms: Expressions, names: Names) -> None:
        self.terms, self.names = terms, names
        self.reading = Reading(names)

    def latex(self, node: Operation, written: ast.expr) -> str:
        """Return the LaTeX of what computes a node; ``written`` is its expression in NumPy."""
        if (classes := labels(written)) is not None:
            return one_hot(self.reading.read(classes)).latex
        operands = [self._operand(arg, parent) for arg, parent in node.edges()]
        reworded = self._reworded(node, operands)
        if reworded is not None:
            return reworded
        scales = () in map(shape_of, node.args)
        return applied(node.primitive, operands, node.params, scales=scales)

    def _operand(self, arg: Operand, parent: Node | None) -> str:
        if parent is None:
            return self.reading.read(self.terms.constant(arg)).latex
        if isinstance(parent, Operation) and parent in self.terms.pending:
            return self.latex(parent, self.terms.pending[parent])
        return self.names(self.terms.names[parent]).latex

    def _reworded(self, node: Operation, operands: list[str]) -> str | None:
        """Return the LaTeX of what written source has in the place of this operation.

        It is None where that is the operation itself, or is no call that a card has LaTeX for.

        So a product with 1/n is a quotient by n, and a sum over what was broadcast a sum over axes.
        """
        reword = WORDINGS.get(node.primitive.name)
        known = {f"_operand_{number}": latex for number, latex in enumerate(operands)}
        worded = reword(node, [ast.Name(name, ast.Load()) for name in known]) if reword else None
        reading = Reading(lambda name: Formula(name, known[name]))
        if isinstance(worded, ast.Call):
            return of_card(worded, reading)
        return None if worded is None else reading.read(worded).latex
