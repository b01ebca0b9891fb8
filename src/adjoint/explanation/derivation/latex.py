"""The LaTeX of a derivation: the body of a document that uses the package amsmath."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from ...core.annotations import Array
from ...core.metadata import escape_latex
from .document import Document
from .entry_paths import EntryPaths
from .formula import GREEK, Formula
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
    say = derivation.say
    lines = [rf"\section*{{{_text(derivation.title)}}}", _text(derivation.verdict), ""]
    lines.append(rf"\subsection*{{{say('given')}}}")
    for formula, x in derivation.given():
        lines += _equality(derivation, formula.latex, x)
    for part in PARTS:
        steps = [step for step in derivation if step.part == part]
        if steps:
            lines += [rf"\subsection*{{{say(part)}}}", r"\begin{enumerate}"]
            lines += [f"  {line}" for step in steps for line in _step(derivation, step)]
            lines.append(r"\end{enumerate}")
    if derivation.entry is not None:
        lines.append(rf"\subsection*{{{say('one entry')}}}")
        lines += _entry(derivation, derivation.entry)
    lines.append(rf"\subsection*{{{_text(say('engine'))}}}")
    for formula, x in derivation.results():
        lines += _equality(derivation, formula.latex, x)
    return "\n".join([*lines, ""])


def document(derivation: Document) -> str:
    """Return a derivation as a LaTeX document, for XeLaTeX if it has letters beyond English."""
    body = write(derivation)
    # The class ctexart has the fonts for Chinese, and breaks its lines.
    kind = "article" if body.isascii() else "ctexart"
    head = [
        rf"\documentclass{{{kind}}}",
        r"\usepackage[margin=2cm]{geometry}",
        r"\usepackage{amsmath}",
        r"\allowdisplaybreaks",
        r"\setcounter{MaxMatrixCols}{24}",
        r"\begin{document}",
    ]
    return "\n".join([*head, body + r"\end{document}", ""])


def _step(derivation: Document, step: Step) -> Iterator[str]:
    say = derivation.say
    rule = escape_latex(step.rule.told(say))
    yield rf"\item[{step.number}.] {rule}; {say('shape', shape=step.shape)}."
    if step.rule.equation is not None:
        equation = say("equation", number=step.rule.equation.number)
        yield say("labelled", label=equation, what=f"${step.rule.latex}$") + "."
    yield from _equality(derivation, step.formula.latex, step.value)


def _equality(derivation: Document, left: str, value: Array) -> list[str]:
    figures = matrix(value)
    if figures is not None:
        return [rf"\[ {left} = {figures.latex} \]"]
    return [rf"\[ {left} \]", _small(f"= {derivation.printed(value)}")]


def _entry(derivation: Document, entry: EntryPaths) -> Iterator[str]:
    say = derivation.say
    yield _text(entry.headed(say))
    yield ""
    for key, parts in (("matrix view", [entry.line]), ("scalar view", entry.scalar_view(say))):
        told = say("labelled", label=say(key), what=_broken(parts))
        yield rf"{{\raggedright\noindent {told}\par}}"
    yield r"\begin{enumerate}\small\raggedright"
    for way, product in entry.shown():
        yield rf"  \item {say('labelled', label=_broken(way), what=_broken(product))}"
    yield r"\end{enumerate}" if entry.paths else r"  \item[] \end{enumerate}"
    if rest := entry.rest(say):
        yield rf"\noindent {_text(rest)}\par"
    yield rf"{{\small\raggedright\noindent {_broken(entry.sum_parts())}\par}}"


def _broken(parts: Sequence[Formula]) -> str:
    """Return parts of a formula between which a line may be broken."""
    return " ".join(f"${part.latex.strip()}$" for part in parts)


def _small(text: str) -> str:
    return rf"{{\footnotesize\raggedright {_text(text)}\par}}"


def _text(text: str) -> str:
    """Return plain text with the marks of mathematics that it has."""
    return "".join(_MARKS.get(mark, escape_latex(mark)) for mark in text)
