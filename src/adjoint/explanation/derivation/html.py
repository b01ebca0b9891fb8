"""The HTML of a derivation: one page that needs nothing else, with mathematics as MathML."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from ...core.annotations import Array
from ...notebook.html import palette
from .document import Document
from .entry_paths import EntryPaths
from .matrix import matrix
from .step import PARTS, Step

STYLE = f"""
{palette(".adjoint-derivation")}"""
STYLE += """
.adjoint-derivation {
  background: var(--paper); color: var(--ink); margin: 0 auto; padding: 1rem; max-width: 60rem;
  font: 1rem/1.5 system-ui, sans-serif; box-sizing: border-box;
}
@media (prefers-color-scheme: dark) {
  .adjoint-derivation {
    --paper: #16161a; --ink: #e6e6ec; --faint: #a0a0ae; --line: #3a3a46; --forward: #8fa8ff;
    --backward: #ffab66;
  }
}
.adjoint-derivation h1 { font-size: 1.4rem; overflow-wrap: anywhere; }
.adjoint-derivation h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
.adjoint-derivation ol, .adjoint-derivation ul { list-style: none; margin: 0; padding: 0; }
.adjoint-derivation li {
  border-left: 3px solid var(--line); margin: 0 0 1rem; padding: .1rem 0 .1rem .8rem;
}
.adjoint-derivation .forward li { border-color: var(--forward); }
.adjoint-derivation .backward li { border-color: var(--backward); }
.adjoint-derivation .rule { color: var(--faint); font-size: .85rem; }
.adjoint-derivation .rule b { color: var(--ink); }
.adjoint-derivation .wide { overflow-x: auto; overflow-y: hidden; padding: .2rem 0; }
.adjoint-derivation .numbers { font: .85rem/1.5 ui-monospace, monospace; white-space: nowrap; }
.adjoint-derivation math { font-size: 1.1rem; }
.adjoint-derivation pre.numbers { white-space: pre-wrap; margin: 0; }
.adjoint-derivation mtd { text-align: right; padding: .2em .5em; }
.adjoint-derivation .cases mtd { text-align: left; }
/* Brackets are drawn, since few fonts have ones that stretch. */
.adjoint-derivation mtable:not(.cases) {
  --foot: linear-gradient(currentColor 0 0); border: solid; border-width: 0 1.5px; margin: 0 .2em;
  background: var(--foot) 0 0, var(--foot) 0 100%, var(--foot) 100% 0, var(--foot) 100% 100%;
  background-size: .35em 1.5px; background-repeat: no-repeat;
}
.adjoint-derivation mtable math, .adjoint-derivation .figures math { font-size: .9rem; }
"""


def write(derivation: Document) -> str:
    """Return a derivation as a page of HTML."""
    title = escape(derivation.title)
    head = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        '<head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title>",
        "<style>html { color-scheme: light dark; } body { margin: 0; }",
        "@media (prefers-color-scheme: dark) { body { background: #16161a; } }</style></head>",
        "<body>",
    ]
    return "\n".join([*head, fragment(derivation), "</body>", "</html>", ""])


def fragment(derivation: Document) -> str:
    """Return a derivation as part of a page, with its own style."""
    lines = [f"<style>{STYLE}</style>", '<main class="adjoint-derivation">']
    lines += [f"<h1>{escape(derivation.title)}</h1>", "<h2>Given</h2>", "<ul>"]
    for name, formula, text in derivation.given():
        lines += _result(formula.mathml, derivation.evaluator[name], text)
    lines.append("</ul>")
    for part, heading in PARTS.items():
        lines += [f"<h2>{heading}</h2>", f'<ol class="{part}">']
        lines += [line for step in derivation if step.part == part for line in item(step)]
        lines.append("</ol>")
    if derivation.entry is not None:
        lines += ["<h2>One entry</h2>", *_entry(derivation.entry)]
    lines += ["<h2>The engine's gradient</h2>", "<ul>"]
    for name, (formula, text) in zip(derivation.gradient, derivation.results(), strict=True):
        lines += _result(formula.mathml, derivation.gradient[name], text)
    return "\n".join([*lines, "</ul>", "</main>"])


def item(step: Step) -> Iterator[str]:
    """Yield a step as an item of a list, in the style of a derivation."""
    shape = escape(str(step.shape))
    yield f'<li id="step-{step.number}">'
    yield f'<div class="rule"><b>{step.number}</b> {escape(str(step.rule))}, shape {shape}</div>'
    yield from _equality(step.formula.mathml, step.value, step.numbers)
    yield "</li>"


def _result(left: str, value: Array, text: str) -> Iterator[str]:
    """Yield a name and its numbers, side by side where these are a small matrix."""
    figures = matrix(value)
    if figures is None:
        yield from ["<li>", *_equality(left, value, text), "</li>"]
    else:
        inner = f"<mrow>{left}<mo>=</mo>{figures.mathml}</mrow>"
        yield f'<li><div class="wide figures" tabindex="0">{_displayed(inner)}</div></li>'


def _equality(left: str, value: Array, text: str) -> Iterator[str]:
    """Yield a formula and its numbers, each in a box that scrolls by itself."""
    yield f'<div class="wide">{_displayed(f"<mrow>{left}</mrow>")}</div>'
    figures = matrix(value)
    if figures is None:
        yield f'<div class="wide numbers" tabindex="0">= {escape(text)}</div>'
    else:
        inner = f"<mrow><mo>=</mo>{figures.mathml}</mrow>"
        yield f'<div class="wide figures" tabindex="0">{_displayed(inner)}</div>'


def _displayed(inner: str) -> str:
    return f'<math displaystyle="true">{inner}</math>'


def _entry(entry: EntryPaths) -> Iterator[str]:
    yield f"<p>{escape(entry.heading)}</p>"
    text = "\n".join(str(entry).splitlines()[1:])
    yield f'<div class="wide"><pre class="numbers" tabindex="0">{escape(text)}</pre></div>'
