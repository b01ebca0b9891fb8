"""A column's kind says how its values become numbers: as they are, as categories, or as dates."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..core.value import Value
from ..errors import TableError
from .calendar import part_of_time
from .date_format import DateFormat, Moments
from .number_format import NumberFormat
from .scaling import interpolated, scaled, scaling_of
from .values import (
    as_floats,
    as_moments,
    as_names,
    canonical,
    finite,
    infinite,
    is_duration,
    is_temporal,
    is_textual,
    is_time,
    plain,
)

if TYPE_CHECKING:
    import pyarrow

# So many texts of which none is what was learnt are of another kind of column.
_FEWEST_WORDS = 20
# A uniform distribution between these bounds has variance 1.
WIDEST = 3**0.5
KINDS = ("number", "category", "date")
# The remark on a column that was learnt from durations; a model's folder tells them by it.
IN_SECONDS = "in seconds"
# What a moment has besides its place in time, with the mean and the deviation of even values.
CYCLES = {"month": (6.5, 3.452), "weekday": (3.0, 2.0), "hour": (11.5, 6.922)}
PARTS = ("time", "year", *CYCLES)


@dataclass
class Column:
    """A column that a network reads.

    Attributes
    ----------
    name : str
    kind : {"number", "category", "date"}
    has_missing : bool
        Whether some values were missing when it was learnt: they are told by a column or a category
        of their own.
    quantiles : list of float
        A number's values at equal steps of their ranks, each once: a value becomes its rank
        between -√3 and √3, which has mean 0 and variance 1, and does not depend on its scale. Of
        dates: their seconds since 1970.
    levels : list of str
        A category's values by how they sort. Its numbers begin at 1; 0 stands for all that are
        rare, or were not there. Missing ones have the last number.
    numbers : NumberFormat
        How texts write a number.
    dates : DateFormat, optional
        How texts write a date.
    parts : list of str
        What of a date varies: "time" (since the first row), "year", "month", "weekday", "hour".
    missing : list of str
        Texts that stand for missing values besides the usual ones.
    remarks : list of str
        What else there is to say about it: what was decided, converted or taken as missing.
    has_value : bool
        Whether a number becomes its scaled value beside its rank. Models of earlier versions have
        the rank alone.
    """

    name: str
    kind: str
    has_missing: bool
    quantiles: list[float] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)
    numbers: NumberFormat = field(default_factory=NumberFormat)
    dates: DateFormat | None = None
    parts: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    has_value: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"column {self.name!r} is of an unknown kind {self.kind!r:.40}")
        if self.kind != "category" and not (
            len(self.quantiles) > 1 and all(a < b for a, b in pairwise(self.quantiles))
        ):
            raise ValueError(f"column {self.name!r} has quantiles that do not rise")
        if (self.kind == "date") != bool(self.parts) or not set(self.parts) <= set(PARTS):
            raise ValueError(f"column {self.name!r} is no date with parts of {', '.join(PARTS)}")
        if len(set(self.levels)) < len(self.levels):
            raise ValueError(f"column {self.name!r} has a category twice")

    @property
    def width(self) -> int:
        """How many columns of numbers it becomes."""
        if self.kind == "category":
            return 1
        return max(len(self.parts), 1) + self.has_value + self.has_missing

    @property
    def count(self) -> int:
        """How many numbers a category's values have."""
        return 1 + len(self.levels) + self.has_missing

    def feature_names(self) -> list[str]:
        """Return what the columns of numbers are called that it becomes."""
        names = [f"{self.name}_{part}" for part in self.parts] or [self.name]
        names += [f"{self.name}_value"] * self.has_value
        is_marked = self.has_missing and self.kind != "category"
        return [*names, f"{self.name}_missing"] if is_marked else names

    def category_names(self) -> list[str]:
        """Return what each of a category's numbers stands for, by the number."""
        return ["rare", *self.levels, *["missing"] * self.has_missing]

    def encode(self, values: pyarrow.ChunkedArray | pyarrow.Array, treated: Counter[str]) -> Array:
        """Return the values as numbers, (n, width), and count those that are treated specially.

        Raises
        ------
        TableError
            If the values are of another kind, or write numbers in another way, than those which it
            was learnt from.
        """
        values = plain(values)
        if self.kind == "category":
            return self._codes(values, treated)[:, np.newaxis]
        found = self._dated(values, treated) if self.kind == "date" else None
        numbers = seconds(found.instant) if found else self._numbers(values, treated)
        gaps = np.isnan(numbers)
        if gaps.any() and not self.has_missing:
            self._count(treated, "missing, taken as the median", int(gaps.sum()))
        self._count_outside(numbers, treated)
        wall = found.wall.astype(np.int64) if found else None
        part = None if wall is None else lambda part: part_of_time(part, wall)
        return np.column_stack(self.columns_of(numbers, part))

    def columns_of(self, numbers: Any, part: Callable[[str], Any] | None = None) -> list[Any]:
        """Return the columns that numbers become, or seconds: arrays, or values that are traced.

        Parameters
        ----------
        numbers : (n,) array of float64
            NaN where one is missing. Those of dates are seconds since 1970 in Universal Time.
        part : callable, optional
            It gives a part of the dates, "year", "month", "weekday" or "hour", an (n,) array.
        """
        gaps = np.isnan(numbers)
        parts = [self._ranks(numbers)] if part is None else list(self._parts(numbers, part))
        if self.has_value:
            parts.append(scaled(numbers, scaling_of(self.quantiles)))
        filled = [np.where(gaps, 0.0, part) for part in parts]
        return [*filled, gaps] if self.has_missing else filled

    def _count(self, treated: Counter[str], what: str, count: int) -> None:
        if count:
            treated[f"{self.name}: {what}"] += count

    def _count_strange(
        self, texts: Any, strange: int, what: tuple[str, str], treated: Counter[str]
    ) -> None:
        """Count the texts that are not what was learnt; refuse many of which none is."""
        if strange == len(texts) - texts.null_count >= _FEWEST_WORDS:
            word = texts.drop_null()[0].as_py()
            raise TableError(
                f"column {self.name!r} holds texts that are no {what[1]}, as {word!r:.60}, but the "
                f"model read {what[1]}"
            )
        self._count(treated, f"no {what[0]}, taken as missing", strange)

    # --- numbers ----------------------------------------------------------------------------------

    def _numbers(self, values: Any, treated: Counter[str]) -> Array:
        is_strange = is_duration(values.type) and IN_SECONDS not in self.remarks
        if is_temporal(values.type) or (is_strange and values.null_count < len(values)):
            raise TableError(
                f"column {self.name!r} holds {values.type}, but the model read numbers"
            )
        if not is_textual(values.type):
            self._count(treated, "infinite, taken as missing", infinite(values))
            return as_floats(values)
        texts = as_names(values, self.missing)
        self.numbers.check(texts, f"column {self.name!r}")
        parsed = self.numbers.parse(texts)
        strange = parsed.null_count - texts.null_count
        self._count_strange(texts, strange, ("number", "numbers"), treated)
        self._count(treated, "infinite, taken as missing", infinite(parsed))
        return finite(parsed)

    def _ranks(self, numbers: Any) -> Any:
        # Ranks among the quantiles instead of values: an outlier stays within ±√3.
        ranks = np.linspace(-WIDEST, WIDEST, len(self.quantiles))
        return _between(numbers, self.quantiles, ranks.tolist())

    def _count_outside(self, numbers: Array, treated: Counter[str]) -> None:
        outside = (numbers < self.quantiles[0]) | (numbers > self.quantiles[-1])
        self._count(treated, f"outside of {self.span}, taken as the nearest", int(outside.sum()))

    # --- dates ------------------------------------------------------------------------------------

    def _dated(self, values: Any, treated: Counter[str]) -> Moments:
        format = self.dates or DateFormat("ymd")
        what = ("time of a day", "times of a day") if format.is_time else ("date", "dates")
        if is_temporal(values.type) and is_time(values.type) == format.is_time:
            found = as_moments(values)
            strange = int(np.isnat(found.wall).sum()) - values.null_count
            self._count(treated, f"no {what[0]}, taken as missing", strange)
            return found
        # A column without any value has no kind that could be another.
        if not is_textual(values.type) and values.null_count < len(values):
            raise TableError(
                f"column {self.name!r} holds {values.type}, but the model read {what[1]}"
            )
        texts = as_names(values, self.missing)
        found = format.parse(texts)
        strange = int(np.isnat(found.wall).sum()) - texts.null_count
        self._count_strange(texts, strange, what, treated)
        return found

    def _parts(self, numbers: Any, part: Callable[[str], Any]) -> Iterator[Any]:
        for name in self.parts:
            if name == "time":
                yield self._ranks(numbers)
            elif name == "year":
                yield _between(part(name) * 1.0, self.years(), [-WIDEST, WIDEST])
            else:
                mean, deviation = CYCLES[name]
                yield (part(name) - mean) / deviation

    def years(self) -> list[float]:
        """Return the years of the first and the last of a date's quantiles."""
        ends = self.quantiles[0], self.quantiles[-1]
        return [float(part_of_time("year", round(end * 1e6))) for end in ends]

    # --- categories -------------------------------------------------------------------------------

    def _codes(self, values: pyarrow.ChunkedArray | pyarrow.Array, treated: Counter[str]) -> Array:
        import pyarrow
        from pyarrow import compute

        if is_temporal(values.type):
            raise TableError(f"column {self.name!r} holds {values.type}, but the model read names")
        names = canonical(as_names(values, self.missing))
        levels = canonical(pyarrow.array(self.levels, pyarrow.string()))
        found = compute.index_in(names, value_set=levels)
        # Number 0 stands for all categories that were rare or not there.
        codes = compute.fill_null(found, -1).to_numpy(zero_copy_only=False) + 1
        gaps = names.is_null().to_numpy(zero_copy_only=False)
        if self.has_missing:
            codes[gaps] = self.count - 1
        else:
            self._count(treated, "missing, taken as a category that was rare", int(gaps.sum()))
        self._count(
            treated, "a category that was rare or not there", int(((codes == 0) & ~gaps).sum())
        )
        return np.asarray(codes, np.float64)

    # --- in words ---------------------------------------------------------------------------------

    @property
    def span(self) -> str:
        """The least and the greatest value that it was learnt from."""
        ends = self.quantiles[0], self.quantiles[-1]
        if self.kind == "number":
            return f"{ends[0]:.6g} to {ends[1]:.6g}"
        shown = [str(_moments(end).wall[0].astype("datetime64[s]")) for end in ends]
        if self.dates and self.dates.is_time:
            day = "1970-01-02T00:00:00"
            shown = ["24:00:00" if text == day else text.partition("T")[2] for text in shown]
            return " to ".join(shown)
        return " to ".join(text.removesuffix("T00:00:00").replace("T", " ") for text in shown)

    def __str__(self) -> str:
        gaps = ", some missing" if self.has_missing else ""
        if self.kind == "category":
            shown = ", ".join(self.levels[:3]) + (", …" if len(self.levels) > 3 else "")
            told = (
                f"category{gaps}, {len(self.levels)} value{'s' * (len(self.levels) != 1)}: {shown}"
            )
        else:
            parts = f", by {', '.join(self.parts)}" if self.parts else ""
            told = f"{self.kind}{gaps}, {self.span}{parts}"
        return "; ".join([told, *self.remarks])


def _between(numbers: Any, places: list[float], values: list[float]) -> Any:
    """Return numbers interpolated; those that are traced by the function that has a derivative."""
    is_traced = isinstance(numbers, Value)
    return (np.interp if is_traced else interpolated)(numbers, places, values)


def seconds(instant: Array) -> Array:
    """Return the seconds since 1970 of moments, NaN where there is none."""
    return np.where(np.isnat(instant), np.nan, instant.astype(np.int64) / 1e6)


def _moments(since_1970: float) -> Moments:
    wall = np.array([round(since_1970 * 1e6)], "datetime64[us]")
    return Moments(wall, wall)
