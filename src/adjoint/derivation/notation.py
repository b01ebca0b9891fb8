"""A formula is one piece of mathematics in three notations: plain text, LaTeX and MathML."""

from __future__ import annotations

import re
from html import escape
from typing import NamedTuple


class Formula(NamedTuple):
    """The same mathematics as text, for a LaTeX document and for a browser."""

    text: str
    latex: str
    mathml: str

    def __add__(self, other: object) -> Formula:
        assert isinstance(other, Formula)
        return Formula(*(a + b for a, b in zip(self, other, strict=True)))


EMPTY = Formula("", "", "")
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu "
    "nu xi pi rho sigma tau upsilon phi chi psi omega"
)
_GREEK_LETTERS = dict(zip(_GREEK_NAMES.split(), "αβγδεζηθικλμνξπρστυφχψω", strict=True))
GREEK = {letter: name for name, letter in _GREEK_LETTERS.items()}
_SPECIAL = {
    "\\": r"\textbackslash{}",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    **{mark: f"\\{mark}" for mark in "&%$#_{}"},
}


def escape_latex(text: str) -> str:
    """Return text as LaTeX shows it verbatim.

    >>> escape_latex("50% of d_x")
    '50\\\\% of d\\\\_x'
    """
    return "".join(_SPECIAL.get(mark, mark) for mark in text)


def number(text: str) -> Formula:
    """Return a number, from its text in Python.

    >>> number("1e-05").latex
    '1 \\\\cdot 10^{-5}'
    """
    mantissa, e, exponent = text.partition("e")
    if not e or not exponent.lstrip("+-").isdigit():
        return Formula(text, text.replace("inf", r"\infty"), _mn(text.replace("inf", "∞")))
    power = str(int(exponent))
    return Formula(
        text,
        rf"{mantissa} \cdot 10^{{{power}}}",
        f"<mrow>{_mn(mantissa)}<mo>·</mo><msup><mn>10</mn>{_mn(power)}</msup></mrow>",
    )


def _mn(text: str) -> str:
    """Return a number for a browser, with a true minus sign."""
    return f"<mn>{escape(text.replace('-', '−'))}</mn>"


def words(text: str) -> Formula:
    """Return text inside of mathematics, upright."""
    return Formula(text, rf"\mathrm{{{escape_latex(text)}}}", f"<mi>{escape(text)}</mi>")


def symbol(text: str, latex: str | None = None) -> Formula:
    """Return an operator, with the blanks that it has in text."""
    return Formula(text, text if latex is None else latex, f"<mo>{escape(text.strip())}</mo>")


def identifier(name: str) -> Formula:
    """Return a name: digits at its end become an index.

    >>> identifier("W12").latex, identifier("loss").latex, identifier("alpha").text
    ('W_{12}', '\\\\mathrm{loss}', 'α')
    """
    name = "".join(GREEK.get(letter, letter) for letter in name) if len(name) == 1 else name
    found = re.fullmatch(r"([^\W\d_]+)_?(\d+)", name)
    stem, index = (found[1], found[2]) if found else (name, "")
    if stem in _GREEK_LETTERS:
        letter = _GREEK_LETTERS[stem]
        base = Formula(letter, f"\\{stem}", f"<mi>{letter}</mi>")
    elif len(stem) == 1 and stem.isascii():
        base = Formula(stem, stem, f"<mi>{stem}</mi>")
    else:
        base = words(stem)
    if not index:
        return base
    return Formula(
        name if stem == base.text else base.text + index,
        f"{base.latex}_{{{index}}}",
        f"<msub>{base.mathml}<mn>{index}</mn></msub>",
    )


def derivative(of: Formula, by: Formula) -> Formula:
    """Return ∂of/∂by."""
    return Formula(
        f"∂{of.text}/∂{by.text}",
        rf"\frac{{\partial {of.latex}}}{{\partial {by.latex}}}",
        f"<mfrac><mrow><mo>∂</mo>{of.mathml}</mrow><mrow><mo>∂</mo>{by.mathml}</mrow></mfrac>",
    )


def bracketed(inner: Formula, opening: str = "(", closing: str = ")") -> Formula:
    """Return a formula in brackets that grow with it."""
    latex = {"{": r"\{", "}": r"\}"}
    left, right = latex.get(opening, opening), latex.get(closing, closing)
    return Formula(
        f"{opening}{inner.text}{closing}",
        rf"\left{left}{inner.latex}\right{right}",
        f"<mrow><mo>{opening}</mo>{inner.mathml}<mo>{closing}</mo></mrow>",
    )


def fraction(above: Formula, below: Formula, text: str) -> Formula:
    """Return a fraction; ``text`` is how it stands on one line."""
    return Formula(
        text,
        rf"\frac{{{above.latex}}}{{{below.latex}}}",
        f"<mfrac><mrow>{above.mathml}</mrow><mrow>{below.mathml}</mrow></mfrac>",
    )


def power(base: Formula, exponent: Formula, text: str) -> Formula:
    """Return a power; ``text`` is how it stands on one line."""
    return Formula(
        text,
        f"{{{base.latex}}}^{{{exponent.latex}}}",
        f"<msup><mrow>{base.mathml}</mrow><mrow>{exponent.mathml}</mrow></msup>",
    )


def root(inner: Formula) -> Formula:
    """Return a square root."""
    return Formula(f"√({inner.text})", rf"\sqrt{{{inner.latex}}}", f"<msqrt>{inner.mathml}</msqrt>")


def indexed(base: Formula, key: Formula) -> Formula:
    """Return an entry or a part of an array."""
    return Formula(
        f"{base.text}[{key.text}]",
        f"{{{base.latex}}}_{{[{key.latex}]}}",
        f"<msub><mrow>{base.mathml}</mrow><mrow><mo>[</mo>{key.mathml}<mo>]</mo></mrow></msub>",
    )


def joined(parts: list[Formula], separator: Formula) -> Formula:
    """Return formulas side by side."""
    row = EMPTY
    for position, part in enumerate(parts):
        row = row + separator + part if position else part
    return row
