"""A step in HTML is a formula and its numbers, each in a box that scrolls by itself."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape

from ...core.annotations import Array
from ..phrases import ENGLISH, Phrases
from .formula import Formula, minus
from .mathml import write as mathml
from .matrix import matrix
from .numbers import numbers
from .step import Step

# A matrix with more columns is printed as text, which is broken into lines and has room on paper.
_MOST_COLUMNS = 8


def item(step: Step, anchor: str = "", rule: str = "", say: Phrases = ENGLISH) -> Iterator[str]:
    """Yield a step as an item of a list, in the style of a derivation.

    ``rule`` is HTML that says why it holds; by default its rule, and the shape.
    """
    shape = escape(say("shape", shape=step.shape))
    told = rule or f"{escape(step.rule.cited(say))} · {shape}"
    yield f'<li id="{escape(anchor or f"step-{step.number}")}">'
    yield f'<div class="rule"><b>{step.number}</b> {told}</div>'
    yield from equality(step.formula.mathml, step.value, say)
    yield "</li>"


def equality(left: str, value: Array, say: Phrases) -> Iterator[str]:
    """Yield a formula in MathML and below it its numbers."""
    yield wide(f"<mrow>{left}</mrow>")
    figures = small_matrix(value)
    if figures is None:
        printed = minus(numbers(value, say.table["array"]))
        yield f'<div class="numbers">= {escape(printed)}</div>'
    else:
        yield wide(f"<mrow><mo>=</mo>{figures.mathml}</mrow>", "figures")


def small_matrix(value: Array) -> Formula | None:
    """Return a number, row or matrix as a formula, unless it is too wide for a narrow page."""
    columns = value.shape[-1] if value.ndim else 1
    return matrix(value) if columns <= _MOST_COLUMNS else None


def wide(inner: str, kind: str = "") -> str:
    """Return mathematics in a box that scrolls by itself, with the keys too."""
    classes = f"wide {kind}".strip()
    return f'<div class="{classes}" tabindex="0">{displayed(inner)}</div>'


def flowing(parts: Sequence[Formula]) -> str:
    """Return a formula in parts, between which the line may be broken."""
    first, *others = [part.mathml for part in parts]
    # A sign at the beginning of a part stands between two parts.
    sign = re.compile('^(<mrow>)?<mo form="prefix">')
    others = [sign.sub(r'\1<mo form="infix">', part) for part in others]
    pieces = (f'<span class="wide">{displayed(part)}</span>' for part in (first, *others))
    return f'<div class="flowing">{" ".join(pieces)}</div>'


def displayed(inner: str) -> str:
    """Return mathematics in its large form."""
    return f'<math displaystyle="true">{inner}</math>'


def inline(latex: str) -> str:
    """Return mathematics in a line of text."""
    return f"<math>{mathml(latex)}</math>"
