"""An own table is what a user pasted, or named on the command line, as rows of numbers.

All of it is text until it is a number: nothing of it is ever evaluated.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from .problem import Rows
from .settings import MOST_CLASSES, MOST_ROWS
from .values import SettingsError, listed, number

MOST_COLUMNS, MOST_TEXT, _LONGEST_NAME = 50, 1_000_000, 40
_MISSING = {"", "na", "nan", "null", "none", "?"}
_DELIMITERS = ";\t,"
# A column of at most so many words has a column of 0 and 1 for each of them.
_MOST_WORDS = 8
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
# As "1,234": whether it is about one or a thousand cannot be seen.
_MAYBE_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+")


def read_text(text: str, target: str | None) -> tuple[Rows, list[str]]:
    """Return the rows of a text of CSV, and what was left out of it.

    The first line has the names of the columns, unless all in it are numbers. Columns are divided
    by what divides the first line most often: a comma, a semicolon or a tabulator. Numbers may have
    decimal commas.

    Raises
    ------
    SettingsError
        If it is too long, or not a table with one column of numbers and a target.
    """
    if len(text) > MOST_TEXT:
        raise SettingsError(f"table: {len(text):,} characters; at most {MOST_TEXT:,} can be pasted")
    text = text.removeprefix("\ufeff")
    first = text.lstrip().partition("\n")[0]
    # Between digits a comma may be a decimal one, where something else divides.
    dividing = re.sub(r"(?<=\d),(?=\d)", "", first)
    delimiter = (
        max(_DELIMITERS, key=dividing.count) if any(map(dividing.count, _DELIMITERS)) else ","
    )
    try:
        lines = [line for line in csv.reader(io.StringIO(text), delimiter=delimiter) if line]
    except csv.Error as error:
        raise SettingsError(f"table: it is no CSV: {error}") from None
    if len(lines) < 2:
        raise SettingsError("table: expected a line of names, and rows below it")
    width = len(lines[0])
    uneven = next((n for n, line in enumerate(lines) if len(line) != width), None)
    if uneven is not None:
        raise SettingsError(
            f"table: line {uneven + 1} has {len(lines[uneven])} cells, and the first has {width}"
        )
    has_names = any(_number(_with_point(cell)) is None for cell in lines[0])
    names = lines[0] if has_names else [f"column {n + 1}" for n in range(width)]
    columns = list(zip(*lines[has_names:], strict=True))
    return read_columns(names, columns, target)


def read_columns(
    names: Sequence[str], columns: Sequence[Sequence[str]], target: str | None
) -> tuple[Rows, list[str]]:
    """Return the rows of columns of texts, and what was left out of them.

    Parameters
    ----------
    names : sequence of str
    columns : sequence of sequences of str
    target : str, optional
        The column that is predicted; by default the last one.
    """
    names = [name.strip() or f"column {n + 1}" for n, name in enumerate(names)]
    if not 2 <= len(names) <= MOST_COLUMNS:
        raise SettingsError(f"table: expected 2 to {MOST_COLUMNS} columns, got {len(names)}")
    if len(columns[0]) > MOST_ROWS:
        raise SettingsError(f"table: {len(columns[0]):,} rows; the playground takes {MOST_ROWS:,}")
    place = len(names) - 1 if target is None else _place(target, names)
    names = [name[:_LONGEST_NAME] for name in names]
    cells = [_with_points([cell.strip() for cell in column]) for column in columns]
    inputs, notes = _inputs(names, cells, place)
    if not inputs:
        raise SettingsError("table: expected at least one column of numbers beside the target")
    if len(inputs) >= MOST_COLUMNS:
        raise SettingsError(f"table: with its words it has more than {MOST_COLUMNS} columns")
    read = [*(column for _, column in inputs), cells[place]]
    kept = [n for n in range(len(read[0])) if not any(_is_missing(column[n]) for column in read)]
    if len(kept) < len(read[0]):
        count = len(read[0]) - len(kept)
        notes.append(f"{count} {'row' if count == 1 else 'rows'} with missing cells, left out")
    if len(kept) < 2:
        raise SettingsError("table: fewer than two rows have all their cells")
    X = np.array([[float(column[row]) for _, column in inputs] for row in kept])
    if np.abs(X).max() > 1e150:
        raise SettingsError("table: its numbers are too large, above 1e150")
    y, labels = _target([cells[place][row] for row in kept], names[place])
    return Rows(X, y, [*(name for name, _ in inputs), names[place]], labels), notes


def _inputs(
    names: Sequence[str], cells: Sequence[list[str]], place: int
) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Return the columns that a network can read, with their names, and notes on the others."""
    found, notes = [], []
    for n, column in enumerate(cells):
        if n == place:
            continue
        if all(_number(cell) is not None or _is_missing(cell) for cell in column):
            found.append((names[n], column))
        elif words := _words(column):
            found += [(f"{word} ({names[n]})"[:_LONGEST_NAME], _is(column, word)) for word in words]
            notes.append(f"{names[n]}: its {len(words)} words are columns of 0 and 1")
        else:
            notes.append(f"{names[n]}: not numbers, left out")
    return found, notes


