"""The Markdown of a derivation, with its mathematics between dollar signs."""

from __future__ import annotations

from ...core.annotations import Array
from .document import Document
from .matrix import matrix
from .step import PARTS, Step


def write(derivation: Document) -> str:
    """Return a derivation as Markdown."""
    lines = [f"# {_plain(derivation.title)}", "", "## Given", ""]
    for name, formula, text in derivation.given():
        lines.append(f"- ${formula.latex} = $ {_figures(derivation.evaluator[name], text)}")
    for part, heading in PARTS.items():
        lines += ["", f"## {heading}", ""]
        for step in derivation:
            lines += _step(step) if step.part == part else []
    if derivation.entry is not None:
        lines += ["", "## One entry", "", "```text", str(derivation.entry), "```"]
    lines += ["", "## The engine's gradient", ""]
    lines += [
        f"- ${formula.latex} = $ {_figures(derivation.gradient[name], text)}"
        for name, (formula, text) in zip(derivation.gradient, derivation.results(), strict=True)
    ]
    return "\n".join([*lines, ""])


def _step(step: Step) -> list[str]:
    rule = step.rule.subject
    if step.rule.equation is not None:
        rule += f" ({step.rule.equation.number}): ${step.rule.latex}$"
    return [
        f"{step.number}. ${step.formula.latex}$",
        "",
        f"   *{rule}*; shape {step.shape}",
        "",
        f"   = {_figures(step.value, step.numbers)}",
        "",
    ]


def _figures(value: Array, text: str) -> str:
    figures = matrix(value)
    return f"`{text}`" if figures is None else f"${figures.latex}$"


def _plain(text: str) -> str:
    return text.replace("_", r"\_").replace("*", r"\*")
