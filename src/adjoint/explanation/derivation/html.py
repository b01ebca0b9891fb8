"""The HTML of a derivation: one page that needs nothing else, with mathematics as MathML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...compiler.source.equations import EQUATIONS
from ...core.annotations import Array
from . import numbers as texts
from .document import Document
from .formula import Formula, identifier, symbol
from .mathml import write as mathml
from .matrix import matrix
from .page_style import page_sheet, sheet
from .picture import Picture
from .rules import latex_of
from .step import PARTS, Step
from .step_html import displayed, equality, flowing, inline, item, small_matrix, wide


def write(derivation: Document, equations: str = "") -> str:
    """Return a derivation as a page of HTML; ``equations`` is the address of their derivation."""
    return "\n".join(
        [
            "<!DOCTYPE html>",
            f'<html lang="{derivation.say.lang}">',
            '<head><meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(derivation.title)}</title>",
            f"<style>{page_sheet()}</style></head>",
            "<body>",
            _Fragment(derivation, "", equations).text(),
            "</body>",
            "</html>",
            "",
        ]
    )


def fragment(derivation: Document) -> str:
    """Return a derivation as part of a page, with its own style.

    Its anchors differ from those of other derivations on that page.
    """
    told = [derivation.title, *(f"{step.source} = {step.numbers}" for step in derivation)]
    return _Fragment(derivation, f"d{texts.checksum(' '.join(told))}-").text()


class _Fragment:
    """A derivation as part of a page on which all its anchors begin with ``prefix``."""

    def __init__(self, derivation: Document, prefix: str, equations: str = "") -> None:
        self.derivation, self.say, self.prefix = derivation, derivation.say, prefix
        self.equations = equations
        self.picture = Picture(derivation)
        cited = {step.rule.equation.number for step in derivation if step.rule.equation}
        self.cited = sorted(cited)

    def text(self) -> str:
        """Return the HTML."""
        parts = {
            "graph": list(self._graph()),
            "given": list(self._results(self.derivation.given())),
            **{part: list(self._steps(part)) for part in PARTS},
            "one entry": list(self._entry()),
            "engine": list(self._results(self.derivation.results())),
            "equations": list(self._equations()),
        }
        shown = {key: lines for key, lines in parts.items() if lines}
        lines = [f"<style>{sheet()}</style>"]
        lines.append(f'<main class="adjoint-derivation" lang="{self.say.lang}">')
        lines += [f"<h1>{escape(self.derivation.title)}</h1>", *self._summary()]
        links = (f'<a href="#{self._anchor(key)}">{self._words(key)}</a>' for key in shown)
        lines += ["<nav>", *links, "</nav>"]
        for key, part in shown.items():
            lines += [f'<h2 id="{self._anchor(key)}">{self._words(key)}</h2>', *part]
        return "\n".join([*lines, "</main>"])

    def _words(self, key: str, **fields: object) -> str:
        return escape(self.say(key, **fields))

    def _anchor(self, name: str) -> str:
        return f"{self.prefix}{name.replace(' ', '-')}"

    # --- the summary

    def _summary(self) -> Iterator[str]:
        """Yield what was differentiated, by what, in how many steps, and that all of it holds."""
        derivation, program = self.derivation, self.derivation.program
        wanted = [name for name in derivation.inputs if name in derivation.gradient]
        others = [name for name in derivation.inputs if name not in derivation.gradient]
        counts = {part: sum(step.part == part for step in derivation) for part in PARTS}
        value = identifier(program.value) + symbol(" = ")
        rows = [
            ("value", displayed(value.mathml) + self._figures(program.value)),
            ("differentiated by", "".join(map(self._item, wanted))),
            ("given besides", "".join(map(self._item, others))),
            ("steps", self._words("counted steps", **counts)),
        ]
        yield '<section class="summary"><dl>'
        yield from (f"<dt>{self._words(key)}</dt><dd>{told}</dd>" for key, told in rows if told)
        yield f'</dl><p class="verdict">✓ {escape(derivation.verdict)}</p></section>'

    def _figures(self, name: str) -> str:
        value = self.derivation.evaluator[name]
        figures = matrix(value)
        return escape(texts.numbers(value)) if figures is None else displayed(figures.mathml)

    def _item(self, name: str) -> str:
        """Return an input with its shape, and where it stands in the model."""
        formula, array = self.derivation.written(name), self.derivation.inputs[name]
        path = self.derivation.program.paths.get(name)
        known = f" {escape(path)}" if path is not None and path != formula.text else ""
        shape = f'<span class="size">{known} {escape(str(array.shape))}</span>'
        return f'<span class="item">{displayed(formula.mathml)}{shape}</span> '

    # --- the graph

    def _graph(self) -> Iterator[str]:
        if self.picture.is_readable:
            yield f'<p class="back">{self._words("graph note")}</p>'
            yield f'<div class="graph" tabindex="0">{self.picture.svg(self.prefix)}</div>'
        elif self.picture.cards:
            yield f"<p>{self._words('no graph', count=len(self.picture.cards))}</p>"

    # --- given, steps, and results

    def _results(self, results: Iterator[tuple[Formula, Array]]) -> Iterator[str]:
        """Yield names and their numbers, side by side where these are a small matrix."""
        items = [line for formula, x in results for line in self._result(formula.mathml, x)]
        yield from ["<ul>", *items, "</ul>"] if items else []

    def _result(self, left: str, value: Array) -> Iterator[str]:
        figures = small_matrix(value)
        if figures is None:
            yield from ["<li>", *equality(left, value, self.say), "</li>"]
        else:
            inner = f"<mrow>{left}<mo>=</mo>{figures.mathml}</mrow>"
            yield f"<li>{wide(inner, 'figures')}</li>"

    def _steps(self, part: str) -> Iterator[str]:
        steps = [
            line
            for step in self.derivation
            if step.part == part
            for line in item(step, self._anchor(f"step-{step.number}"), self._rule(step), self.say)
        ]
        yield from [f'<ol class="{part}">', *steps, "</ol>"] if steps else []

    def _rule(self, step: Step) -> str:
        """Return why a step holds, with links to the equation and to the picture."""
        told = escape(step.rule.told(self.say))
        if (equation := step.rule.equation) is not None:
            address = f"#{self._anchor(f'equation {equation.number}')}"
            cited = f'<a href="{address}">({equation.number})</a> {inline(step.rule.latex)}'
            told = self.say("labelled", label=told, what=cited)
        told += f" · {self._words('shape', shape=step.shape)}"
        if (place := self.picture.box(step)) is not None:
            address = f"#{self.prefix}box-{place}"
            link = f'<a href="{address}">{self._words("in the graph")}</a>'
            told += f'<span class="back"> · {link}</span>'
        return told

    # --- one entry

    def _entry(self) -> Iterator[str]:
        entry = self.derivation.entry
        if entry is None:
            return
        yield f"<p>{escape(entry.headed(self.say))}</p>"
        yield '<ul class="one">'
        views = {"matrix view": [entry.line], "scalar view": entry.scalar_view(self.say)}
        for key, parts in views.items():
            yield f'<li><div class="rule">{self._words(key)}</div>{flowing(parts)}</li>'
        yield '</ul><ol class="one backward">'
        for number, (way, product) in enumerate(entry.shown(), 1):
            yield f'<li><div class="rule"><b>{number}</b></div>'
            yield f"{flowing(way)}{flowing(product)}</li>"
        yield "</ol>"
        if rest := entry.rest(self.say):
            yield f"<p>{escape(rest)}</p>"
        together = self.say("labelled", label=self._words("all paths"), what="")
        yield f'<div class="one"><p>{together}</p>{flowing(entry.sum_parts())}</div>'

    # --- the equations

    def _equations(self) -> Iterator[str]:
        if not self.cited:
            return
        yield f"<p>{self._words('equations note')}</p><ul>"
        for number in self.cited:
            name, formula = self._words(f"equation {number}"), latex_of(EQUATIONS[number])
            yield f'<li id="{self._anchor(f"equation {number}")}">'
            yield f'<div class="rule"><b>{self._derived(number)}</b> {name}</div>'
            yield wide(mathml(formula))
            yield f"<p>{self._words(f'about {number}')}</p></li>"
        yield "</ul>"

    def _derived(self, number: int) -> str:
        """Return an equation's number, which leads to where it is derived, if that is known."""
        if not self.equations:
            return f"({number})"
        address = self.equations.replace("{number}", str(number))
        return f'<a href="{escape(address)}">({number})</a>'
