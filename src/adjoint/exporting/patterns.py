"""Patterns of texts, read once and written for targets: as a program for C, and as JavaScript's.

They are those that `tables` has for numbers and dates: letters, classes, groups, choices and
repetitions, which match a whole text, with the letters of ASCII as `re.ASCII` has them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

_LAST = 0x10FFFF
_DIGITS = ((ord("0"), ord("9")),)
_WORD = (*_DIGITS, (ord("A"), ord("Z")), (ord("_"), ord("_")), (ord("a"), ord("z")))
Ranges: TypeAlias = tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Letters:
    """One letter of some, as ranges of code points that rise."""

    ranges: Ranges


@dataclass(frozen=True)
class Series:
    """One after another."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Choice:
    """The first of some that leads to a match of the whole."""

    parts: tuple[Pattern, ...]


@dataclass(frozen=True)
class Repeat:
    """A part as often as there is, at least and at most so many times; None: without end."""

    part: Pattern
    least: int
    most: int | None


@dataclass(frozen=True)
class Named:
    """A part whose text has a name."""

    name: str
    part: Pattern


Pattern: TypeAlias = Letters | Series | Choice | Repeat | Named


def parsed(text: str) -> Pattern:
    """Return the pattern that a text of Python's `re` writes.

    Raises
    ------
    ValueError
        If it has what is not known here.

    Examples
    --------
    >>> parsed("^a[bc]?$")
    Series(parts=(Letters(ranges=((97, 97),)), Repeat(part=Letters(ranges=((98, 99),)), least=0, \
most=1)))
    """
    inner = text.removeprefix("^")
    reader = _Reader(inner[:-1] if inner.endswith("$") and not inner.endswith(r"\$") else inner)
    found = reader.choice()
    if reader.rest:
        raise ValueError(f"a pattern ends early, before {reader.rest!r}")
    return found


class _Reader:
    """Reads a pattern from its beginning."""

    def __init__(self, rest: str) -> None:
        self.rest = rest
        self.any_case = False

    def take(self, count: int = 1) -> str:
        taken, self.rest = self.rest[:count], self.rest[count:]
        if len(taken) < count:
            raise ValueError("a pattern ends in the middle")
        return taken

    def takes(self, text: str) -> bool:
        if not self.rest.startswith(text):
            return False
        self.take(len(text))
        return True

    def choice(self) -> Pattern:
        parts = [self.series()]
        while self.takes("|"):
            parts.append(self.series())
        return parts[0] if len(parts) == 1 else Choice(tuple(parts))

    def series(self) -> Pattern:
        parts = []
        while self.rest and self.rest[0] not in "|)":
            parts.append(self.repeated())
        return parts[0] if len(parts) == 1 else Series(tuple(parts))

    def repeated(self) -> Pattern:
        part = self.single()
        for sign, least, most in (("?", 0, 1), ("*", 0, None), ("+", 1, None)):
            if self.takes(sign):
                return Repeat(part, least, most)
        counts = re.match(r"\{(\d+)(?:,(\d+))?\}", self.rest)
        if counts is None:
            return part
        self.take(counts.end())
        return Repeat(part, int(counts[1]), int(counts[2] or counts[1]))

    def single(self) -> Pattern:
        if self.takes("["):
            return self.letters()
        if self.rest.startswith("("):
            return self.group()
        if self.rest[0] in "^$.*+?{":
            raise ValueError(f"a pattern has {self.rest[0]!r}, which is not known here")
        return Letters(self.cased(self.letter()))

    def group(self) -> Pattern:
        named = re.match(r"\(\?P<(\w+)>", self.rest)
        before = self.any_case
        if named is not None:
            self.take(named.end())
        elif self.takes("(?i:"):
            self.any_case = True
        elif not self.takes("(?:"):
            raise ValueError(f"a pattern has a group that is not known here: {self.rest!r:.40}")
        found = self.choice()
        self.any_case = before
        if not self.takes(")"):
            raise ValueError("a group has no end")
        return found if named is None else Named(named[1], found)

    def letter(self) -> Ranges:
        """Return one letter, or those that a class of one letter stands for."""
        if not self.takes("\\"):
            letter = self.take()
            return ((ord(letter), ord(letter)),)
        letter = self.take()
        if letter == "d":
            return _DIGITS
        if letter == "W":
            return _others(_WORD)
        if letter.isascii() and letter.isalnum():
            raise ValueError(f"a pattern has \\{letter}, which is not known here")
        return ((ord(letter), ord(letter)),)

    def letters(self) -> Pattern:
        is_other, found = self.takes("^"), list[tuple[int, int]]()
        while not self.takes("]"):
            first = self.letter()
            if self.rest.startswith("-") and not self.rest.startswith("-]"):
                self.take()
                first = ((first[0][0], self.letter()[0][1]),)
            found += self.cased(first)
        ranges = _joined(found)
        return Letters(_others(ranges) if is_other else ranges)

    def cased(self, ranges: Ranges) -> Ranges:
        """Return letters in both cases, if case does not count."""
        if not self.any_case:
            return ranges
        codes = {code for low, high in ranges for code in range(low, high + 1)}
        both = {ord(x) for code in codes for x in (chr(code).lower(), chr(code).upper())}
        return _joined([(code, code) for code in codes | both])


