"""The functions by which an exported file reads a table; their text becomes part of it.

They need NumPy and `re` alone, and do what `tables.column` does with Arrow's columns. What they
read besides their arguments, the constants in capitals, is written beside them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..tables.calendar import part_of_time
from ..tables.column import CYCLES, WIDEST
from ..tables.conventions import MISSING
from ..tables.date_format import CENTURY, MONTHS
from ..tables.number_format import EXPONENT, MARKS, MONEY, TIDY, UNIT, digits_pattern
from ..tables.scaling import CLIP, interpolated, scaled
from ..tables.values import SIMPLE

_DIGITS = "|".join(digits_pattern(*marks) for marks in MARKS)
ANY_NUMBER = rf"[(+-]? ?(?:{MONEY})? ?[+(-]? ?(?:{_DIGITS}){EXPONENT} ?(?:{UNIT})? ?[)-]?"
SIMPLE_NUMBER = SIMPLE.pattern
# As NumPy writes a moment that is none.
NO_MOMENT = -(2**63)
CONSTANTS: dict[str, Any] = {
    "MISSING": MISSING,
    "TIDY": TIDY,
    "ANY_NUMBER": ANY_NUMBER,
    "SIMPLE_NUMBER": SIMPLE_NUMBER,
    "CLIP": CLIP,
    "WIDEST": WIDEST,
    "CYCLES": CYCLES,
    "MONTHS": MONTHS,
    "CENTURY": CENTURY,
    "NO_MOMENT": NO_MOMENT,
}


def tidy_text(value: Any, missing: Sequence[str]) -> str | None:
    """Return a value as a tidy text, None where it is missing."""
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return None
    text = str(value).strip()
    text = text if text.isascii() else text.translate(TIDY).strip()
    words = {"", *MISSING, *(word.strip().lower() for word in missing)}
    return None if text.lower() in words else text


def canonical_text(text: str) -> str:
    """Return one text for all that mean the same: 1 and 1.0, True and true."""
    if re.fullmatch(SIMPLE_NUMBER, text, re.ASCII):
        number = float(text)
        return str(int(number)) if number.is_integer() else repr(number)
    return text.lower() if text.lower() in ("true", "false") else text


def read_number(text: str, column: Mapping[str, Any]) -> float:
    """Return the number that a text writes in the column's way, NaN where it writes none."""
    if not re.fullmatch(column["pattern"], text, re.ASCII):
        if re.fullmatch(ANY_NUMBER, text, re.ASCII):
            name = column["name"]
            raise ValueError(f"column {name!r}: {text!r} is a number, but written in another way")
        return np.nan
    before, after = (re.escape(unit) for unit in column["units"])
    text = re.sub(rf"^([ (+-]*){before}", r"\1", text)
    text = re.sub(rf"{after}([ )-]*)$", r"\1", text)
    negative = re.search(r"(?:^|[^eE])[-(]", text)
    text = re.sub(r"^[ (+-]+|[ )-]+$", "", text)
    decimal, thousands = column["marks"]
    text = text.replace(thousands, "") if thousands else text
    size = float(text.replace(decimal, "."))
    return -size if negative else size


def encode_numbers(values: Sequence[Any], column: Mapping[str, Any]) -> list[Array]:
    """Return the ranks of numbers among the quantiles, their scaled values, which are missing."""
    numbers, words = np.full(len(values), np.nan), 0
    for place, value in enumerate(values):
        is_text = isinstance(value, (str, bool, np.bool_))
        text = tidy_text(value, column["missing"] if is_text else ())
        if text is not None:
            numbers[place] = read_number(text, column) if is_text else float(value)
            words += is_text
    if words >= 20 and np.isnan(numbers).all():
        raise ValueError(f"column {column['name']!r} holds texts that are no numbers")
    numbers[~np.isfinite(numbers)] = np.nan
    gaps = np.isnan(numbers)
    ranks = np.linspace(-WIDEST, WIDEST, len(column["quantiles"])).tolist()
    found = [interpolated(numbers, column["quantiles"], ranks)]
    if column["scaling"]:
        found.append(scaled(numbers, column["scaling"]))
    found = [np.where(gaps, 0.0, part) for part in found]
    return [*found, gaps] if column["has_missing"] else found


def read_moment(value: Any, column: Mapping[str, Any]) -> tuple[int, int]:
    """Return what a clock showed, and that in Universal Time, in microseconds since 1970.

    A value that is no text is written as one: dates and times of Python and of NumPy.
    """
    is_text = isinstance(value, str)
    if not is_text and value is not None:
        value = value.isoformat() if hasattr(value, "isoformat") else str(value)
    text = tidy_text(value, column["missing"] if is_text else ())
    for pattern in column["patterns" if is_text else "usual_patterns"]:
        found = re.fullmatch(pattern, text or "", re.ASCII)
        if found is not None:
            return moment_of({key: part or "" for key, part in found.groupdict().items()})
    return NO_MOMENT, NO_MOMENT


