"""A dialect says how a text writes a table: what parts its fields, and where its rows begin."""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from ...errors import TableError

DELIMITERS = ",;\t|"
_SEP = re.compile(r"\"?sep=(.)\"?$", re.IGNORECASE)
# Tables of Markdown, and of databases' consoles, have a line between the names and the rows.
_RULE = re.compile(r"[|:+ -]*-{3,}[|:+ -]*\s*")
_ROWS = 50


@dataclass(frozen=True)
class Dialect:
    """How a text writes a table.

    Attributes
    ----------
    delimiter : str
        What parts its fields.
    names : list of str
        The names of its columns; of two that are alike the second has " (2)" behind it.
    header_end : int
        How many characters come before the first row.
    notes : list of str
        What of that is neither names nor row: lines that are empty, comments, a line "sep=;".
    """

    delimiter: str
    names: list[str]
    header_end: int
    notes: list[str] = field(default_factory=list)


def dialect_of(text: str) -> Dialect | None:
    """Return the dialect of a text by its beginning; None if it has no line with names.

    A line ``sep=;`` says what parts the fields, or else it is the sign that most often gives the
    first rows as many fields as there are names.

    Parameters
    ----------
    text : str
        Its lines end by "\\n", "\\r\\n" or "\\r".
    """
    lines = re.findall(r"[^\r\n]*(?:\r\n|\r|\n)|[^\r\n]+$", text)
    start, told, notes = _preamble(lines)
    if start == len(lines):
        return None
    chosen = told or _delimiter(lines[start:])
    # A column may be called "#".
    is_marked = lines[start].startswith("#") and lines[start][1:2] != chosen
    header = lines[start].lstrip("#") if is_marked else lines[start]
    names, used = _first_record([header, *lines[start + 1 :]], chosen)
    used += bool(_RULE.fullmatch("".join(lines[start + used : start + used + 1])))
    end = sum(map(len, lines[: start + used]))
    return Dialect(chosen, unique_names(names), end, notes)


def unique_names(names: list[str]) -> list[str]:
    """Return the names of columns without spaces around them, and each once."""
    found: dict[str, None] = {}
    for place, name in enumerate(names, 1):
        name = " ".join(name.split()) or f"column {place}"
        again = (f"{name} ({count})" for count in itertools.count(2))
        found[name if name not in found else next(n for n in again if n not in found)] = None
    return list(found)


def counted(count: int, what: str) -> str:
    """Return "1 line", "2,000 lines"."""
    return f"{count:,} {what}" if count == 1 else f"{count:,} {what}s"


def _preamble(lines: list[str]) -> tuple[int, str | None, list[str]]:
    """Return where the names stand, which delimiter a line ``sep=;`` says, and what was passed."""
    told, comments, blank = None, 0, 0
    for place, line in enumerate(lines):
        bare = line.strip("\r\n")
        if found := _SEP.match(bare):
            told = found[1]
        elif not bare.strip(" \t" + DELIMITERS):
            blank += 1
        elif bare.startswith("#") and not _is_commented_header(bare, lines[place + 1 :]):
            comments += 1
        else:
            break
    else:
        place = len(lines)
    notes = [f"{counted(blank, 'empty line')} before the names"] * bool(blank)
    notes += [f"{counted(comments, 'comment')} before the names"] * bool(comments)
    notes += [f"a line that says sep={told}"] * bool(told)
    return place, told, notes


def _is_commented_header(line: str, below: list[str]) -> bool:
    """Return whether a line "# a,b" holds the names: rows with as many fields follow at once."""
    if not below:
        return False
    row = below[0].strip("\r\n")
    delimiter = max(DELIMITERS, key=line.count)
    as_many = 0 < line.count(delimiter) == row.count(delimiter)
    return as_many and bool(
        line[1] == delimiter or re.search(rf"(?:^|{re.escape(delimiter)}) *[+-]?\d", row)
    )


def _delimiter(lines: list[str]) -> str:
    """Return the sign that parts the names, and the rows below them into as many fields."""

    def agreement(delimiter: str) -> tuple[float, int]:
        rows = list(itertools.islice(_records(lines, delimiter), _ROWS))
        width = len(rows[0]) if rows else 0
        if width < 2:
            return 0.0, 0
        below = rows[1:] or rows
        return sum(len(row) == width for row in below) / len(below), width

    return max(DELIMITERS, key=agreement)


def _first_record(lines: list[str], delimiter: str) -> tuple[list[str], int]:
    """Return the first record and how many lines it takes."""
    try:
        next(csv.reader(lines, delimiter=delimiter, strict=True))
    except csv.Error as error:
        # What else is not as the rules have it is read as it stands, as by everyone else.
        if "unexpected end" in str(error) or "limit" in str(error):
            raise TableError(
                "the names of the columns have a quote that is not closed, or are far too long"
            ) from None
    reader = csv.reader(lines, delimiter=delimiter)
    return next(reader), reader.line_num


def _records(lines: list[str], delimiter: str) -> Iterator[list[str]]:
    try:
        yield from (row for row in csv.reader(lines, delimiter=delimiter) if row)
    except csv.Error:
        return
