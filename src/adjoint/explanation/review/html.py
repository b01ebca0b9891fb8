"""The HTML of a backward review: its text, and the steps of the derivation as mathematics."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...notebook.html import folded, preformatted, view
from ..derivation.page_style import sheet
from ..derivation.step import Step
from ..derivation.step_html import item

if TYPE_CHECKING:
    from .report import BackwardReview


def write(review: BackwardReview) -> str:
    """Return a review as a notebook shows it."""
    return view(preformatted(str(review)), *_steps(review))


def _steps(review: BackwardReview) -> Iterator[str]:
    """Yield each step that computes a wrong term, once."""
    steps = {found.step.number: found.step for found in review.findings if found.step is not None}
    if steps:
        yield f"<style>{sheet()}</style>"
    for number, step in steps.items():
        yield folded(f"step {number} of the derivation: {step.name}", _formula(step), is_open=False)


def _formula(step: Step) -> str:
    lines = "\n".join(item(step))
    return f'<div class="adjoint-derivation"><ol class="{step.part}">{lines}</ol></div>'