def moment_of(parts: Mapping[str, str]) -> tuple[int, int]:
    """Return the microseconds of the parts of a date and a time, which are texts."""
    year, day = int(parts.get("year", 1970)), int(parts.get("day", 1))
    if len(parts.get("year", "")) == 2:
        year += 1900 if year >= CENTURY else 2000
    name = parts.get("month", "1")
    month = int(name) if name.isdigit() else MONTHS.index(name[:3].lower()) + 1
    hour, minute, second = (int(parts.get(key) or 0) for key in ("hour", "minute", "second"))
    half = parts.get("half", "")[:1].lower()
    is_time = 1 <= hour <= 12 if half else hour < 24 or (hour == 24 and minute + second == 0)
    if not (1 <= month <= 12 and is_time and minute < 60 and second <= 60):
        return NO_MOMENT, NO_MOMENT
    first = np.int64((year - 1970) * 12 + month - 1).astype("datetime64[M]")
    date = first.astype("datetime64[D]") + (day - 1)
    if day < 1 or date.astype("datetime64[M]") != first:
        return NO_MOMENT, NO_MOMENT
    hour = hour % 12 + 12 * (half == "p") if half else hour
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000
    micros += int(parts.get("fraction", "")[:6].ljust(6, "0"))
    wall = int(date.astype(np.int64)) * 86_400_000_000 + micros
    zone, ahead = parts.get("zone", ""), 0
    if zone[:1] in ("+", "-") and zone:
        digits = zone[1:].replace(":", "")
        ahead = int(digits[:2]) * 60 + int(digits[2:] or 0)
        ahead = ahead if zone[0] == "+" else -ahead
    return wall, wall - ahead * 60_000_000


def encode_dates(values: Sequence[Any], column: Mapping[str, Any]) -> list[Array]:
    """Return the ranks of moments, what repeats of them, and which are missing."""
    moments = [read_moment(value, column) for value in values]
    wall, instant = np.array(moments, np.int64).reshape(-1, 2).T
    gaps = instant == NO_MOMENT
    texts = [value for value in values if isinstance(value, str)]
    texts = [text for text in texts if tidy_text(text, column["missing"]) is not None]
    if len(texts) >= 20 and gaps.all():
        raise ValueError(f"column {column['name']!r} holds texts that are no dates")
    found = []
    for part in column["parts"]:
        if part == "time":
            ranks = np.linspace(-WIDEST, WIDEST, len(column["quantiles"])).tolist()
            found.append(interpolated(instant / 1e6, column["quantiles"], ranks))
        elif part == "year":
            years = part_of_time("year", wall)
            found.append(interpolated(years, column["years"], [-WIDEST, WIDEST]))
        else:
            mean, deviation = CYCLES[part]
            found.append((part_of_time(part, wall) - mean) / deviation)
    found = [np.where(gaps, 0.0, part) for part in found]
    return [*found, gaps] if column["has_missing"] else found


def encode_categories(values: Sequence[Any], column: Mapping[str, Any]) -> list[Array]:
    """Return the numbers of categories; 0 is that of those that were rare or not there."""
    levels: dict[str, int] = {}
    for number, level in enumerate(column["levels"], 1):
        levels.setdefault(canonical_text(level), number)
    last = len(column["levels"]) + 1 if column["has_missing"] else 0
    texts = [tidy_text(value, column["missing"]) for value in values]
    return [
        np.array([last if t is None else levels.get(canonical_text(t), 0) for t in texts], float)
    ]


def encode_table(table: Mapping[str, Sequence[Any]], columns: Sequence[Mapping[str, Any]]) -> Array:
    """Return the rows of a table, a list of values by the name of each column, as numbers."""
    lacking = [column["name"] for column in columns if column["name"] not in table]
    if lacking:
        raise ValueError(f"no column {', '.join(map(repr, lacking))}")
    sizes = {column["name"]: len(table[column["name"]]) for column in columns}
    if len(set(sizes.values())) > 1:
        raise ValueError(f"the columns have different numbers of values: {sizes}")
    parts = []
    for column in columns:
        values = table[column["name"]]
        if column["kind"] == "category":
            parts += encode_categories(values, column)
        elif column["kind"] == "date":
            parts += encode_dates(values, column)
        else:
            parts += encode_numbers(values, column)
    return np.column_stack(parts).astype(np.float32)


ABOUT_DATES = (part_of_time, read_moment, moment_of, encode_dates)
FUNCTIONS = (
    tidy_text,
    canonical_text,
    read_number,
    interpolated,
    scaled,
    encode_numbers,
    part_of_time,
    read_moment,
    moment_of,
    encode_dates,
    encode_categories,
    encode_table,
)
