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

# As a number is written in one file, and in another: 1 and 1.0 are the same class.
_SIMPLE = re.compile(r"[+-]?(?:0|[1-9]\d{0,14})(?:\.\d+)?")


def is_textual(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of names: texts, truth values, dictionaries."""
    from pyarrow import types

    tests = (types.is_string, types.is_large_string, types.is_string_view)
    return any(test(kind) for test in (*tests, types.is_dictionary, types.is_boolean))


def is_numeric(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of numbers, or of a column without any value."""
    from pyarrow import types

    tests = (types.is_integer, types.is_floating, types.is_decimal, types.is_null)
    return any(test(kind) for test in tests)


def is_temporal(kind: pyarrow.DataType) -> bool:
    """Return whether a type of Arrow's is that of dates or times."""
    from pyarrow import types

    return any(test(kind) for test in (types.is_date, types.is_timestamp, types.is_time))


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
    import pyarrow
    from pyarrow import compute

    names = tidied(as_texts(values))
    absent = pyarrow.array([*MISSING, *(text.strip().lower() for text in missing)])
    is_missing = compute.is_in(compute.utf8_lower(names), value_set=absent)
    return compute.if_else(is_missing, pyarrow.scalar(None, names.type), names)


def canonical(texts: Any) -> Any:
    """Return texts of which those that mean the same are equal: 1 and 1.0, True and true."""
    import pyarrow

    coded = texts.dictionary_encode()
    keys = pyarrow.array([_key(text) for text in coded.dictionary.to_pylist()], pyarrow.string())
    return keys.take(coded.indices)


def _key(text: str) -> str:
    if _SIMPLE.fullmatch(text):
        number = float(text)
        # -0 and 0 are equal; Python writes them differently.
        return str(int(number)) if number.is_integer() else repr(number)
    return text.lower() if text.lower() in ("true", "false") else text


def as_floats(values: pyarrow.ChunkedArray | pyarrow.Array) -> Array:
    """Return the values of a typed column of numbers as floats, NaN where there is none."""
    import pyarrow

    # Large integers may be rounded, which Arrow refuses where it is asked to be safe.
    return finite(plain(values).cast(pyarrow.float64(), safe=False))


def finite(numbers: Any) -> Array:
    """Return Arrow's numbers as NumPy's, NaN where one is missing or infinite."""
    found = numbers.to_numpy(zero_copy_only=False).astype(np.float64)
    return np.where(np.isfinite(found), found, np.nan)


def as_moments(values: pyarrow.ChunkedArray | pyarrow.Array) -> Moments:
    """Return the values of a typed column of dates or times."""
    import pyarrow
    from pyarrow import compute, types

    found = plain(values)
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


def _micros(values: Any) -> Array:
    return np.asarray(values.to_numpy(zero_copy_only=False)).astype("datetime64[us]")


def plain(values: pyarrow.ChunkedArray | pyarrow.Array) -> Any:
    """Return values in one piece, without a dictionary."""
    import pyarrow

    if isinstance(values, pyarrow.ChunkedArray):
        values = values.combine_chunks()
    return values.dictionary_decode() if pyarrow.types.is_dictionary(values.type) else values
