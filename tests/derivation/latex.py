"""A tree is one formula of the derivation page, read from its LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+|\S")
# What only places symbols on paper.
_LAYOUT = {r"\,", r"\;", r"\!", r"\ ", r"\left", r"\right", r"\bigl", r"\bigr", r"\quad", r"\qquad"}
_LAYOUT |= {r"\Bigl", r"\Bigr", r"\displaystyle"}
RELATIONS = ("=", ":=", r"\leftarrow", r"\in")
_FUNCTIONS = {r"\sigma", r"\sigma'", r"\ell", r"\mathrm{sign}"}
_ACCENTS = {r"\hat", r"\bar", r"\mathbf", r"\mathrm", r"\mathbb"}
_GREEK = "alpha beta gamma delta epsilon varepsilon eta lambda mu nu rho sigma ell"
_LETTERS = {"\\" + name for name in _GREEK.split()}
_GAPS = {r"\cdots", r"\vdots"}


class LatexError(ValueError):
    """The page uses LaTeX that nothing here gives a meaning."""


@dataclass(frozen=True)
class Tree:
    """A kind of operation, a name or numeral where it has one, and its operands."""

    kind: str
    name: str = ""
    parts: tuple[Tree, ...] = ()


@dataclass(frozen=True)
class Statement:
    """Formulas with a relation between each and the next."""

    sides: tuple[Tree, ...]
    relations: tuple[str, ...]


def tokens(latex: str) -> list[str]:
    """Return the symbols that mean something; ``:=`` is one of them."""
    found = [token for token in _TOKEN.findall(latex) if token not in _LAYOUT]
    joined: list[str] = []
    for token in found:
        if token == "=" and joined[-1:] == [":"]:
            joined[-1] = ":="
        else:
            joined.append(token)
    return joined


def statements(latex: str) -> list[Statement]:
    """Return the statements of one display: between commas or line breaks.

    A line that begins with a relation goes on with the statement before.
    """
    reader = _Reader(_unaligned(tokens(latex)))
    found = [reader.statement()]
    while reader.next in {",", r"\\"}:
        reader.take()
        found.append(reader.statement())
    if reader.next == ".":
        reader.take()
    if reader.next:
        raise LatexError(f"cannot read on at {reader.rest()!r} in {latex!r}")
    return found


def _unaligned(found: list[str]) -> list[str]:
    """Return the tokens without the environment that aligns lines, and without its marks."""
    text = " ".join(found)
    if r"\begin { a l i g n e d }" not in text:
        return found
    text = re.sub(r"\\(begin|end) \{ a l i g n e d \} ?", "", text)
    text = re.sub(r"\\\\ & (?==|\\leftarrow)", "", text)
    return [token for token in text.split() if token != "&"]


class _Reader:
    """Recursive descent, one method for each level of precedence."""

    def __init__(self, found: list[str]) -> None:
        self.found, self.place = found, 0

    @property
    def next(self) -> str:
        return self.found[self.place] if self.place < len(self.found) else ""

    def rest(self) -> str:
        return " ".join(self.found[self.place :])

    def take(self, expected: str = "") -> str:
        token = self.next
        if not token or (expected and token != expected):
            raise LatexError(f"expected {expected or 'more'!r} before {self.rest()!r}")
        self.place += 1
        return token

    def statement(self) -> Statement:
        sides, relations = [self.total()], []
        while self.next in RELATIONS:
            relations.append(self.take())
            sides.append(self.set() if relations[-1] == r"\in" else self.total())
        return Statement(tuple(sides), tuple(relations))

    def set(self) -> Tree:
        """Read ℝ, ℝ^{p × q}, ℝ_{+}^{p × q} or {0, 1}^{p × q}; the parts are p and q."""
        name = "".join(self.take() for _ in range(5)) if self.next == r"\{" else self.named()
        if self.next == "_":
            name += "".join(self.take(expected) for expected in ("_", "{", "+", "}"))
        if self.next != "^":
            return Tree("set", name)
        self.take()
        self.take("{")
        rows = self.atom()
        self.take(r"\times")
        columns = self.atom()
        self.take("}")
        return Tree("set", name, (rows, columns))

    def total(self) -> Tree:
        parts = [self.signed()]
        while self.next in {"+", "-"}:
            parts.append(self.signed())
        return parts[0] if len(parts) == 1 else Tree("add", parts=tuple(parts))

    def signed(self) -> Tree:
        sign = self.take() if self.next in {"+", "-"} else "+"
        term = self.term()
        return Tree("negative", parts=(term,)) if sign == "-" else term

    def term(self) -> Tree:
        factors = [self.product()]
        while self.next == r"\odot":
            self.take()
            factors.append(self.product())
        return factors[0] if len(factors) == 1 else Tree("hadamard", parts=tuple(factors))

    def product(self) -> Tree:
        factors = [self.factor()]
        while self._begins_factor():
            if self.next == r"\cdot":
                self.take()
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else Tree("product", parts=tuple(factors))

    def _begins_factor(self) -> bool:
        ends = {"", ")", "}", ",", ".", "+", "-", "&", r"\\", r"\odot", r"\end", r"\times"}
        return self.next not in ends and self.next not in RELATIONS

    def factor(self) -> Tree:
        base = self.atom()
        while self.next in {"^", "_"}:
            base = self.raised(base) if self.take() == "^" else self.indexed(base)
        return base

    def raised(self, base: Tree) -> Tree:
        exponent = self.group()
        if exponent == Tree("symbol", "T"):
            return Tree("transpose", parts=(base,))
        return Tree("power", parts=(base, exponent))

    def indexed(self, base: Tree) -> Tree:
        if base.kind != "symbol":
            raise LatexError(f"an index on {base.kind}, before {self.rest()!r}")
        return Tree("entry", base.name, self.indices())

    def indices(self) -> tuple[Tree, ...]:
        if self.next != "{":
            return (self.atom(),)
        self.take()
        found = []
        while self.next != "}":
            found.append(self.atom())
        self.take()
        return tuple(found)

    def group(self) -> Tree:
        if self.next != "{":
            return self.atom()
        self.take()
        inside = self.total()
        self.take("}")
        return inside

    def atom(self) -> Tree:
        token = self.next
        if token.isdigit():
            return Tree("number", self.take())
        if token == "(":
            self.take()
            inside = self.total()
            self.take(")")
            return inside
        readers = {r"\frac": self.fraction, r"\sqrt": self.root, r"\sum": self.sum}
        readers |= {r"\log": self.logarithm, r"\begin": self.matrix}
        if token in readers:
            self.take()
            return readers[token]()
        if token in _GAPS:
            return Tree("gap", self.take())
        return self.symbol()

    def symbol(self) -> Tree:
        name = self.named()
        if name in _FUNCTIONS and self.next == "(":
            return Tree("call", name, (self.atom(),))
        return Tree("symbol", name)

    def named(self) -> str:
        token = self.take()
        if token in _ACCENTS:
            self.take("{")
            while self.next != "}":
                token += ("" if "{" in token else "{") + self.take()
            token += self.take()
        elif not (token.isalpha() or token in _LETTERS):
            raise LatexError(f"{token!r} has no meaning, before {self.rest()!r}")
        while self.next == "'":
            token += self.take()
        return token

    def root(self) -> Tree:
        return Tree("root", parts=(self.group(),))

    def logarithm(self) -> Tree:
        return Tree("log", parts=(self.factor(),))

    def sum(self) -> Tree:
        """Read the sum and the product that it reaches over."""
        self.take("_")
        self.take("{")
        index = self.named()
        self.take("=")
        lower = self.total()
        self.take("}")
        self.take("^")
        upper = self.group()
        return Tree("sum", index, (lower, upper, self.product()))

    def fraction(self) -> Tree:
        if self.found[self.place : self.place + 2] != ["{", r"\partial"]:
            return Tree("fraction", parts=(self.group(), self.group()))
        self.take("{")
        self.take()
        numerator = None if self.next == "}" else self.factor()
        self.take("}")
        self.take("{")
        self.take(r"\partial")
        denominator = self.factor()
        self.take("}")
        return Tree("partial", parts=(numerator or self.factor(), denominator))

    def matrix(self) -> Tree:
        """Read an environment of rows; a row of dots alone stands for the rows left out."""
        environment = "".join(self.take() for _ in range(len("{pmatrix}")))
        if environment != "{pmatrix}":
            raise LatexError(f"the environment {environment} has no meaning")
        rows = [self.row()]
        while self.next == r"\\":
            self.take()
            rows.append(self.row())
        self.take(r"\end")
        for _ in environment:
            self.take()
        return Tree("matrix", parts=tuple(rows))

    def row(self) -> Tree:
        cells: list[Tree] = []
        while self.next not in {r"\\", r"\end"}:
            if self.next == "&":
                self.take()
            else:
                cells.append(self.total())
        return Tree("row", parts=tuple(cells))
