"""A column's kind says how its values become numbers: as they are, or as categories."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array

if TYPE_CHECKING:
    import pyarrow


# What stands for a missing value in a text, small letters or capitals.
MISSING = ("", "?", "na", "n/a", "nan", "null", "none", "-")
_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
# A column of texts is one of numbers if this share of them are numbers.
_MOSTLY = 0.95
_QUANTILES, _WIDEST = 101, 3**0.5
# Categories with fewer rows count as one; a column in which most rows have one of their own says
# who a row is, not what it is like.
_FEWEST = 3
_OWN = 0.5


@dataclass
class Column:
    """A column that a network reads.

    Attributes
    ----------
    name : str
    kind : {"number", "category"}
    has_missing : bool
        Whether some values were missing when it was learnt: they are told by a column or a category
        of their own.
    quantiles : list of float
        A number's values at equal steps of their ranks, each once: a value becomes its rank
        between -√3 and √3, which has mean 0 and variance 1, and does not depend on its scale.
    levels : list of str
        A category's values by how they sort. Its numbers begin at 1; 0 stands for all that are
        rare, or were not there. Missing ones have the last number.
    """

    name: str
    kind: str
    has_missing: bool
    quantiles: list[float] = field(default_factory=list)
    levels: list[str] = field(default_factory=list)

    @property
    def width(self) -> int:
        """How many columns of numbers it becomes."""
        return 1 + (self.kind == "number" and self.has_missing)

    @property
    def count(self) -> int:
        """How many numbers a category's values have."""
        return 1 + len(self.levels) + self.has_missing

    def encode(self, values: pyarrow.ChunkedArray | pyarrow.Array, treated: Counter[str]) -> Array:
        """Return the values as numbers, (n, width), and count those that are treated specially."""
        if self.kind == "category":
            return self._codes(values, treated)[:, np.newaxis]
        numbers, strange = as_numbers(values)
        if strange:
            treated[f"{self.name}: no number, taken as missing"] += strange
        gaps = np.isnan(numbers)
        if gaps.any() and not self.has_missing:
            treated[f"{self.name}: missing, taken as the median"] += int(gaps.sum()) - strange
        # Ranks among the quantiles instead of values: an outlier stays within ±√3, the bounds of a
        # uniform distribution of variance 1.
        ranks = np.linspace(-_WIDEST, _WIDEST, len(self.quantiles))
        scaled = np.where(gaps, 0.0, np.interp(numbers, self.quantiles, ranks))
        return np.column_stack([scaled, gaps] if self.has_missing else [scaled])

    def _codes(self, values: pyarrow.ChunkedArray | pyarrow.Array, treated: Counter[str]) -> Array:
        import pyarrow
        from pyarrow import compute

        names = as_names(values)
        found = compute.index_in(names, value_set=pyarrow.array(self.levels, pyarrow.string()))
        # Number 0 stands for all categories that were rare or not there.
        codes = compute.fill_null(found, -1).to_numpy(zero_copy_only=False) + 1
        gaps = names.is_null().to_numpy(zero_copy_only=False)
        if self.has_missing:
            codes[gaps] = self.count - 1
        elif gaps.any():
            treated[f"{self.name}: missing, taken as a category that was rare"] += int(gaps.sum())
        unseen = int(((codes == 0) & ~gaps).sum())
        if unseen:
            treated[f"{self.name}: a category that was rare or not there"] += unseen
        return np.asarray(codes, np.float64)

    def __str__(self) -> str:
        gaps = ", some missing" if self.has_missing else ""
        if self.kind == "number":
            low, high = self.quantiles[0], self.quantiles[-1]
            return f"number{gaps}, {low:.6g} to {high:.6g}"
        shown = ", ".join(self.levels[:3]) + (", …" if len(self.levels) > 3 else "")
        return f"category{gaps}, {len(self.levels)} values: {shown}"


