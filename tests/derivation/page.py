"""A section is a part of the derivation page with its own symbols, definitions and equations."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

from latex import LatexError, Statement, Tree, statements

DOCS = Path(__file__).parents[2] / "docs"
_DISPLAY = re.compile(r"```math\n(.*?)```", re.DOTALL)
_TAG = re.compile(r"\\tag\{([^}]+)\}")


@dataclass(frozen=True)
class Equation:
    """A numbered display."""

    number: str
    statements: tuple[Statement, ...]

    def claims(self) -> list[Statement]:
        """Return what is said to be equal, the two sides of a definition included."""
        return [each for each in self.statements if each.relations[0] != r"\leftarrow"]


@dataclass
class Section:
    """What stands under one heading; a display without a number says where the symbols live."""

    declared: dict[str, Tree] = field(default_factory=dict)
    equations: dict[str, Equation] = field(default_factory=dict)
    sources: dict[str, str] = field(default_factory=dict)

    def array_name(self, name: str) -> str:
        """Return W for w: entries are written in lower case."""
        if name in self.declared:
            return name
        return f"{name[:-2]}{name[-2].upper()}}}" if name.endswith("}") else name.upper()

    def definitions(self) -> dict[str, tuple[Tree, Tree]]:
        """Return what each name is defined as, and the left side: the later one, of several."""
        return {
            self.array_name(statement.sides[0].name): statement.sides[:2]
            for equation in self.equations.values()
            for statement in equation.statements
            if statement.relations[0] == ":="
        }

    def updates(self) -> dict[str, Tree]:
        """Return the first update of each name."""
        found: dict[str, Tree] = {}
        for equation in self.equations.values():
            for statement in equation.statements:
                if statement.relations == (r"\leftarrow",):
                    found.setdefault(statement.sides[0].name, statement.sides[1])
        return found


def displays(name: str) -> list[str]:
    """Return the LaTeX of every display of a page, as it stands there."""
    return _DISPLAY.findall((DOCS / name).read_text(encoding="utf-8"))


def sections(name: str = "explanation/derivation.md") -> list[Section]:
    """Return the sections of a page that have displays."""
    text = (DOCS / name).read_text(encoding="utf-8")
    parts = re.split(r"^## .*$", text, flags=re.MULTILINE)
    return [section(part) for part in parts if _DISPLAY.search(part)]


def section(text: str) -> Section:
    """Return one section from its Markdown."""
    read = Section()
    for latex in _DISPLAY.findall(text):
        tag = _TAG.search(latex)
        found = statements(_TAG.sub("", latex))
        read.sources[tag[1] if tag else ""] = latex
        if tag:
            if tag[1] in read.equations:
                raise LatexError(f"two equations ({tag[1]})")
            read.equations[tag[1]] = Equation(tag[1], tuple(found))
        else:
            _declare(read, found)
    return read


def _declare(read: Section, found: list[Statement]) -> None:
    """Note where symbols live; ``a, b ∈ ℝ`` reads as a statement ``a`` and one on b."""
    waiting: list[str] = []
    for statement in found:
        waiting.append(_declared_name(statement.sides[0]))
        if statement.relations == (r"\in",):
            read.declared.update(dict.fromkeys(waiting, statement.sides[1]))
            waiting = []
        elif statement.relations:
            raise LatexError(f"an equation without a number: {statement}")
    if waiting:
        raise LatexError(f"nothing says where {', '.join(waiting)} live")


def _declared_name(tree: Tree) -> str:
    """Return β_1 for an entry 1 of β: a numbered symbol is declared as one."""
    return "_".join([tree.name, *(part.name for part in tree.parts)])
