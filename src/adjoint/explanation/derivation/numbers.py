"""Numbers as text: what a derivation prints of an array, and arrays read from their text.

This file needs NumPy alone, for its functions also stand at the top of every derivation's script.
"""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

WHOLE = 24  # arrays of more entries are summarised
SUMMARY = (
    "{dtype} {shape}: norm {norm}, from {low} to {high}, corner {corner}, checksum of all entries "
    "{checksum}"
)


def round_text(entry: object) -> str:
    """Return a number with six significant digits."""
    return format(entry, ".6g") if isinstance(entry, float) else str(entry)


def nested(entries: object) -> str:
    """Return nested lists of numbers as text."""
    if isinstance(entries, list):
        return "[" + ", ".join(map(nested, entries)) + "]"
    return round_text(entries)


def checksum(text: str) -> str:
    """Return the beginning of a text's SHA-256."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def numbers(x: np.typing.ArrayLike, summary: str = SUMMARY) -> str:
    """Return all entries of a small array; of a large one norm, extremes, corner and checksum."""
    x = np.asarray(x)
    if x.size <= WHOLE:
        return nested(x.tolist())
    flat = x.astype(float).ravel()
    norm, low, high = (round_text(float(f(flat))) for f in (np.linalg.norm, np.min, np.max))
    corner = nested(x[tuple(slice(2) for _ in x.shape)].tolist())
    check = checksum(nested(x.tolist()))
    return summary.format(
        dtype=x.dtype,
        shape=x.shape,
        norm=norm,
        low=low,
        high=high,
        corner=corner,
        checksum=check,
    )


def array(text: str, shape: tuple[int, ...], dtype: str, expected: str) -> Any:
    """Return the array of a text, if text, shape and dtype have the checksum."""
    found = checksum(f"{shape} {dtype} {' '.join(text.split())}")
    assert found == expected, f"an input has the checksum {found}, not {expected}"
    kind = float if np.dtype(dtype).kind == "f" else int
    return np.array([kind(entry) for entry in text.split()], dtype).reshape(shape)


def agree(x: np.typing.ArrayLike, y: np.typing.ArrayLike, tolerance: float) -> bool:
    """Return whether arrays have one shape, and no entries that differ by more."""
    same_shape = np.shape(x) == np.shape(y)
    return same_shape and bool(np.allclose(x, y, rtol=0, atol=tolerance, equal_nan=True))
