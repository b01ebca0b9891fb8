"""Fingerprints of the rows that trained a model tell whether it is scored on them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array

# If there are more rows, a part is kept that stands for all: those with the least fingerprints.
_MOST = 100_000
# The multiplier of splitmix64 (Steele, Lea and Flood, OOPSLA 2014), which mixes all bits.
_FACTOR = np.uint64(0xBF58476D1CE4E5B9)


@dataclass(frozen=True)
class Fingerprints:
    """Fingerprints of rows, or of a part of them.

    Attributes
    ----------
    known : (k,) array of uint64
        Sorted.
    bound : int
        Only rows whose fingerprint is not above it were kept.
    """

    known: Array
    bound: int

    @classmethod
    def of(cls, X: Array, y: Array) -> Fingerprints:
        """Return the fingerprints of encoded rows, (n, width), and their targets, (n, ...)."""
        return cls._least(_fingerprint(X, y))

    @classmethod
    def _least(cls, words: Array) -> Fingerprints:
        found = np.unique(words)[:_MOST]
        is_all = len(found) < _MOST
        return cls(found, int(np.iinfo(np.uint64).max if is_all else found[-1]))

    def joined(self, others: Fingerprints) -> Fingerprints:
        """Return the fingerprints of these rows and others, the same as of all at once."""
        return self._least(np.concatenate([self.known, others.known]))

    def count(self, X: Array, y: Array) -> int:
        """Return how many of the rows are equal to one that was kept; scaled up for a part."""
        asked = _fingerprint(X, y)
        is_kept = asked <= np.uint64(self.bound)
        known = int(np.isin(asked[is_kept], self.known).sum())
        return round(known * len(asked) / is_kept.sum()) if known else 0

    def arrays(self) -> dict[str, Array]:
        """Return arrays that say it all."""
        return {"known": self.known, "bound": np.array([self.bound], np.uint64)}

    @classmethod
    def from_arrays(cls, arrays: dict[str, Any]) -> Fingerprints:
        """Return what arrays say.

        Raises
        ------
        ValueError
            If they are not those of fingerprints.
        """
        known, bound = (arrays.get(name, np.empty(0)) for name in ("known", "bound"))
        if not (_is_of(known, _MOST) and _is_of(bound, 1) and len(bound)):
            raise ValueError("the fingerprints of its rows are damaged")
        return cls(known, int(bound[0]))


def _is_of(array: Array, most: int) -> bool:
    return array.dtype == np.uint64 and array.ndim == 1 and len(array) <= most


def _fingerprint(X: Array, y: Array) -> Array:
    """Return a number for each row; those of unequal rows differ but by a rare accident."""
    # Adding 0 makes -0, which equals 0, the same bits.
    columns = (np.ascontiguousarray(X, np.float32) + np.float32(0)).view(np.uint32)
    targets = (np.asarray(y, np.float64) + 0.0).view(np.uint64)
    targets = targets[:, np.newaxis] if targets.ndim == 1 else targets
    found = _mixed(targets[:, 0].copy())
    for column in (*targets.T[1:], *columns.T):
        found = _mixed(found ^ column.astype(np.uint64))
    return found


def _mixed(words: Array) -> Array:
    words = (words + np.uint64(0x9E3779B97F4A7C15)) * _FACTOR
    return np.asarray(words ^ (words >> np.uint64(31)))
