"""The Markdown of a derivation, with its mathematics between dollar signs."""

from __future__ import annotations

import re

from ...core.annotations import Array
from .document import Document
from .entry_paths import EntryPaths
from .formula import EMPTY, Formula, joined
from .matrix import matrix
from .step import PARTS, Step


def write(derivation: Document) -> str:
    """Return a derivation as Markdown."""
    say = derivation.say
    lines = [f"# {_plain(derivation.title)}", "", derivation.verdict]
    lines += ["", f"## {say('given')}", ""]
    lines += [_result(derivation, formula, x) for formula, x in derivation.given()]
    for part in PARTS:
        lines += ["", f"## {say(part)}", ""]
        for step in derivation:
            lines += _step(derivation, step) if step.part == part else []
    if derivation.entry is not None:
        lines += ["", f"## {say('one entry')}", "", *_entry(derivation, derivation.entry)]
    lines += ["", f"## {say('engine')}", ""]
    lines += [_result(derivation, formula, x) for formula, x in derivation.results()]
    return "\n".join([*lines, ""])


def _result(derivation: Document, left: Formula, value: Array) -> str:
    return f"- {_maths(f'{left.latex} = ')} {_figures(derivation, value)}"


def _step(derivation: Document, step: Step) -> list[str]:
    rule = step.rule.told(derivation.say)
    if step.rule.equation is not None:
        number = f"{rule} ({step.rule.equation.number})"
        rule = derivation.say("labelled", label=number, what=f"${step.rule.latex}$")
    shape = derivation.say("shape", shape=step.shape)
    return [
        f"{step.number}. {_maths(step.formula.latex)}",
        "",
        f"   *{rule}*; {shape}",
        "",
        f"   = {_figures(derivation, step.value)}",
        "",
    ]


def _entry(derivation: Document, entry: EntryPaths) -> list[str]:
    say = derivation.say
    lines = [_plain(entry.headed(say)), ""]
    for key, parts in (("matrix view", [entry.line]), ("scalar view", entry.scalar_view(say))):
        lines.append(f"- {say('labelled', label=say(key), what=_joined(parts))}")
    lines.append("")
    for number, (way, product) in enumerate(entry.shown(), 1):
        lines.append(f"{number}. {say('labelled', label=_joined(way), what=_joined(product))}")
    lines += [text for rest in [entry.rest(say)] if rest for text in ("", _plain(rest))]
    return [*lines, "", _joined(entry.sum_parts())]


def _joined(parts: list[Formula]) -> str:
    return _maths(joined(parts, EMPTY).latex)


def _figures(derivation: Document, value: Array) -> str:
    figures = matrix(value)
    return f"`{derivation.printed(value)}`" if figures is None else _maths(figures.latex)


def _maths(latex: str) -> str:
    """Return mathematics between dollar signs, which stand for nothing else in it."""
    return f"${latex.replace(chr(92) + '$', '{' + chr(92) + 'textdollar}').strip()}$"


def _plain(text: str) -> str:
    """Return text as Markdown shows it verbatim."""
    return re.sub(r"([\\`*_{}\[\]<>#|$&~])", r"\\\1", text)
