"""Examples of a column's values, to test an export with: usual, huge, missing and unseen ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array
from ..tables.column import Column
from ..tables.date_format import MONTHS
from .table_functions import NO_MOMENT

GOLDEN_ROWS = 16
STRANGE = ["", "NA", "  ?", "no such thing", "\u7ea2", "inf", None]


def typed_examples(column: Column, place: int, pyarrow: Any) -> tuple[Array, Any]:
    """Return values of a column as ONNX takes them, and as Arrow does."""
    if column.kind == "category":
        texts = ["" if x is None else x for x in text_examples(column, place, GOLDEN_ROWS)]
        return np.array(texts, object)[:, np.newaxis], pyarrow.array(texts, pyarrow.string())
    ends = np.linspace(column.quantiles[0], column.quantiles[-1], 11)
    if column.kind == "number":
        found = np.array([*ends, 0.0, np.nan, np.inf, -1e300, 1e300])
        found = np.roll(found, place)
        return found[:, np.newaxis], pyarrow.array(found, from_pandas=True)
    is_time = column.dates is not None and column.dates.is_time
    micros = np.round(ends * 1e6).astype(np.int64)
    if is_time:
        micros = np.minimum(micros, 86_399_999_999)
    others = [0, 86_399_999_999, NO_MOMENT, *micros[:2]]
    found = np.roll(np.array([*micros, *others], np.int64), place)
    kind = pyarrow.time64("us") if is_time else pyarrow.timestamp("us")
    arrow = pyarrow.array(found, pyarrow.int64(), mask=found == NO_MOMENT).cast(kind)
    return found[:, np.newaxis], arrow


def text_examples(column: Column, place: int, count: int) -> list[str | None]:
    """Return usual, huge and strange texts of a column, each column beginning at another."""
    if column.kind == "category":
        usual = column.levels or [""]
    elif column.kind == "date":
        ends = np.linspace(column.quantiles[0], column.quantiles[-1], 7)
        usual = [_dated(column, moment) for moment in ends.tolist()]
    else:
        numbers = np.linspace(column.quantiles[0], column.quantiles[-1], 7)
        usual = [_written(column, number) for number in [*numbers.tolist(), 1e39, -1e39]]
    values: list[str | None] = [usual[n % len(usual)] for n in range(count - len(STRANGE))]
    values += STRANGE
    return values[place % count :] + values[: place % count]


def _dated(column: Column, since_1970: float) -> str:
    """Return a moment in one of the ways in which a column writes it."""
    moment = str(np.datetime64(round(since_1970), "s"))
    date, _, time = moment.partition("T")
    year, month, day = date.split("-")
    order = column.dates.order if column.dates else "ymd"
    if order == "time":
        return time
    if order in ("ymd", "dmy", "mdy"):
        parts = {"y": year, "m": month, "d": day}
        mark = "-" if order == "ymd" else "/"
        return f"{mark.join(parts[letter] for letter in order)} {time}"
    name = MONTHS[int(month) - 1].capitalize()
    return f"{day} {name} {year}" if order == "d month y" else f"{name} {day}, {year}"


def _written(column: Column, number: float) -> str:
    format = column.numbers
    text = f"{abs(number):.3f}".replace(".", format.decimal)
    return f"{'-' if number < 0 else ''}{format.before}{text}{format.after}"
