"""A field is a column of a row as C and JavaScript read it, described once for both."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..tables.conventions import MISSING
from .table_functions import SIMPLE_NUMBER, canonical_text, tidy_text

# What a number of an estimator's frame looks like where it stands as a text.
PLAIN = r"^[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$"


@dataclass(frozen=True)
class Field:
    """How a column of a row is read.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "date"}
    about : str
        What it holds, in a few words.
    is_exact : bool
        Whether a category is one only if all its letters are the same, as in an estimator's frame;
        in a table, spaces, signs that mean the same and ways to write a number do not count.
    must_be_there : bool
        Whether a number may not be missing.
    words : tuple of str
        Texts in small letters that stand for a missing value.
    levels : tuple of str
        A category's values; their numbers begin at 1.
    gap : int
        The number of a missing category.
    pattern : str
        What a text that writes a number matches.
    marks, units : (str, str)
        The mark before the decimals and between thousands; what stands before and after a number.
    patterns, usual_patterns : tuple of str
        What a text that writes a date may match; and one of ISO 8601.
    parts : tuple of str
        What of a date is read besides its seconds since 1970.
    is_time : bool
        Whether it is a time of a day alone.
    ends : tuple of float
        The least, the middle and the greatest value that was learnt from; seconds of dates.
    """

    name: str
    kind: str
    about: str
    is_exact: bool = False
    must_be_there: bool = False
    words: tuple[str, ...] = ()
    levels: tuple[str, ...] = ()
    gap: int = 0
    pattern: str = PLAIN
    marks: tuple[str, str] = (".", "")
    units: tuple[str, str] = ("", "")
    patterns: tuple[str, ...] = ()
    usual_patterns: tuple[str, ...] = ()
    parts: tuple[str, ...] = ()
    is_time: bool = False
    ends: tuple[float, ...] = ()

    @classmethod
    def of(cls, described: Mapping[str, Any], about: str, *, is_time: bool) -> Field:
        """Return a column of a table as `table_reader` describes it."""
        ends = np.array(described.get("quantiles", ()))
        return cls(
            described["name"],
            described["kind"],
            about,
            words=missing_words(described["missing"]),
            levels=tuple(described.get("levels", ())),
            gap=(len(described.get("levels", ())) + 1) * described["has_missing"],
            pattern=described.get("pattern", PLAIN),
            marks=tuple(described.get("marks", (".", ""))),
            units=tuple(described.get("units", ("", ""))),
            patterns=tuple(described.get("patterns", ())),
            usual_patterns=tuple(described.get("usual_patterns", ())),
            parts=tuple(part for part in described.get("parts", ()) if part != "time"),
            is_time=is_time,
            ends=(ends[0], ends[len(ends) // 2], ends[-1]) if len(ends) else (),
        )

    @property
    def numbers(self) -> list[str]:
        """What the numbers are called that it becomes."""
        if self.kind != "date":
            return [self.name]
        return [f"{self.name}: {part}" for part in ("seconds", *self.parts)]

    @cached_property
    def known(self) -> dict[str, int]:
        """The numbers of categories by the text that stands for all that mean the same."""
        found: dict[str, int] = {}
        for number, level in enumerate(self.levels, 1):
            if self.is_exact or tidy_text(level, self.words) is not None:
                found.setdefault(level if self.is_exact else canonical_text(level), number)
        return found

    @property
    def by_number(self) -> dict[float, int]:
        """The numbers of those categories that are numbers, which are written in several ways."""
        return (
            {}
            if self.is_exact
            else {float(key): number for key, number in self.known.items() if _is_number(key)}
        )

    @property
    def by_text(self) -> dict[str, int]:
        """The numbers of categories by texts that are no simple numbers, of which 1e-05 is one."""
        return {
            key: number
            for key, number in self.known.items()
            if self.is_exact or not re.fullmatch(SIMPLE_NUMBER, key, re.ASCII)
        }


def in_range(fields: Sequence[Field], rows: Array) -> Array:
    """Return rows of any numbers with such in the places of categories as these may have."""
    found, place = rows.copy(), 0
    for field in fields:
        if field.kind == "category":
            found[:, place] = np.arange(len(rows)) % (len(field.levels) + 1)
        place += len(field.numbers)
    return found


def missing_words(own: Sequence[str]) -> tuple[str, ...]:
    """Return the texts that stand for missing values, in small letters."""
    return tuple(sorted({*MISSING, *(word.strip().lower() for word in own)} - {""}))


def _is_number(key: str) -> bool:
    """Return whether a number that is written without an exponent has this key."""
    try:
        text = np.format_float_positional(float(key), trim="-")
    except ValueError:
        return False
    return re.fullmatch(SIMPLE_NUMBER, text, re.ASCII) is not None and canonical_text(text) == key
