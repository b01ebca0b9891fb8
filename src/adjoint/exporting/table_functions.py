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
from ..tables.conventions import MISSING
from ..tables.number_format import EXPONENT, MARKS, MONEY, TIDY, UNIT, digits_pattern
from ..tables.scaling import CLIP, scaled
from ..tables.values import SIMPLE

_DIGITS = "|".join(digits_pattern(*marks) for marks in MARKS)
ANY_NUMBER = rf"[(+-]? ?(?:{MONEY})? ?[+(-]? ?(?:{_DIGITS}){EXPONENT} ?(?:{UNIT})? ?[)-]?"
SIMPLE_NUMBER = SIMPLE.pattern
CONSTANTS: dict[str, Any] = {
    "MISSING": MISSING,
    "TIDY": TIDY,
    "ANY_NUMBER": ANY_NUMBER,
    "SIMPLE_NUMBER": SIMPLE_NUMBER,
    "CLIP": CLIP,
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
    for unit in filter(None, column["units"]):
        text = text.replace(unit, "")
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
    ranks = np.linspace(-(3**0.5), 3**0.5, len(column["quantiles"]))
    found = [np.interp(numbers, column["quantiles"], ranks)]
    if column["scaling"]:
        found.append(scaled(numbers, column["scaling"]))
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
        encode = encode_categories if column["kind"] == "category" else encode_numbers
        parts += encode(table[column["name"]], column)
    return np.column_stack(parts).astype(np.float32)


FUNCTIONS = (
    tidy_text,
    canonical_text,
    read_number,
    scaled,
    encode_numbers,
    encode_categories,
    encode_table,
)
