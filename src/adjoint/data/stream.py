"""A stream is where batches come from, epoch by epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.operand import as_operand
from ..core.philox import random_words
from ..errors import ShapeError
from . import rows
from .row_groups import parquet_batches
from .window import ByWindow

__all__ = ["ByLength", "ByWeight", "ByWindow", "parquet_batches"]

Batch = tuple[Array, Array]
# Gives the batches of an epoch, beginning at a number.
Stream = Callable[[int, int], Iterator[Batch]]
# What a user trains on: a pair (X, y), batches of such pairs, or a function of the epoch.
Data = tuple[ArrayLike, ArrayLike] | Iterable[Any] | Callable[[int], Iterable[Any]]

# The site in `adjoint.core.philox`: rows drawn by weight have random words that nothing else uses.
_DRAWN_SITE = 2


def is_batches(data: object) -> bool:
    """Return whether data are a list of batches, rather than a pair that is a list."""
    return (
        isinstance(data, list)
        and bool(data)
        and all(isinstance(batch, tuple) and len(batch) == 2 for batch in data)
    )


def as_stream(source: Data, checked: Callable[[Any], Batch]) -> Stream:
    """Return what gives the batches of an epoch, of an iterable or a function of the epoch.

    Parameters
    ----------
    source : iterable of (X, y), or callable
        An iterator can be gone through once only.
    checked : callable
        Applied to every batch.

    Raises
    ------
    TypeError
        If it is neither.
    """
    if not callable(source) and not isinstance(source, Iterable):
        raise TypeError(
            "data: expected a pair of arrays (X, y), an iterable of such batches, or a function "
            f"of the epoch that returns one; got {type(source).__name__}"
        )
    is_spent = False

    def batches(epoch: int, start: int) -> Iterator[Batch]:
        nonlocal is_spent
        if isinstance(source, ByWindow):
            with closing(source.starting_at(epoch, start)) as read:
                yield from map(checked, read)
            return
        found = source(epoch) if callable(source) else iter(source)
        if found is source:  # an iterator, which does not begin anew
            if is_spent:
                raise ValueError(
                    "fit: data is an iterator, which can be gone through once; for several epochs "
                    "pass a function that makes one: lambda epoch: batches()"
                )
            is_spent = True
        yield from islice(map(checked, found), start, None)

    return batches


class ByWeight:
    """Batches of rows drawn with replacement, each with a probability in proportion to its weight.

    An epoch has as many draws as there are rows. They are a function of (seed, epoch), so that a
    training can be repeated, and resumed.

    Parameters
    ----------
    X, y : (n, ...) arrays
    weights : (n,) array
        Not negative; the probability of a row is its share.
    batch_size : int
    seed : int, numpy.random.Generator or None

    Examples
    --------
    >>> import numpy as np
    >>> batches = ByWeight(np.arange(4), np.arange(4), [1, 0, 0, 1], batch_size=2, seed=0)
    >>> [X.tolist() for X, _ in batches(0)]
    [[3, 0], [0, 0]]
    """

    def __init__(
        self,
        X: ArrayLike,
        y: ArrayLike,
        weights: ArrayLike,
        *,
        batch_size: int,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        self.X, self.y = rows.check_xy(X, y)
        shares = np.asarray(as_operand(weights), np.float64)
        if shares.shape != (len(self.X),):
            raise ShapeError(f"weights: expected shape ({len(self.X)},), got {shares.shape}")
        if not (np.isfinite(shares) & (shares >= 0)).all() or not shares.any():
            raise ValueError("weights: expected finite numbers from 0, not all 0")
        self.ends = np.cumsum(shares)
        self.batch_size, self.seed = batch_size, rows.as_seed(seed)

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        n = len(self.X)
        words = random_words(n, seed=self.seed, epoch=epoch, site=_DRAWN_SITE)
        # 53 bits, as many as a float64 holds exactly, make a number from 0 to below 1.
        places = (words >> np.uint64(11)) * 2.0**-53 * self.ends[-1]
        drawn = np.searchsorted(self.ends, places, side="right")
        for batch in rows.batches(n, self.batch_size, order=drawn):
            yield self.X[batch], self.y[batch]


class ByLength:
    """Batches of sequences of about the same length, padded to the longest of each.

    In every epoch sequences of equal length, and then the batches, come in a new order, a function
    of (seed, epoch).

    Parameters
    ----------
    sequences : sequence of (t, ...) arrays
        All have one dtype, and one shape but for t.
    targets : sequence of (t, ...) arrays, or (n, ...) array
        One for each step, or one for each sequence.
    batch_size : int
    padding, target_padding : number
        What follows a sequence, and its targets if there is one for each step; as the index that
        ``CrossEntropyLoss(ignore_index=-1)`` does not count.
    seed : int, numpy.random.Generator or None

    Examples
    --------
    >>> import numpy as np
    >>> words = [np.array([1, 2, 3]), np.array([4]), np.array([5, 6, 7]), np.array([8, 9])]
    >>> batches = ByLength(words, np.array([0, 1, 0, 1]), batch_size=2, seed=0)
    >>> sorted(X.tolist() for X, _ in batches(0))
    [[[1, 2, 3], [5, 6, 7]], [[4, 0], [8, 9]]]
    """

    def __init__(
        self,
        sequences: Sequence[ArrayLike],
        targets: Sequence[ArrayLike] | Array,
        *,
        batch_size: int,
        padding: float = 0,
        target_padding: float = -1,
        seed: np.random.Generator | int | None = None,
    ) -> None:
        self.sequences = [np.asarray(as_operand(one)) for one in sequences]
        if not self.sequences or any(not one.ndim for one in self.sequences):
            raise ShapeError("sequences: expected arrays of shape (t, ...), one at least")
        self.lengths = np.array([len(one) for one in self.sequences])
        self.targets = [np.asarray(as_operand(one)) for one in targets]
        if len(self.targets) != len(self.sequences):
            raise ShapeError(f"{len(self.sequences)} sequences, but {len(self.targets)} targets")
        self.of_steps = all(
            one.ndim and len(one) == length
            for one, length in zip(self.targets, self.lengths, strict=True)
        )
        self.batch_size, self.seed = batch_size, rows.as_seed(seed)
        self.padding, self.target_padding = padding, target_padding

    def __call__(self, epoch: int) -> Iterator[Batch]:
        """Yield the batches of an epoch."""
        # Mixed before the stable sort, so that sequences of equal length meet in a new order.
        mixed = rows.permutation(len(self.sequences), seed=self.seed, epoch=2 * epoch)
        ordered = mixed[np.argsort(self.lengths[mixed], kind="stable")]
        groups = list(rows.batches(len(ordered), self.batch_size, order=ordered))
        for place in rows.permutation(len(groups), seed=self.seed, epoch=2 * epoch + 1):
            chosen = groups[place]
            X = _padded([self.sequences[i] for i in chosen], self.padding)
            targets = [self.targets[i] for i in chosen]
            y = _padded(targets, self.target_padding) if self.of_steps else np.stack(targets)
            yield X, y


def _padded(arrays: Sequence[Array], padding: float) -> Array:
    """Return the arrays one below the other, each followed by padding."""
    longest = max(map(len, arrays))
    result = np.full((len(arrays), longest, *arrays[0].shape[1:]), padding, arrays[0].dtype)
    for row, array in zip(result, arrays, strict=True):
        row[: len(array)] = array
    return result
