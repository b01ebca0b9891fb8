"""An equation is the line of the derivation that a line of a written backward pass applies."""

from __future__ import annotations

from typing import NamedTuple

from ...core.node import Node
from ...core.registry import PRIMITIVES


class Equation(NamedTuple):
    """The number of an equation on the derivation page, what it is about, and the equation."""

    number: int
    subject: str
    formula: str


# The numbers are those of docs/explanation/equations.md.
EQUATIONS: dict[int, Equation] = {
    number: Equation(number, subject, formula)
    for number, subject, formula in (
        (2, "activation", "z' = σ(a)"),
        (3, "affine map", "a = zW + b"),
        (5, "activation", "∂L/∂a = ∂L/∂z' ⊙ σ'(a)"),
        (7, "affine map", "∂L/∂W = zᵀ ∂L/∂a"),
        (9, "affine map", "∂L/∂b = Σ ∂L/∂a"),
        (13, "affine map", "∂L/∂z = ∂L/∂a Wᵀ"),
        (14, "softmax with cross-entropy", "∂L/∂a = (softmax(a) - onehot(y)) / B"),
        (15, "gradient descent", "w ← w - η ∂L/∂w"),
        (16, "momentum", "v ← μv + ∂L/∂w, w ← w - ηv"),
        (17, "Adam", "m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², w ← w - η m̂ / (√v̂ + ε)"),
    )
}
_BY_ARGUMENT = {("matmul", 0): 13, ("matmul", 1): 7, ("softmax_cross_entropy", 0): 14}
_UPDATES = {"sgd": 15, "momentum": 16, "adam": 17}


def is_activation(rule: str) -> bool:
    """Return whether a rule is that of a primitive that networks apply to an affine map."""
    return rule in PRIMITIVES and PRIMITIVES[rule].facts.activation


def equation_of(node: Node) -> Equation | None:
    """Return the equation that a node applies, or None."""
    origin = getattr(node, "origin", None)
    if origin is None or node.primitive is None:
        return None
    if origin.rule in _UPDATES:
        return EQUATIONS[_UPDATES[origin.rule]]
    if origin.rule == "add" and node.primitive is PRIMITIVES["sum_to"]:
        return EQUATIONS[9]
    if is_activation(origin.rule):
        return EQUATIONS[5]
    number = _BY_ARGUMENT.get((origin.rule, origin.argument))
    return None if number is None else EQUATIONS[number]


def headings(nodes: list[Node]) -> list[tuple[str | None, int]]:
    """Return a heading for each run of nodes that belong together, and how many they are.

    None for the user's own lines. The equations of one subject stand side by side.
    """
    runs: list[tuple[str, list[Node]]] = []
    for node in nodes:
        subject = _subject(node)
        if runs and runs[-1][0] == subject:
            runs[-1][1].append(node)
        else:
            runs.append((subject, [node]))
    return [(_heading(subject, run), len(run)) for subject, run in runs]


def _subject(node: Node) -> str:
    origin, equation = getattr(node, "origin", None), equation_of(node)
    if equation is not None:
        return equation.subject
    return "" if origin is None else f"backward of {origin.rule}"


def _heading(subject: str, run: list[Node]) -> str | None:
    found = [equation for node in run if (equation := equation_of(node)) is not None]
    equations = dict.fromkeys(f"({each.number}) {each.formula}" for each in found)
    return ": ".join(part for part in (subject, ", ".join(equations)) if part) or None
