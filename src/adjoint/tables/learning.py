"""What a column is gets learnt from its values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from .calendar import part_of_time
from .column import IN_SECONDS, PARTS, Column, seconds
from .conventions import AS_SHOWN, Conventions
from .date_format import DateFormat, Moments, read_dates
from .number_format import NumberFormat
from .number_reading import NumberReading, read_numbers
from .values import (
    as_floats,
    as_moments,
    as_names,
    as_texts,
    canonical,
    finite,
    infinite,
    is_duration,
    is_readable,
    is_temporal,
    is_textual,
    is_time,
    plain,
)

if TYPE_CHECKING:
    import pyarrow

_QUANTILES = 101
# Categories with fewer rows count as one; a column in which most rows have one of their own says
# who a row is, not what it is like.
_FEWEST = 3
_OWN = 0.5
# Whole numbers from here on, of 16 digits, are not all floats: they are names.
_NAMES_FROM = 10**15


def learn(
    name: str,
    values: pyarrow.ChunkedArray | pyarrow.Array,
    conventions: Conventions = AS_SHOWN,
) -> Column | str:
    """Return what a column is, or why there is nothing to learn from it."""
    import pyarrow

    values = plain(values)
    kind = values.type
    if not is_readable(kind):
        return f"holds {kind}, which is neither number, date nor category"
    try:
        found = _learn_typed(name, values) if not is_textual(kind) else None
    except pyarrow.ArrowException as error:
        return f"cannot be read as {kind}: {error}"
    if found is None:
        texts = as_names(values, conventions.missing)
        found = _learn_texts(name, texts, conventions)
        if isinstance(found, Column):
            found.remarks += _absent(values, texts)
    if isinstance(found, Column):
        found.missing = list(conventions.missing)
    return found


def _absent(values: Any, texts: Any) -> list[str]:
    """Say which words stand for missing values, if there are any."""
    from pyarrow import compute

    words = as_texts(values).filter(texts.is_null()).drop_null()
    if not len(words):
        return []
    shown = ", ".join(map(repr, compute.unique(words).to_pylist()[:3]))
    return [f"{len(words):,} missing, written {shown}"]


def _learn_typed(name: str, values: Any) -> Column | str | None:
    """Return what a column with a type is; None if its numbers are names."""
    from pyarrow import compute, types

    if is_temporal(values.type):
        format = DateFormat("time" if is_time(values.type) else "ymd")
        found = as_moments(values)
        far = int(np.isnat(found.wall).sum()) - values.null_count
        remarks = [f"{far:,} outside of the years 1 to 9999, taken as missing"] * bool(far)
        return _dated(name, found, format, remarks)
    if types.is_integer(values.type):
        ends = compute.min_max(values).as_py()
        if ends["max"] is not None and max(ends["max"], -ends["min"]) >= _NAMES_FROM:
            return None
    remarks = [IN_SECONDS] * is_duration(values.type)
    remarks += _infinite(infinite(values))
    return _numeric(name, as_floats(values), NumberFormat(), remarks)


def _infinite(count: int) -> list[str]:
    return [f"{count:,} infinite, taken as missing"] * bool(count)


def _learn_texts(name: str, texts: Any, conventions: Conventions) -> Column | str:
    if texts.null_count == len(texts):
        return "all values are missing"
    reading = read_numbers(texts)
    if reading.formats:
        format, reason = conventions.number_format(reading)
        numbers = format.parse(texts)
        remarks = [*number_remarks(reading, format, reason), *_infinite(infinite(numbers))]
        strange = texts.filter(numbers.is_null()).drop_null()
        return _numeric(name, finite(numbers), format, [*remarks, *_strange(strange, "number")])
    dates = read_dates(texts)
    if dates:
        chosen, reason = conventions.date_format(dates)
        found = chosen.parse(texts)
        remarks = [f"{chosen} ({reason})" if reason else str(chosen)] if str(chosen) else []
        strange = texts.filter(plain(_array(np.isnat(found.wall)))).drop_null()
        return _dated(name, found, chosen, [*remarks, *_strange(strange, "date")])
    return _categorical(name, canonical(texts), reading.reason if reading.is_close else "")


def _array(values: Any) -> Any:
    import pyarrow

    return pyarrow.array(values)


def number_remarks(reading: NumberReading, format: NumberFormat, reason: str) -> list[str]:
    """Say how numbers are read that are not written plainly, or that could be read otherwise."""
    example = reading.example
    if not example or not (str(format) or reason):
        return []
    value = format.parse(_array([example]))[0].as_py()
    shown = f"{example!r} is {value:.15g}" if value is not None else ""
    way = ", ".join(filter(None, [str(format), shown]))
    return [f"{way} ({reason})" if reason else way]


def _strange(texts: Any, what: str) -> list[str]:
    if not len(texts):
        return []
    count = (
        f"{len(texts):,} texts that are no {what}s"
        if len(texts) > 1
        else f"1 text that is no {what}"
    )
    first = ", ".join(repr(text) for text in dict.fromkeys(texts[:100].to_pylist()))
    return [f"{count}: {first[:40]}{'…' if len(first) > 40 else ''}, taken as missing"]


def _numeric(name: str, numbers: Array, format: NumberFormat, remarks: list[str]) -> Column | str:
    known = numbers[~np.isnan(numbers)]
    if not len(known):
        return "all values are missing"
    quantiles = _quantiles(known)
    if len(quantiles) == 1:
        return f"always {quantiles[0]:g}" + (" or missing" if len(known) < len(numbers) else "")
    return Column(
        name,
        "number",
        len(known) < len(numbers),
        quantiles=quantiles,
        numbers=format,
        remarks=remarks,
        has_value=len(quantiles) > 2,
    )


def _quantiles(known: Array) -> list[float]:
    # Adding 0 makes -0, which equals 0, look like it.
    found = np.unique(np.quantile(known, np.linspace(0, 1, _QUANTILES))) + 0.0
    return list(found.tolist())


def _dated(name: str, found: Moments, format: DateFormat, remarks: list[str]) -> Column | str:
    is_known = ~np.isnat(found.instant)
    known = Moments(found.wall[is_known], found.instant[is_known])
    if not len(known.wall):
        return "all values are missing"
    possible = ("hour",) if format.is_time else PARTS[1:]
    wall = known.wall.astype(np.int64)
    parts = [p for p in possible if len(np.unique(part_of_time(p, wall))) > 1]
    quantiles = _quantiles(seconds(known.instant))
    if len(quantiles) == 1:
        return f"always {str(known.wall[0]).removesuffix('.000000').replace('T', ' ')}"
    return Column(
        name,
        "date",
        not is_known.all(),
        quantiles=quantiles,
        dates=format,
        parts=["time", *parts],
        remarks=remarks,
    )


def _categorical(name: str, names: pyarrow.Array, reason: str) -> Column | str:
    counts = Counter(names.drop_null().to_pylist())
    total = sum(counts.values())
    if len(counts) > max(_OWN * total, 20):
        other = f"; {reason}" if reason else ""
        return f"{len(counts):,} different texts in {total:,} rows say who a row is{other}"
    levels = sorted(value for value, count in counts.items() if count >= _FEWEST)
    if len(counts) == 1 and total == len(names):
        return f"always {next(iter(counts))!r}"
    if not levels:
        return "each of its texts is rare"
    remarks = [f"not numbers: {reason}"] if reason else []
    return Column(name, "category", names.null_count > 0, levels=levels, remarks=remarks)