def _joined(ranges: Sequence[tuple[int, int]]) -> Ranges:
    """Return ranges that rise and do not touch."""
    found: list[tuple[int, int]] = []
    for low, high in sorted(ranges):
        if found and low <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(found[-1][1], high)
        else:
            found.append((low, high))
    return tuple(found)


def _others(ranges: Ranges) -> Ranges:
    """Return all letters that are not in some ranges."""
    ends = [-1, *(high for _, high in ranges)]
    starts = [*(low for low, _ in ranges), _LAST + 1]
    pairs = zip(ends, starts, strict=True)
    return tuple((end + 1, start - 1) for end, start in pairs if end + 1 < start)


# --- for JavaScript


def in_javascript(text: str) -> str:
    """Return a pattern of Python's as one of JavaScript's, for its flag u.

    >>> in_javascript(r"^(?P<day>\\d\\d?)(?i:am)?$")
    '^(?:(?<day>[0-9][0-9]?)(?:[Aa][Mm])?)$'
    """
    return f"^(?:{_script(parsed(text))})$"


def _script(pattern: Pattern) -> str:
    if isinstance(pattern, Letters):
        return _class(pattern.ranges)
    if isinstance(pattern, Series):
        return "".join(
            f"(?:{_script(part)})" if isinstance(part, Choice) else _script(part)
            for part in pattern.parts
        )
    if isinstance(pattern, Choice):
        return "|".join(map(_script, pattern.parts))
    if isinstance(pattern, Named):
        return f"(?<{pattern.name}>{_script(pattern.part)})"
    counts = f"{{{pattern.least},{'' if pattern.most is None else pattern.most}}}"
    same = f"{{{pattern.least},{pattern.least}}}"
    short = {"{0,1}": "?", "{0,}": "*", "{1,}": "+", same: f"{{{pattern.least}}}"}
    part = _script(pattern.part)
    part = part if isinstance(pattern.part, Letters) else f"(?:{part})"
    return part + short.get(counts, counts)


def _class(ranges: Ranges) -> str:
    if len(ranges) == 1 and ranges[0][0] == ranges[0][1]:
        return _written(ranges[0][0])
    inner = [_written(a) if a == b else f"{_written(a)}-{_written(b)}" for a, b in ranges]
    return f"[{''.join(inner)}]"


def _written(code: int) -> str:
    letter = chr(code)
    return letter if letter.isascii() and letter.isalnum() else f"\\u{{{code:x}}}"


# --- for C

MATCH, LETTER, JUMP, FORK, START, END = range(6)


@dataclass(frozen=True)
class Step:
    """What a program does at one place.

    Attributes
    ----------
    kind : int
        MATCH: the text matches. LETTER: the next one is among ``ranges``. JUMP: to the place
        ``to``. FORK: the next place, or else ``to``. START, END: of the text called ``name``.
    """

    kind: int
    to: int = 0
    ranges: Ranges = ()
    name: str = ""


def program(pattern: Pattern) -> list[Step]:
    """Return the steps by which a machine with one place for each way matches a pattern."""
    return [*_steps(pattern, 0), Step(MATCH)]


def _steps(pattern: Pattern, at: int) -> list[Step]:
    if isinstance(pattern, Letters):
        return [Step(LETTER, ranges=pattern.ranges)]
    if isinstance(pattern, Named):
        inner = _steps(pattern.part, at + 1)
        return [Step(START, name=pattern.name), *inner, Step(END, name=pattern.name)]
    if isinstance(pattern, Series):
        found: list[Step] = []
        for part in pattern.parts:
            found += _steps(part, at + len(found))
        return found
    if isinstance(pattern, Choice):
        return _choice(pattern.parts, at)
    return _repeated(pattern, at)


def _choice(parts: Sequence[Pattern], at: int) -> list[Step]:
    first, *others = parts
    if not others:
        return _steps(first, at)
    one = _steps(first, at + 1)
    rest = _choice(others, at + len(one) + 2)
    end = at + len(one) + 2 + len(rest)
    return [Step(FORK, to=at + len(one) + 2), *one, Step(JUMP, to=end), *rest]


def _repeated(pattern: Repeat, at: int) -> list[Step]:
    found: list[Step] = []
    for _ in range(pattern.least):
        found += _steps(pattern.part, at + len(found))
    if pattern.most is None:
        start = at + len(found)
        inner = _steps(pattern.part, start + 1)
        return [*found, Step(FORK, to=start + len(inner) + 2), *inner, Step(JUMP, to=start)]
    size = len(_steps(pattern.part, 0)) + 1
    end = at + len(found) + size * (pattern.most - pattern.least)
    for _ in range(pattern.most - pattern.least):
        found.append(Step(FORK, to=end))
        found += _steps(pattern.part, at + len(found))
    return found


def longest(pattern: Pattern) -> int | None:
    """Return how many letters a match has at most; None if there is no end."""
    if isinstance(pattern, Letters):
        return 1
    if isinstance(pattern, Named):
        return longest(pattern.part)
    if isinstance(pattern, Repeat):
        most = longest(pattern.part)
        return None if most is None or pattern.most is None else most * pattern.most
    sizes = list(_sizes(pattern.parts))
    if any(size is None for size in sizes):
        return None
    whole = [size for size in sizes if size is not None]
    return sum(whole) if isinstance(pattern, Series) else max(whole)


def _sizes(parts: Sequence[Pattern]) -> Iterator[int | None]:
    return map(longest, parts)
