"""The paths of an entry: what each adds to the gradient, written as a sum."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from ..phrases import ENGLISH, Phrases
from .formula import EMPTY, Formula, derivative, identifier, joined, number, symbol
from .walk import MOST, Path, number_text, subscript

# So many paths are printed one by one; the rest are added up.
SHOWN = 12


@dataclass(frozen=True)
class EntryPaths:
    """All paths from one entry of an input to the value, the largest contribution first.

    Attributes
    ----------
    entry : str
        As asked for.
    input, index : str, tuple of int
        The same in the derivation's names.
    count : int or None
        How many paths there are with slopes other than 0; None if they were too many to count.
    paths : list of Path
        All of them, or where these are more than `walk.MOST` a group for each value that the entry
        enters: all paths that go on from there.
    gradient : float
        The entry of the engine's gradient.
    slack : float
        How far the sum of all contributions may be from it.
    value : str
        The name of what is differentiated.
    first : list of (str, float, float)
        The scalar view: each value that the entry enters, its slope by the entry, and the gradient
        by it.
    line : Formula
        The line of the derivation that the entry is one of.
    written : callable
        How a name is written.
    """

    entry: str
    input: str
    index: tuple[int, ...]
    count: int | None
    paths: list[Path]
    gradient: float
    slack: float
    value: str
    first: list[tuple[str, float, float]]
    line: Formula
    written: Callable[[str], Formula] = field(default=identifier, repr=False)

    @property
    def matrix(self) -> str:
        """The line of the derivation that the entry is one of, as text."""
        return self.line.text

    @property
    def name(self) -> str:
        """The entry in the derivation's names."""
        return f"{self.input}{subscript(self.index)}"

    @property
    def complete(self) -> bool:
        """Whether each path stands for itself."""
        return self.count is not None and self.count <= MOST

    @property
    def total(self) -> float:
        """The sum of all contributions."""
        return math.fsum(path.contribution for path in self.paths)

    @property
    def remainder(self) -> float:
        """The sum of the contributions that are not printed."""
        return math.fsum(path.contribution for path in self.paths[SHOWN:])

    @property
    def equalities(self) -> int:
        """How many equalities are printed: one a path, of the rest, of the view, and of the sum."""
        return min(len(self.paths), SHOWN) + (len(self.paths) > SHOWN) + 2

    # --- in words

    @property
    def heading(self) -> str:
        """How many paths there are, in English."""
        return self.headed(ENGLISH)

    def headed(self, say: Phrases) -> str:
        """Return how many paths there are."""
        if self.complete:
            key = {0: "no paths", 1: "one path"}.get(self.count or 0, "paths")
        else:
            key = "uncounted paths" if self.count is None else "grouped paths"
        return say(key, entry=self.entry, count=self.count, groups=len(self.paths))

    def rest(self, say: Phrases) -> str:
        """Return how many paths are not printed and what they add, or nothing."""
        more = len(self.paths) - SHOWN
        key = "more paths" if self.complete else "more groups"
        return say(key, count=more, sum=_number(self.remainder).text) if more > 0 else ""

    def told(self, say: Phrases) -> str:
        """Return all of it as lines of text."""
        scalar = joined(self.scalar_view(say), EMPTY).text
        lines = [
            self.headed(say),
            f"      {say('labelled', label=say('matrix view'), what=self.matrix)}",
            f"      {say('labelled', label=say('scalar view'), what=scalar)}",
        ]
        for place, (way, product) in enumerate(self.shown(), 1):
            path = f"{joined(way, EMPTY).text}: {joined(product, EMPTY).text}"
            lines.append(f"{place:>4}. {path}")
        lines += [f"      {text}" for text in [self.rest(say)] if text]
        return "\n".join([*lines, f"      {self.sum_text}"])

    def __str__(self) -> str:
        return self.told(ENGLISH)

    # --- as mathematics

    # Where a line may be broken, a formula comes in parts.

    def scalar_view(self, say: Phrases) -> list[Formula]:
        """Return the gradient's entry as a sum over the values that the entry enters."""
        # The largest terms are shown; the rest is one number.
        items = sorted(self.first, key=lambda item: -abs(math.prod(item[1:])))
        terms = [joined(_product((slope, g)), EMPTY) for _, slope, g in items[:SHOWN]]
        if len(items) > SHOWN:
            rest = math.fsum(slope * g for _, slope, g in items[SHOWN:])
            more = f"({say('more terms', count=len(items) - SHOWN)})"
            terms.append(_number(rest) + Formula(f" {more}", rf"\, \text{{{more}}}"))
        left = derivative(self.written(self.value), self._stop(self.name))
        first, *others = _added(terms)
        return [left + symbol(" = ") + first, *others, _equals(self.total)]

    def shown(self) -> Iterator[tuple[list[Formula], list[Formula]]]:
        """Yield the printed paths: the values on each; its slopes and what their product is."""
        arrow = Formula(" → ", r" \to ")
        for path in self.paths[:SHOWN]:
            first, *others = map(self._stop, path.stops)
            way = [first, *(arrow + stop for stop in others)]
            yield way, [*_product(path.slopes), _equals(path.contribution)]

    def sum_parts(self) -> list[Formula]:
        """Return the contributions with their signs, and what they add up to."""
        terms = [_number(path.contribution) for path in self.paths[:SHOWN]]
        if len(self.paths) > SHOWN:
            terms.append(_number(self.remainder))
        return [*_added(terms), _equals(self.total)]

    @property
    def sum_text(self) -> str:
        """The sum of the contributions, as ``4 + 12 = 16``."""
        return joined(self.sum_parts(), EMPTY).text

    def _stop(self, stop: str) -> Formula:
        """Return an entry of a value, as ``a1[4, 0]``."""
        name, index = re.fullmatch(r"(.*?)(\[[\d, ]+\])?", stop, re.DOTALL).groups()  # type: ignore[union-attr]
        base = Formula("…", r"\dots") if name == "…" else self.written(name)
        if index is None:
            return base
        return Formula(f"{base.text}{index}", f"{{{base.latex}}}_{{{index}}}")


def _number(x: float) -> Formula:
    return number(number_text(x))


def _equals(x: float) -> Formula:
    return symbol(" = ") + _number(x)


def _product(factors: Sequence[float]) -> list[Formula]:
    """Return factors one after another, the negative ones in brackets but for the first."""
    dot = symbol(" · ", r" \cdot ")
    parts = [_number(x) for x in factors] or [number("1")]
    return [*parts[:1], *(dot + _bracketed_if_negative(part) for part in parts[1:])]


def _bracketed_if_negative(x: Formula) -> Formula:
    if not x.text.startswith("−"):
        return x
    return Formula(f"({x.text})", rf"\left({x.latex}\right)")


def _added(terms: Sequence[Formula]) -> list[Formula]:
    """Return the terms of a sum with their signs: what begins with a minus is subtracted."""
    found = list(terms[:1])
    for term in terms[1:]:
        if term.text.startswith("−"):
            found.append(Formula(f" − {term.text[1:]}", f" - {term.latex.removeprefix('-')}"))
        else:
            found.append(symbol(" + ") + term)
    return found or [number("0")]
