"""A date format says in which order a column of texts writes year, month and day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array
from .number_reading import MOSTLY, sample

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_NAME = (
    "(?i:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    "sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_CLOCK = (
    r"(?P<hour>\d{1,2}):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?)?"
    r" ?(?P<half>(?:[AaPp]\.?[Mm]\.?)?)"
)
_ZONE = r" ?(?P<zone>(?:Z|UTC|GMT|[+-]\d\d(?::?\d\d)?)?)"
_YEAR, _SHORT, _MONTH, _DAY = (
    r"(?P<year>\d{4})",
    r"(?P<year>\d\d)",
    r"(?P<month>\d\d?)",
    r"(?P<day>\d\d?)",
)
_NAME_OF_DAY = r"(?:(?i:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6}\.?,? )?"
# Without marks, as ISO 8601 has it; the "T" tells it from a number.
_COMPACT = (
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)"
    r"T(?P<hour>\d\d)(?P<minute>\d\d)(?P<second>\d\d)"
)
# The patterns of a day by order. What has a name in it, or the year first, is never ambiguous.
_DAYS = {
    "ymd": [rf"{_YEAR}{sign}{_MONTH}{sign}{_DAY}" for sign in ("-", "/", r"\.")]
    + [rf"{_YEAR}年{_MONTH}月{_DAY}日", rf"{_YEAR}-(?P<month>\d\d)"],
    "dmy": [rf"{_DAY}{s}{_MONTH}{s}{y}" for s in ("/", r"\. ?", "-") for y in (_YEAR, _SHORT)],
    "mdy": [rf"{_MONTH}{s}{_DAY}{s}{y}" for s in ("/", r"\.", "-") for y in (_YEAR, _SHORT)],
    "d month y": [
        rf"{_NAME_OF_DAY}{_DAY}[ -](?P<month>{_NAME})\.?,?[ -]{y}" for y in (_YEAR, _SHORT)
    ],
    "month d, y": [rf"{_NAME_OF_DAY}(?P<month>{_NAME})\.? {_DAY},? {_YEAR}"],
}
ORDERS = ("dmy", "mdy")
# POSIX: two digits from 69 on are of the last century.
CENTURY = 69


@dataclass(frozen=True)
class Moments:
    """Moments of time.

    Attributes
    ----------
    wall : (n,) array of datetime64[us]
        What a clock showed there and then; NaT where there is none.
    instant : (n,) array of datetime64[us]
        The same in Coordinated Universal Time, or `wall` where no zone is told.
    """

    wall: Array
    instant: Array


@dataclass(frozen=True)
class DateFormat:
    """How a column of texts writes its dates and times.

    Attributes
    ----------
    order : str
        "ymd", "dmy", "mdy", "d month y", "month d, y", or "time" for times of a day alone.
    """

    order: str

    def __post_init__(self) -> None:
        if self.order not in (*_DAYS, "time"):
            raise ValueError(f"no order of dates: {self.order!r:.40}")

    @property
    def is_time(self) -> bool:
        """Whether it writes times of a day alone."""
        return self.order == "time"

    def patterns(self) -> Iterator[str]:
        """Yield what a whole text in this format may match."""
        if self.is_time:
            yield f"^{_CLOCK}$"
            return
        for day in _DAYS[self.order]:
            yield f"^{day}(?:,?[T ] ?{_CLOCK}{_ZONE})?$"
        if self.order == "ymd":
            yield f"^{_COMPACT}{_ZONE}$"

    def parse(self, texts: Any) -> Moments:
        """Return the moments of Arrow's texts, NaT where one is none in this format."""
        from pyarrow import compute

        wall = np.full(len(texts), np.datetime64("NaT"), "datetime64[us]")
        instant, left = wall.copy(), np.arange(len(texts))
        for pattern in self.patterns():
            found = compute.extract_regex(texts, pattern)
            is_found = found.is_valid().to_numpy(zero_copy_only=False)
            if is_found.any():
                rows = left[is_found]
                wall[rows], offset = _moments(found.drop_null())
                instant[rows] = wall[rows] - offset
                left, texts = left[~is_found], texts.filter(compute.invert(found.is_valid()))
            if not len(left):
                break
        return Moments(wall, instant)

    def __str__(self) -> str:
        return {"ymd": "", "dmy": "day first", "mdy": "month first"}.get(self.order, "")