def _words(column: Sequence[str]) -> list[str]:
    """Return the words of a column if they are few and come again; else nothing."""
    counts = Counter(cell for cell in column if not _is_missing(cell))
    is_few = 2 <= len(counts) <= _MOST_WORDS and 2 * len(counts) <= counts.total()
    # A column of numbers with a few words in it, as "n/a" or "3 kg", is no column of words.
    return (
        sorted(counts) if is_few and not any(_number(word) is not None for word in counts) else []
    )


def _is(column: Sequence[str], word: str) -> list[str]:
    return [cell if _is_missing(cell) else "01"[cell == word] for cell in column]


def _with_points(column: list[str]) -> list[str]:
    """Return a column of numbers with decimal commas with points; any other as it is."""
    commas = [cell for cell in column if "," in cell]
    if not commas or all(map(_MAYBE_THOUSANDS.fullmatch, commas)):
        return column
    pointed = [_with_point(cell) for cell in column]
    are_numbers = all(_number(cell) is not None or _is_missing(cell) for cell in pointed)
    return pointed if are_numbers and not any("." in cell for cell in column) else column


def _with_point(cell: str) -> str:
    return cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell.strip()) else cell


def _place(target: str, names: Sequence[str]) -> int:
    if target.strip() not in names:
        raise SettingsError(
            f"target: there is no column {target!r:.60}; there are {_listed(names)}"
        )
    return list(names).index(target.strip())


def _listed(names: Sequence[str]) -> str:
    return ", ".join(name[:_LONGEST_NAME] for name in names[:10]) + ", …" * (len(names) > 10)


def _target(cells: Sequence[str], name: str) -> tuple[np.ndarray, list[str]]:
    """Return the targets, and the names of the classes where these are few."""
    values = [_number(cell) for cell in cells]
    are_numbers = all(value is not None for value in values)
    is_whole = are_numbers and all(value == int(value) for value in values if value is not None)
    if is_whole:  # "1", "1.0" and "01" are one class
        cells = [f"{value + 0.0:.17g}" for value in values if value is not None]
    found = sorted(set(cells), key=lambda cell: (_number(cell) or 0.0, cell))
    if len(found) <= MOST_CLASSES and (is_whole or not are_numbers):
        if len(found) < 2:
            raise SettingsError(f"target: {name} is {found[0]!r:.60} in all rows")
        code = {cell: n for n, cell in enumerate(found)}
        return np.array([code[cell] for cell in cells]), [cell[:_LONGEST_NAME] for cell in found]
    if not are_numbers:
        raise SettingsError(
            f"target: {name} has {len(found)} different texts, as {found[-1]!r:.60}; the "
            f"playground predicts numbers, or tells {MOST_CLASSES} classes apart"
        )
    y = np.array(values, float)
    if np.abs(y).max() > 1e150:
        raise SettingsError(f"target: the numbers of {name} are too large, above 1e150")
    return y, []


def _number(cell: str) -> float | None:
    """Return the finite number that a cell is; Python's own underscores are none."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return number if math.isfinite(number) and "_" not in cell else None


def _is_missing(cell: str) -> bool:
    return cell.lower() in _MISSING


def as_csv(rows: Rows) -> str:
    """Return rows as numbers to the last bit, as `program_text` reads them."""
    return "".join(
        ",".join([*map(repr, x), repr(y)]) + "\n"
        for x, y in zip(rows.X.tolist(), rows.y.tolist(), strict=True)
    )


def rows_as_json(rows: Rows) -> dict[str, Any]:
    """Return what `read_rows` reads."""
    return {
        "names": list(rows.names),
        "labels": list(rows.labels),
        "X": rows.X.tolist(),
        "y": rows.y.tolist(),
    }


def read_rows(given: object) -> Rows:
    """Return the rows that JSON gave, as `read_text` would have made them.

    Raises
    ------
    SettingsError
        If they are no table of numbers with a name for each column and for the target.
    """
    if not isinstance(given, dict) or given.keys() != {"names", "labels", "X", "y"}:
        raise SettingsError("table: expected names, labels, X and y")
    names, labels = (_names(name, given[name]) for name in ("names", "labels"))
    if not 2 <= len(names) <= MOST_COLUMNS + 1 or len(labels) not in (
        0,
        *range(2, MOST_CLASSES + 1),
    ):
        raise SettingsError(
            f"table: expected 2 to {MOST_COLUMNS} columns, and 2 to {MOST_CLASSES} classes or none"
        )
    width, lines = len(names) - 1, listed("table", given["X"], most=MOST_ROWS)
    X = [
        [number("table", x, -1e150, 1e150) for x in listed("table", line, most=width)]
        for line in lines
    ]
    if len(X) < 2 or any(len(line) != width for line in X):
        raise SettingsError(f"table: expected two rows at least, of {width} numbers each")
    most = len(labels) - 1 if labels else 1e150
    y = [
        number("table", value, 0 if labels else -most, most, whole=bool(labels))
        for value in listed("table", given["y"], most=MOST_ROWS)
    ]
    if len(y) != len(X):
        raise SettingsError(f"table: {len(X)} rows, and {len(y)} targets")
    return Rows(np.array(X), np.array(y, int if labels else float), names, labels)


def _names(name: str, given: object) -> list[str]:
    found = listed(name, given, most=MOST_COLUMNS + 1)
    if not all(isinstance(each, str) for each in found):
        raise SettingsError(f"{name}: expected texts")
    return [each[:_LONGEST_NAME] for each in found]
