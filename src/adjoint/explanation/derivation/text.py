"""The text of a derivation: its steps one under the other, with their rules and numbers."""

from __future__ import annotations

from .document import Document
from .step import PARTS


def write(derivation: Document) -> str:
    """Return a derivation as text."""
    lines = [derivation.title, "", "Given"]
    lines += [f"      {formula.text} = {text}" for _, formula, text in derivation.given()]
    for part, heading in PARTS.items():
        lines += ["", heading]
        lines += [str(step) for step in derivation if step.part == part]
    if derivation.entry is not None:
        lines += ["", str(derivation.entry)]
    lines += ["", "The engine's gradient"]
    lines += [f"      {formula.text} = {text}" for formula, text in derivation.results()]
    return "\n".join(lines)