def learn(name: str, values: pyarrow.ChunkedArray | pyarrow.Array) -> Column | str:
    """Return what a column is, or why there is nothing to learn from it."""
    kind = values.type
    if not is_readable(kind):
        return f"holds {kind}, which is neither number nor category"
    numbers, strange = as_numbers(values)
    known = ~np.isnan(numbers)
    if known.sum() + strange == 0:
        return "all values are missing"
    is_text = is_textual(kind)
    if (not is_text and strange == 0) or known.sum() >= _MOSTLY * (known.sum() + strange) > 0:
        return _numeric(name, numbers[known], has_missing=not known.all())
    return _categorical(name, as_names(values))


def _numeric(name: str, numbers: Array, *, has_missing: bool) -> Column | str:
    quantiles = np.unique(np.quantile(numbers, np.linspace(0, 1, _QUANTILES))).tolist()
    if len(quantiles) == 1:
        return f"always {quantiles[0]:g}" + (" or missing" if has_missing else "")
    return Column(name, "number", has_missing, quantiles=quantiles)


def _categorical(name: str, names: pyarrow.Array) -> Column | str:
    counts = Counter(names.drop_null().to_pylist())
    total = sum(counts.values())
    if len(counts) > max(_OWN * total, 20):
        return f"{len(counts)} different texts in {total} rows say who a row is"
    levels = sorted(value for value, count in counts.items() if count >= _FEWEST)
    if len(counts) == 1 and total == len(names):
        return f"always {next(iter(counts))!r}"
    if not levels:
        return "each of its texts is rare"
    return Column(name, "category", names.null_count > 0, levels=levels)


def is_textual(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of names: texts, truth values, dictionaries."""
    from pyarrow import types

    return bool(
        types.is_string(kind)
        or types.is_large_string(kind)
        or types.is_string_view(kind)
        or types.is_dictionary(kind)
        or types.is_boolean(kind)
    )


def is_readable(kind: pyarrow.DataType) -> bool:
    """Return whether values of a type of Arrow's are names or numbers."""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_decimal)
    numeric = (*tests, types.is_date, types.is_timestamp, types.is_null)
    return is_textual(kind) or any(test(kind) for test in numeric)


def as_names(values: pyarrow.ChunkedArray | pyarrow.Array) -> Any:
    """Return values as texts without spaces around them, null where one is missing."""
    import pyarrow
    from pyarrow import compute

    names = compute.utf8_trim_whitespace(_plain(values).cast(pyarrow.string()))
    is_missing = compute.is_in(compute.utf8_lower(names), value_set=pyarrow.array(MISSING))
    return compute.if_else(is_missing, pyarrow.scalar(None, pyarrow.string()), names)


def as_numbers(values: pyarrow.ChunkedArray | pyarrow.Array) -> tuple[Array, int]:
    """Return values as floats, NaN where there is none, and how many were neither."""
    import pyarrow
    from pyarrow import compute

    kind = values.type
    if is_textual(kind):
        names = as_names(values)
        is_number = compute.match_substring_regex(names, _NUMBER)
        strange = names.null_count
        texts = compute.if_else(is_number, names, pyarrow.scalar(None, pyarrow.string()))
        numbers = texts.cast(pyarrow.float64())
        strange = numbers.null_count - strange
    else:
        numbers, strange = _plain(values), 0
        if pyarrow.types.is_temporal(kind):
            numbers = numbers.cast(pyarrow.timestamp("ms")).cast(pyarrow.int64())
        # Large integers may be rounded, which Arrow refuses where it is asked to be safe.
        numbers = numbers.cast(pyarrow.float64(), safe=False)
    found = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    found = np.where(np.isfinite(found), found, np.nan)
    return found, int(strange)


def _plain(values: pyarrow.ChunkedArray | pyarrow.Array) -> Any:
    """Return values in one piece."""
    import pyarrow

    if isinstance(values, pyarrow.ChunkedArray):
        values = values.combine_chunks()
    return values.dictionary_decode() if pyarrow.types.is_dictionary(values.type) else values
