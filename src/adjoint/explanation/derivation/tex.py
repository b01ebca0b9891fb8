"""The parts of a formula, read from its LaTeX: marks, fractions, roots, scripts, brackets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NamedTuple, NoReturn, TypeAlias

# A private character stands for an operand in a template, so that no name can be mistaken for it.
_FIRST_PLACE = 0xE000
_LAST_PLACE = 0xF8FF
_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\d+(?:\.\d+)?|\s+|.", re.DOTALL)
_UPRIGHT = (r"\mathrm", r"\operatorname", r"\text")
_VERBATIM = {r"\textbackslash": "\\", r"\textasciicircum": "^", r"\textasciitilde": "~"}
_GREEK_NAMES = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi pi rho sigma tau "
    "upsilon phi chi psi omega"
)
GREEK_LETTERS = dict(zip(_GREEK_NAMES.split(), "αβγδεζηθικλμνξπρστυφχψω", strict=True))
_LETTERS = {
    **GREEK_LETTERS,
    "Gamma": "Γ",
    "Phi": "Φ",
    "partial": "∂",
    "infty": "∞",
}
_OPERATORS = {
    "cdot": "·",
    "odot": "⊙",
    "oplus": "⊕",
    "land": "∧",
    "lor": "∨",
    "lnot": "¬",
    "bmod": "mod",
    "le": "≤",
    "ge": "≥",
    "ne": "≠",
    "approx": "≈",
    "to": "→",
    "top": "⊤",
    "sum": "∑",
    "prod": "∏",
    "dots": "…",
    "lVert": "‖",
    "rVert": "‖",
    "lfloor": "⌊",
    "rfloor": "⌋",
    "lceil": "⌈",
    "rceil": "⌉",
}
_SIGNS = frozenset("+-*/=<>,:|()[]")


class Mark(NamedTuple):
    """A letter, a name, a number, an operator or a blank; ``kind`` is its element in MathML."""

    kind: str
    text: str


@dataclass(frozen=True)
class Group:
    """What stands between braces, or at the top: one thing after another."""

    items: tuple[Item, ...]


@dataclass(frozen=True)
class Fraction:
    """One group above another."""

    above: Group
    below: Group


@dataclass(frozen=True)
class Radical:
    """A root, of the degree that is given, or a square root."""

    inner: Group
    degree: Group | None


@dataclass(frozen=True)
class Scripts:
    """A thing with groups at its corners, each with its side, ``^`` or ``_``."""

    of: Item
    corners: tuple[tuple[str, Group], ...]


@dataclass(frozen=True)
class Brackets:
    """A group between two marks that grow with it."""

    opening: str
    inner: Group
    closing: str


@dataclass(frozen=True)
class Table:
    """Rows of cells; ``kind`` is LaTeX's environment, ``cases`` or ``bmatrix``."""

    kind: str
    rows: tuple[tuple[Group, ...], ...]


Item: TypeAlias = Mark | Group | Fraction | Radical | Scripts | Brackets | Table


def place(number: int) -> str:
    """Return the character that stands for an operand in a template."""
    return chr(_FIRST_PLACE + number)


def is_place(text: str) -> bool:
    """Return whether a text is such a character."""
    return len(text) == 1 and _FIRST_PLACE <= ord(text) <= _LAST_PLACE


def parse(latex: str) -> Group:
    r"""Return the tree of a formula.

    Raises
    ------
    ValueError
        If its braces, brackets or environments do not match.

    Examples
    --------
    >>> parse(r"-\pi")
    Group(items=(Mark(kind='mo', text='-'), Mark(kind='mi', text='π')))
    """
    parser = _Parser(latex)
    group = parser.group(())
    parser.expect("")
    return group