def read_dates(texts: Any) -> tuple[DateFormat, ...]:
    """Return the formats in which nearly all texts of a column are dates or times.

    Two of them: the column is ambiguous, as no day is after the 12th.
    """
    known = texts.drop_null()
    if not len(known):
        return ()
    found = _best([DateFormat(order) for order in (*_DAYS, "time")], sample(known))
    return tuple(_best(found, known) if len(found) > 1 else found)


def _best(formats: list[DateFormat], known: Any) -> list[DateFormat]:
    """Return the formats that the most texts have, if these are nearly all."""
    counts = [int((~np.isnat(format.parse(known).wall)).sum()) for format in formats]
    most = max(counts, default=0)
    if most < MOSTLY * len(known):
        return []
    return [format for format, count in zip(formats, counts, strict=True) if count == most]


def _moments(found: Any) -> tuple[Array, Array]:
    """Return what a clock showed, and by how much it was ahead of Universal Time."""
    from pyarrow import compute

    names = {field.name for field in found.type}
    texts = {name: compute.struct_field(found, name) for name in names}
    count = len(found)

    def numbers(name: str, default: int) -> Array:
        return _numbers(texts[name], default) if name in names else np.full(count, default)

    year, day = numbers("year", 1970), numbers("day", 1)
    if "year" in names and len(texts["year"][0].as_py()) == 2:
        year = year + np.where(year >= CENTURY, 1900, 2000)
    month = _each(texts["month"], _month) if "month" in names else np.ones(count, np.int64)
    months = ((year - 1970) * 12 + np.clip(month, 1, 12) - 1).astype("datetime64[M]")
    days = months.astype("datetime64[D]") + (day - 1)
    is_day = (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]") == months)
    half = _each(texts["half"], _half) if "half" in names else np.zeros(count, np.int64)
    hour, minute, second = (numbers(name, 0) for name in ("hour", "minute", "second"))
    is_time = np.where(half > 0, (hour >= 1) & (hour <= 12), hour <= 24)
    # The last moment of a day may be written 24:00.
    is_time &= (minute < 60) & (second <= 60) & ((hour < 24) | (minute + second == 0))
    hour = np.where(half > 0, hour % 12 + 12 * (half == 2), hour)
    micros = ((hour * 60 + minute) * 60 + second) * 1_000_000
    if "fraction" in names:
        digits = compute.utf8_slice_codeunits(texts["fraction"], 0, 6)
        micros = micros + _numbers(compute.utf8_rpad(digits, 6, "0"), 0)
    wall = days.astype("datetime64[us]") + micros.astype("timedelta64[us]")
    wall[~(is_day & is_time)] = np.datetime64("NaT")
    ahead = _each(texts["zone"], _offset) if "zone" in names else np.zeros(count, np.int64)
    return wall, ahead.astype("timedelta64[m]")


def _numbers(texts: Any, default: int) -> Array:
    """Return the whole numbers of texts that have digits alone, or are empty."""
    import pyarrow
    from pyarrow import compute

    filled = compute.if_else(compute.equal(texts, ""), str(default), texts)
    return np.asarray(filled.cast(pyarrow.int64()).to_numpy(zero_copy_only=False))


def _each(texts: Any, number: Callable[[str], int]) -> Array:
    """Return a number for each text; the function is asked once for those that are equal."""
    coded = texts.dictionary_encode()
    values = np.array([number(text) for text in coded.dictionary.to_pylist()], np.int64)
    return np.asarray(values[coded.indices.to_numpy(zero_copy_only=False)])


def _half(text: str) -> int:
    return ("", "a", "p").index(text[:1].lower())


def _month(text: str) -> int:
    return int(text) if text.isdigit() else MONTHS.index(text[:3].lower()) + 1


def _offset(text: str) -> int:
    """Return by how many minutes a zone is ahead of Universal Time."""
    if text[:1] not in ("+", "-") or not text:
        return 0
    digits = text[1:].replace(":", "")
    minutes = int(digits[:2]) * 60 + int(digits[2:] or 0)
    return minutes if text[0] == "+" else -minutes
