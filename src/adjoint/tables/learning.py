"""What a column is gets learnt from its values."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from .column import PARTS, Column, part_of, seconds
from .conventions import AS_SHOWN, Conventions
from .date_format import DateFormat, Moments, read_dates
from .number_format import NumberFormat, read_numbers
from .values import (
    as_floats,
    as_moments,
    as_names,
    canonical,
    finite,
    is_readable,
    is_temporal,
    is_textual,
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
    kind = values.type
    if not is_readable(kind):
        return f"holds {kind}, which is neither number, date nor category"
    found = _learn_typed(name, values) if not is_textual(kind) else None
    if found is None:
        found = _learn_texts(name, as_names(values, conventions.missing), conventions)
    if isinstance(found, Column):
        found.missing = list(conventions.missing)
    return found


def _learn_typed(name: str, values: Any) -> Column | str | None:
    """Return what a column with a type is; None if its numbers are names."""
    from pyarrow import compute, types

    if is_temporal(values.type):
        return _dated(name, as_moments(values), None, [])
    if types.is_integer(values.type):
        largest = compute.max(compute.abs_checked(plain(values))).as_py() if len(values) else None
        if largest is not None and largest >= _NAMES_FROM:
            return None
    return _numeric(name, as_floats(values), NumberFormat(), [])


def _learn_texts(name: str, texts: Any, conventions: Conventions) -> Column | str:
    if texts.null_count == len(texts):
        return "all values are missing"
    reading = read_numbers(texts)
    if reading.formats:
        format, reason = conventions.number_format(reading)
        numbers = format.parse(texts)
        remarks = _remarks(reading.example, format, reason, numbers)
        strange = texts.filter(numbers.is_null()).drop_null()
        return _numeric(name, finite(numbers), format, [*remarks, *_strange(strange, "number")])
    dates = read_dates(texts)
    if dates:
        chosen, reason = conventions.date_format(dates)
        found = chosen.parse(texts)
        remarks = [f"{chosen} ({reason})" if reason else str(chosen)] if str(chosen) else []
        strange = texts.filter(plain(_array(np.isnat(found.wall)))).drop_null()
        return _dated(name, found, chosen, [*remarks, *_strange(strange, "date")])
    return _categorical(name, canonical(texts), reading.reason)


def _array(values: Any) -> Any:
    import pyarrow

    return pyarrow.array(values)


def _remarks(example: str, format: NumberFormat, reason: str, numbers: Any) -> list[str]:
    """Say how numbers are read that are not written plainly, or that could be read otherwise."""
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
    )


def _quantiles(known: Array) -> list[float]:
    found: list[float] = np.unique(np.quantile(known, np.linspace(0, 1, _QUANTILES))).tolist()
    return found


def _dated(
    name: str, found: Moments, format: DateFormat | None, remarks: list[str]
) -> Column | str:
    is_known = ~np.isnat(found.instant)
    known = Moments(found.wall[is_known], found.instant[is_known])
    if not len(known.wall):
        return "all values are missing"
    parts = [p for p in PARTS[1:] if len(np.unique(part_of(p, known))) > 1]
    quantiles = _quantiles(seconds(known))
    if len(quantiles) == 1:
        return f"always {str(known.wall[0].astype('datetime64[s]')).replace('T', ' ')}"
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
        other = "" if "that are no number" in reason else f"; {reason}"
        return f"{len(counts):,} different texts in {total:,} rows say who a row is{other}"
    levels = sorted(value for value, count in counts.items() if count >= _FEWEST)
    if len(counts) == 1 and total == len(names):
        return f"always {next(iter(counts))!r}"
    if not levels:
        return "each of its texts is rare"
    return Column(name, "category", names.null_count > 0, levels=levels)