class _Parser:
    """Reads a formula from left to right."""

    def __init__(self, latex: str) -> None:
        self.latex = latex
        self.tokens: list[str] = [
            token for token in _TOKEN.findall(latex) if token != r"\textstyle"
        ]
        self.tokens.append("")  # so that there is always one that comes next
        self.go_to(0)

    def go_to(self, at: int) -> None:
        """Let that token come next, or the first after it that is no blank; empty at the end."""
        at = min(at, len(self.tokens) - 1)
        while self.tokens[at].isspace():
            at += 1
        self.at, self.next = at, self.tokens[at]

    def take(self) -> str:
        """Return the next token and go past it."""
        token = self.next
        self.go_to(self.at + 1)
        return token

    def expect(self, token: str) -> None:
        """Go past a token that has to come next."""
        if self.next != token:
            self.refuse(token or "the end")
        self.go_to(self.at + 1)

    def refuse(self, expected: str) -> NoReturn:
        """Raise, and say what was expected here."""
        raise ValueError(
            f"LaTeX {self.latex!r}: expected {expected}, got {self.next or 'the end'!r}"
        )

    def group(self, ends: tuple[str, ...]) -> Group:
        """Read until one of the tokens comes that end a group, or everything ends."""
        items: list[Item] = []
        ends = (*ends, "", "}", r"\right", r"\end")
        while self.next not in ends:
            if self.next in ("^", "_"):
                side = self.take()
                items.append(_with_script(items.pop() if items else Group(()), side, self.braced()))
            else:
                items.append(self.item())
        return Group(tuple(items))

    def braced(self) -> Group:
        """Read a group in braces, or the one thing that stands without."""
        if self.next != "{":
            return Group((self.item(),))
        self.take()
        group = self.group(())
        self.expect("}")
        return group

    def item(self) -> Item:
        """Read one thing, without the scripts that follow it."""
        token = self.next
        if token == "{":
            return self.braced()
        if not token:
            self.refuse("a term")
        self.take()
        if token == r"\frac":
            return Fraction(self.braced(), self.braced())
        if token == r"\sqrt":
            degree = self.degree()
            return Radical(self.braced(), degree)
        if token == r"\left":
            return self.brackets()
        if token == r"\begin":
            return self.table()
        if token in _UPRIGHT:
            return Mark("mi", self.upright())
        return _mark(token)

    def degree(self) -> Group | None:
        """Read the degree of a root, if it has one."""
        if self.next != "[":
            return None
        self.take()
        group = self.group(("]",))
        self.expect("]")
        return group

    def brackets(self) -> Brackets:
        """Read what stands between growing marks."""
        opening = _mark(self.take()).text
        inner = self.group(())
        self.expect(r"\right")
        return Brackets(opening, inner, _mark(self.take()).text)

    def table(self) -> Table:
        """Read an environment of rows and cells."""
        kind = self.upright()
        rows: list[list[Group]] = [[]]
        while self.next and self.next != r"\end":
            rows[-1].append(self.group(("&", r"\\")))
            if self.next == r"\\":
                rows.append([])
            if self.next in ("&", r"\\"):
                self.take()
        self.expect(r"\end")
        self.upright()
        return Table(kind, tuple(map(tuple, rows)))

    def upright(self) -> str:
        """Read a text in braces as it stands, blanks too."""
        if self.next != "{":
            self.refuse("{")
        text, at = "", self.at + 1
        while at < len(self.tokens) and (token := self.tokens[at]) not in ("}", ""):
            text += _VERBATIM.get(token) or _plain(token)
            # The command for a mark that is not typed as such ends in empty braces.
            at += 3 if token in _VERBATIM else 1
        self.go_to(at)
        self.expect("}")
        return text


def _with_script(of: Item, side: str, group: Group) -> Scripts:
    """Return a thing with one more script; a second one goes to the other corner."""
    if isinstance(of, Scripts) and side not in dict(of.corners):
        return Scripts(of.of, (*of.corners, (side, group)))
    return Scripts(of, ((side, group),))


def _plain(token: str) -> str:
    """Return what is shown of a token in a text: of an escaped mark the mark."""
    return token[1:] if token.startswith("\\") and len(token) == 2 else token


def _mark(token: str) -> Mark:
    if token == r"\,":
        return Mark("mspace", " ")
    name = token[1:] if token.startswith("\\") else ""
    if name in _LETTERS:
        return Mark("mi", _LETTERS[name])
    if name in _OPERATORS:
        return Mark("mo", _OPERATORS[name])
    if name:
        return Mark("mo" if name in ("{", "}") else "mi", name)
    if token[:1].isdigit():
        return Mark("mn", token)
    return Mark("mo" if token in _SIGNS else "mi", token)
