"""A step is one checked equality of a derivation: a name, its formula, its rule, its numbers."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ...core.annotations import Array
from ..phrases import ENGLISH, Phrases
from .formula import Formula, minus
from .numbers import numbers
from .rules import Rule

# The parts of a derivation, which are the keys of their headings.
PARTS = ("forward", "backward")


@dataclass(frozen=True)
class Step:
    """One equality of a derivation: a name, its formula, why it holds, and its numbers.

    Attributes
    ----------
    number : int
        From 1.
    part : str
        ``"forward"`` or ``"backward"``.
    name, source : str
        The left-hand side as an identifier, the right-hand side as NumPy.
    formula : Formula
        The equality: ``.text``, ``.latex``, ``.mathml``.
    rule : Rule
        Its ``.subject`` and ``.equation``.
    value : array
    numbers : str
        What is printed of the value.
    error : float
        By how much the engine's value differs, in units of the sum of the terms' magnitudes.
    """

    number: int
    part: str
    name: str
    source: str
    formula: Formula
    rule: Rule
    value: Array = field(repr=False)
    numbers: str
    error: float

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the value."""
        return np.shape(self.value)

    def told(self, say: Phrases) -> str:
        """Return the step as three lines of text."""
        lines = [
            f"{self.number:>4}. {self.formula.text}    {self.shape}",
            f"      [{self.rule.cited(say)}]",
            f"      = {minus(self.printed(say))}",
        ]
        return "\n".join(lines)

    def printed(self, say: Phrases) -> str:
        """Return what is printed of the value in a language."""
        return numbers(self.value, say.table["array"])

    def __str__(self) -> str:
        return self.told(ENGLISH)
