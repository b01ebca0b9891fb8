"""The text of a derivation: its steps one under the other, with their rules and numbers."""

from __future__ import annotations

from .document import Document
from .step import PARTS


def write(derivation: Document) -> str:
    """Return a derivation as text."""
    say = derivation.say
    lines = [derivation.title, "", say("given")]
    lines += [
        f"      {formula.text} = {derivation.printed(x)}" for formula, x in derivation.given()
    ]
    for part in PARTS:
        lines += ["", say(part)]
        lines += [step.told(say) for step in derivation if step.part == part]
    if derivation.entry is not None:
        lines += ["", derivation.entry.told(say)]
    lines += ["", say("engine")]
    lines += [
        f"      {formula.text} = {derivation.printed(x)}" for formula, x in derivation.results()
    ]
    return "\n".join([*lines, "", derivation.verdict])
