"""The LaTeX of a derivation: the body of a document that uses the package amsmath."""

from __future__ import annotations

from collections.abc import Iterator

from ...core.annotations import Array
from ...core.metadata import escape_latex
from .document import Document
from .entry_paths import EntryPaths
from .formula import GREEK
from .matrix import matrix
from .step import PARTS, Step

_MARKS = {
    "→": r"$\to$",
    "·": r"$\cdot$",
    "…": r"\dots{}",
    "∂": r"$\partial$",
    "Σ": r"$\Sigma$",
    "⊙": r"$\odot$",
    "ᵀ": r"$^{\top}$",
    "−": "$-$",
    "√": r"$\surd$",
    "²": "$^2$",
    "³": "$^3$",
    "∞": r"$\infty$",
    **{letter: rf"$\{name}$" for letter, name in GREEK.items()},
}


def write(derivation: Document) -> str:
    """Return a derivation as the body of a LaTeX document."""
    lines = [rf"\section*{{{_text(derivation.title)}}}", r"\subsection*{Given}"]
    for name, formula, text in derivation.given():
        lines += _equality(formula.latex, derivation.evaluator[name], text)
    for part, heading in PARTS.items():
        steps = [step for step in derivation if step.part == part]
        if steps:
            lines += [rf"\subsection*{{{heading}}}", r"\begin{enumerate}"]
            lines += [f"  {line}" for step in steps for line in _step(step)]
            lines.append(r"\end{enumerate}")
    if derivation.entry is not None:
        lines += [r"\subsection*{One entry}", *_entry(derivation.entry)]
    lines.append(r"\subsection*{The engine's gradient}")
    for name, (formula, text) in zip(derivation.gradient, derivation.results(), strict=True):
        lines += _equality(formula.latex, derivation.gradient[name], text)
    return "\n".join([*lines, ""])


def _step(step: Step) -> Iterator[str]:
    yield rf"\item[{step.number}.] {escape_latex(step.rule.subject)}; shape {step.shape}."
    if step.rule.equation is not None:
        yield rf"Equation ({step.rule.equation.number}): ${step.rule.latex}$."
    yield from _equality(step.formula.latex, step.value, step.numbers)


def _equality(left: str, value: Array, text: str) -> list[str]:
    figures = matrix(value)
    if figures is not None:
        return [rf"\[ {left} = {figures.latex} \]"]
    return [rf"\[ {left} \]", rf"{{\footnotesize\raggedright = {_text(text)}\par}}"]


def _entry(entry: EntryPaths) -> Iterator[str]:
    for line in str(entry).splitlines():
        yield rf"{{\footnotesize\raggedright\noindent {_text(line.strip())}\par}}"


def _text(text: str) -> str:
    """Return plain text with the marks of mathematics that it has."""
    return "".join(_MARKS.get(mark, escape_latex(mark)) for mark in text)
