"""A formula is one piece of mathematics in three notations: plain text, LaTeX and MathML."""

from __future__ import annotations

import re
from typing import NamedTuple

from ...core.metadata import escape_latex, number_formula
from . import mathml
from .tex import GREEK_LETTERS


class Formula(NamedTuple):
    """The same mathematics as text and for a LaTeX document."""

    text: str
    latex: str

    def __add__(self, other: object) -> Formula:
        assert isinstance(other, Formula)
        return Formula(self.text + other.text, self.latex + other.latex)

    @property
    def mathml(self) -> str:
        """The same for a browser, written from the LaTeX."""
        return mathml.write(self.latex)


EMPTY = Formula("", "")
GREEK = {letter: name for name, letter in GREEK_LETTERS.items()}


def number(text: str) -> Formula:
    """Return a number, from its text in Python."""
    return Formula(minus(text), number_formula(text))


def words(text: str) -> Formula:
    """Return text inside of mathematics, upright."""
    # LaTeX has fonts for text, and not for mathematics, beyond the letters of English.
    command = "mathrm" if text.isascii() else "text"
    return Formula(text, rf"\{command}{{{escape_latex(text)}}}")


def minus(text: str) -> str:
    """Return text with the sign of mathematics in front of negative numbers.

    >>> minus("[-0.5, 1e-05] of a-b")
    '[−0.5, 1e−05] of a-b'
    """
    return re.sub(r"(?<![^\W\d_])-(?=\d|inf\b)|(?<=\de)-(?=\d)", "−", text)


def symbol(text: str, latex: str | None = None) -> Formula:
    """Return an operator, with the blanks that it has in text."""
    return Formula(text, text if latex is None else latex)


def identifier(name: str) -> Formula:
    """Return a name: digits at its end become an index.

    >>> identifier("W12").latex, identifier("loss").latex, identifier("alpha").text
    ('W_{12}', '\\\\mathrm{loss}', 'α')
    """
    name = "".join(GREEK.get(letter, letter) for letter in name) if len(name) == 1 else name
    found = re.fullmatch(r"([^\W\d_]+)_?(\d+)", name)
    stem, index = (found[1], found[2]) if found else (name, "")
    if stem in GREEK_LETTERS:
        base = Formula(GREEK_LETTERS[stem], f"\\{stem}")
    else:
        base = symbol(stem) if len(stem) == 1 and stem.isascii() else words(stem)
    if not index:
        return base
    text = name if stem == base.text else base.text + index
    return Formula(text, f"{base.latex}_{{{index}}}")


def derivative(of: Formula, by: Formula) -> Formula:
    """Return ∂of/∂by."""
    latex = rf"\frac{{\partial {of.latex}}}{{\partial {by.latex}}}"
    return Formula(f"∂{of.text}/∂{by.text}", latex)


def bracketed(inner: Formula, opening: str = "(", closing: str = ")") -> Formula:
    """Return a formula in brackets that grow with it."""
    return Formula(
        f"{opening}{inner.text}{closing}", rf"\left{opening}{inner.latex}\right{closing}"
    )


def joined(parts: list[Formula], separator: Formula) -> Formula:
    """Return formulas side by side."""
    row = EMPTY
    for position, part in enumerate(parts):
        row = row + separator + part if position else part
    return row
