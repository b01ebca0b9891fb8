"""Conventions decide how a table writes what can be read in two ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from .date_format import DateFormat, read_dates
from .number_format import NumberFormat
from .number_reading import NumberReading, read_numbers

# What stands for a missing value in a column of numbers or a feature, small letters or capitals.
MISSING = (
    "",
    "?",
    "na",
    "n/a",
    "n.a.",
    "#n/a",
    "<na>",
    "nan",
    "nat",
    "null",
    "none",
    "-",
    "--",
    ".",
)


@dataclass(frozen=True)
class Conventions:
    """How a table writes numbers and dates, as its user says or its columns show.

    Parameters
    ----------
    decimal, thousands : str, optional
        The mark before decimals, "." or ",", and the one between thousands.
    dates : {"dmy", "mdy"}, optional
        Whether the day comes first, or the month.
    missing : tuple of str
        Texts that stand for missing values besides the usual ones, in all columns.
    delimiter : str
        What parts the fields of the file, "" where it has none.
    options : str
        What stands before the names of these options where their user writes them.
    seen_marks, seen_dates : tuple
        What the columns show that are not ambiguous, most often first.
    """

    decimal: str | None = None
    thousands: str | None = None
    dates: str | None = None
    missing: tuple[str, ...] = ()
    delimiter: str = ""
    options: str = "--"
    seen_marks: tuple[tuple[str, str], ...] = ()
    seen_dates: tuple[str, ...] = ()

    def number_format(self, reading: NumberReading) -> tuple[NumberFormat, str]:
        """Return the format that a column is read in, and why if there was a choice."""
        chosen = [f for f in reading.formats if self._is_chosen(f)]
        formats = chosen or list(reading.formats)
        if len(formats) == 1:
            return formats[0], ""
        for decimal, thousands in self.seen_marks:
            for found in formats:
                if found.decimal == decimal and found.thousands in ("", thousands):
                    return found, "as in other columns"
        if self.delimiter == ";":
            comma = [found for found in formats if found.decimal == ","]
            if comma:
                return comma[0], "as the fields are parted by ';'"
        return formats[0], f"{self.options}decimal and {self.options}thousands choose"

    def date_format(self, formats: Sequence[DateFormat]) -> tuple[DateFormat, str]:
        """Return the format that a column of dates is read in, and why if there was a choice."""
        if len(formats) == 1:
            return formats[0], ""
        for order, reason in [
            (self.dates, ""),
            *((o, "as in other columns") for o in self.seen_dates),
        ]:
            for found in formats:
                if found.order == order:
                    return found, reason
        order = "dmy" if self.delimiter == ";" else "mdy"
        found = next(f for f in formats if f.order == order)
        return found, f"no day is after the 12th; {self.options}dates chooses"

    def _is_chosen(self, found: NumberFormat) -> bool:
        is_decimal = self.decimal is None or found.decimal == self.decimal
        is_mark = self.thousands is None or found.thousands in ("", self.thousands)
        # Where the user names one mark, the other is not the same sign.
        both = {self.decimal, self.thousands} - {None, ""}
        is_apart = not (self.decimal and found.thousands == self.decimal)
        is_apart &= not (self.thousands and found.decimal == self.thousands)
        return bool(both) and is_decimal and is_mark and is_apart


AS_SHOWN = Conventions()


def seen(conventions: Conventions, columns: Sequence[Any]) -> Conventions:
    """Return the conventions with what columns of texts show that can be read in one way only."""
    marks: Counter[tuple[str, str]] = Counter()
    orders: Counter[str] = Counter()
    for texts in columns:
        formats = read_numbers(texts).formats
        if len(formats) == 1 and formats[0].marks != (".", ""):
            marks[formats[0].marks] += 1
        if not formats:
            dates = read_dates(texts)
            if len(dates) == 1 and dates[0].order in ("dmy", "mdy"):
                orders[dates[0].order] += 1
    return replace(
        conventions,
        seen_marks=tuple(mark for mark, _ in marks.most_common()),
        seen_dates=tuple(order for order, _ in orders.most_common()),
    )


def option_of(name: str, conventions: Conventions) -> str:
    """Return a setting's name as its user writes it: an option, or a parameter."""
    return conventions.options + name.replace("_", "-") if conventions.options else name
