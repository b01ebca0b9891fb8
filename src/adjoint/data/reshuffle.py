"""A reshuffle orders the rows of each epoch by shuffling the order of the one before."""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array


class Reshuffle:
    """Orders of rows as scikit-learn's networks draw them, one an epoch.

    Parameters
    ----------
    rng : numpy.random.RandomState
    rows : (n,) array of int
        The order before the first epoch.

    Attributes
    ----------
    rows : (n,) array of int
        The order of the latest epoch.

    Raises
    ------
    ValueError
        From ``words``, if the numbers do not come from a Mersenne Twister.
    """

    def __init__(self, rng: np.random.RandomState, rows: Array) -> None:
        self.rng, self.rows = rng, np.array(rows, np.int64)

    def __call__(self, epoch: int) -> Array:
        """Return the next order; it follows from the one before, not from the epoch's number."""
        self.rng.shuffle(self.rows)
        return self.rows.copy()

    @property
    def words(self) -> Array:
        """The state of the Mersenne Twister: 624 words, and how many of them are used up."""
        from .twister import read_words  # here: it needs numpy.random, which takes 10 ms

        return read_words(self.rng)

    @words.setter
    def words(self, words: Array) -> None:
        from .twister import write_words

        write_words(self.rng, words)
