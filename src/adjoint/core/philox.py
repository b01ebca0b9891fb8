"""Philox gives random words that are a pure function of a key and a place.

Philox4x64-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011) with key
(seed, 0) and counter (block, epoch, site, 0); as NumPy's, it counts blocks from 1.
"""

from __future__ import annotations

import numpy as np

from .annotations import Array

# What random words are drawn for: each purpose has its own stream.
ORDER_SITE = 0
UNIFORM_SITE = 1


def random_words(count: int, *, seed: int, epoch: int, site: int) -> Array:
    """Return random 64-bit words, a pure function of (seed, epoch, site).

    Parameters
    ----------
    count : int
    seed, epoch, site : int
        From 0 to 2⁶⁴ - 1.

    Returns
    -------
    (count,) uint64 array

    Raises
    ------
    ValueError
        If a number is out of range.

    Examples
    --------
    >>> random_words(2, seed=0, epoch=0, site=0)
    array([ 213000021201967259, 4455796210202625458], dtype=uint64)
    """
    key = np.array([as_word("seed", seed), 0], np.uint64)
    place = (0, as_word("epoch", epoch), as_word("site", site), 0)
    return np.random.Philox(key=key, counter=np.array(place, np.uint64)).random_raw(count)


def as_word(name: str, number: float) -> int:
    """Return a number as an int, or say that it does not fit 64 bits."""
    if not 0 <= number < 2**64:
        raise ValueError(f"{name}: expected an integer from 0 to 2**64 - 1, got {number}")
    return int(number)
