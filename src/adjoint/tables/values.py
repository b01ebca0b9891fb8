"""Values of Arrow's columns as texts, as numbers or as moments, whichever kind of file has them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from .conventions import MISSING
from .date_format import Moments
from .number_format import tidied

if TYPE_CHECKING:
    import pyarrow

_PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
# The year 1, and the end of the year 9999, in seconds since 1970.
_FIRST, _END = -62_135_596_800, 253_402_300_800
# As a number is written in one file, and in another: 1 and 1.0 are the same class.
SIMPLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?")


def is_textual(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of names: texts, truth values, dictionaries."""
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in (*tests, types.is_dictionary, types.is_boolean))


def is_numeric(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of numbers, or of a column without any value."""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
    return any(test(kind) for test in (*tests, is_duration))


def is_duration(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of durations, whose numbers are seconds."""
    from pyarrow import types

    return bool(types.is_duration(kind))


def is_temporal(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of dates or times."""
    from pyarrow import types

    return any(test(kind) for test in (types.is_date, types.is_timestamp, types.is_time))


def is_time(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of times of a day alone."""
    from pyarrow import types

    return bool(types.is_time(kind))


def is_readable(kind: pyarrow.DataType) -> bool:
    """Return whether values of a type of Arrow's are names, numbers or moments."""
    return is_textual(kind) or is_numeric(kind) or is_temporal(kind)


def as_texts(values: pyarrow.ChunkedArray | pyarrow.Array) -> Any:
    """Return values as texts without spaces around them; "" where one is missing becomes null."""
    import pyarrow
    from pyarrow import compute

    texts = compute.utf8_trim_whitespace(plain(values).cast(pyarrow.string()))
    return compute.if_else(compute.equal(texts, ""), pyarrow.scalar(None, texts.type), texts)


def as_names(values: pyarrow.ChunkedArray | pyarrow.Array, missing: Sequence[str] = ()) -> Any:
    """Return values as tidy texts, null where one says that it is missing."""
    return without(tidied(as_texts(values)), [*MISSING, *missing])


def without(texts: Any, words: Sequence[str]) -> Any:
    """Return texts, null where one is among some words, in small letters or capitals."""
    import pyarrow
    from pyarrow import compute

    absent = pyarrow.array([word.strip().lower() for word in words], pyarrow.string())
    is_absent = compute.is_in(compute.utf8_lower(texts), value_set=absent)
    return compute.if_else(is_absent, pyarrow.scalar(None, texts.type), texts)


def canonical(texts: Any) -> Any:
    """Return texts of which those that mean the same are equal: 1 and 1.0, True and true."""
    import pyarrow

    coded = texts.dictionary_encode()
    keys = pyarrow.array([_key(text) for text in coded.dictionary.to_pylist()], pyarrow.string())
    return keys.take(coded.indices)


def _key(text: str) -> str:
    if SIMPLE.fullmatch(text):
        number = float(text)
        # -0 and 0 are equal; Python writes them differently.
        return str(int(number)) if number.is_integer() else repr(number)
    return text.lower() if text.lower() in ("true", "false") else text


def as_floats(values: pyarrow.ChunkedArray | pyarrow.Array) -> Array:
    """Return the values of a typed column of numbers as floats, NaN where there is none.

    Those of durations are seconds.
    """
    import pyarrow

    values = plain(values)
    if is_duration(values.type):
        return as_floats(values.cast(pyarrow.int64())) / _PER_SECOND[values.type.unit]
    # Large integers may be rounded, which Arrow refuses where it is asked to be safe.
    return finite(values.cast(pyarrow.float64(), safe=False))


def infinite(numbers: Any) -> int:
    """Return how many of Arrow's numbers are infinite."""
    import pyarrow
    from pyarrow import compute

    if not pyarrow.types.is_floating(numbers.type):
        return 0
    return int(compute.sum(compute.is_inf(numbers.cast(pyarrow.float64()))).as_py() or 0)


def finite(numbers: Any) -> Array:
    """Return Arrow's numbers as NumPy's, NaN where one is missing or infinite."""
    found = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def as_moments(values: pyarrow.ChunkedArray | pyarrow.Array) -> Moments:
    """Return the values of a typed column of dates or times.

    Those that no calendar has, before the year 1 or after 9999, are missing.
    """
    import pyarrow
    from pyarrow import compute, types

    found = plain(values)
    if types.is_timestamp(found.type) and found.type.unit != "ns":
        found = _within_years(found)
    if types.is_time(found.type):
        found = found.cast(pyarrow.time64("ns"), safe=False).cast(pyarrow.int64())
        wall = _micros(compute.divide(found, 1000).cast(pyarrow.timestamp("us")))
        return Moments(wall, wall)
    if types.is_timestamp(found.type) and found.type.tz:
        instant = _micros(found.cast(pyarrow.timestamp("us", found.type.tz), safe=False))
        wall = compute.local_timestamp(found).cast(pyarrow.timestamp("us"), safe=False)
        return Moments(_micros(wall), instant)
    wall = _micros(found.cast(pyarrow.timestamp("us"), safe=False))
    return Moments(wall, wall)


def _within_years(moments: Any) -> Any:
    """Return timestamps without those that microseconds of 64 bits, or a calendar, do not have."""
    import pyarrow
    from pyarrow import compute

    counts, per_second = moments.cast(pyarrow.int64()), _PER_SECOND[moments.type.unit]
    is_early = compute.less(counts, _FIRST * per_second)
    is_late = compute.greater_equal(counts, _END * per_second)
    nothing = pyarrow.scalar(None, moments.type)
    return compute.if_else(compute.or_(is_early, is_late), nothing, moments)


def _micros(values: Any) -> Array:
    return np.asarray(values.to_numpy(zero_copy_only=False)).astype("datetime64[us]")


def plain(values: pyarrow.ChunkedArray | pyarrow.Array) -> Any:
    """Return values in one piece, each as it is: not as a dictionary, run or view, or extended."""
    import pyarrow
    from pyarrow import compute, types

    if isinstance(values, pyarrow.ChunkedArray):
        values = values.combine_chunks()
    if isinstance(values, pyarrow.ExtensionArray):
        return plain(values.storage)
    if types.is_dictionary(values.type):
        return plain(values.dictionary).take(values.indices)
    if types.is_run_end_encoded(values.type):
        return plain(compute.run_end_decode(values))
    if types.is_string_view(values.type):
        # pyarrow 17 has no cast of views.
        return pyarrow.array(values.to_pylist(), pyarrow.large_string())
    return values
