"""A window holds as many rows as are shuffled at once, of data that are read block by block."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import closing

import numpy as np

from ..core.annotations import Array
from ..core.checks import positive_size
from ..core.philox import random_words
from . import rows
from .prefetch import prefetched

# Reads a block: arrays of as many rows as it has.
Read = Callable[[int], tuple[Array, ...]]
# Called with the epoch, how many of its rows were given, and how many it has.
Told = Callable[[int, int, int], None]
# Sites in `adjoint.core.philox`: random words that nothing else uses.
_BLOCK_SITE, _WINDOW_SITE = 3, 4
WINDOW = 1 << 17


class ByWindow:
    """Batches of rows that are read block by block, in a new order in every epoch.

    The blocks come in a permutation. As many of them as have ``window`` rows are held at once, and
    their rows are shuffled; a thread reads the next window meanwhile. All of that is a function of
    (seed, epoch), so that a training may begin anywhere in an epoch, without reading what comes
    before.

    Parameters
    ----------
    sizes : sequence of int
        How many rows each block has.
    read : callable
        ``read(i)`` returns the arrays of block i, as X and y, with ``sizes[i]`` rows each. It is
        called in a thread of its own.
    batch_size : int
        The last batch of an epoch may be smaller.
    window : int
        A window has whole blocks, so many that it has so many rows at least.
    shuffle : bool
        Otherwise blocks and rows keep their order.
    seed : int, numpy.random.Generator or None
    tell : callable, optional
        ``tell(epoch, rows, of)`` is called before each window and at the end of an epoch: how many
        of its rows were given, and how many it has.
    identity : str
        What the data are. A training that is resumed must have the same.

    Raises
    ------
    ValueError
        If there are no rows, or sizes are not counts; while reading, if a block has another number
        of rows than it had, or its arrays differ in theirs.
    TypeError
        While reading, if ``read`` returns no arrays.

    Examples
    --------
    >>> import numpy as np
    >>> blocks = [np.arange(3), np.arange(3, 4), np.arange(4, 8)]
    >>> batches = ByWindow([3, 1, 4], lambda i: (blocks[i], -blocks[i]), batch_size=3, window=4,
    ...                    seed=0)
    >>> [X.tolist() for X, y in batches(0)]
    [[1, 2, 0], [3, 6, 7], [5, 4]]
    >>> [X.tolist() for X, y in batches.starting_at(0, 2)]
    [[5, 4]]
    """

    def __init__(
        self,
        sizes: Sequence[int],
        read: Read,
        *,
        batch_size: int,
        window: int = WINDOW,
        shuffle: bool = True,
        seed: np.random.Generator | int | None = None,
        tell: Told = lambda epoch, rows, of: None,
        identity: str = "",
    ) -> None:
        self.sizes = _checked_sizes(sizes)
        self.rows = int(self.sizes.sum())
        self.read, self.tell = read, tell
        self.batch_size = positive_size("batch_size", batch_size)
        self.window = positive_size("window", window)
        self.shuffle, self.seed = bool(shuffle), rows.as_seed(seed)
        self._identity = identity

    @property
    def steps(self) -> int:
        """How many batches an epoch has."""
        return -(-self.rows // self.batch_size)

    @property
    def identity(self) -> str:
        """What must be the same for a training to go on."""
        order = f"seed {self.seed}, window {self.window}" if self.shuffle else "unshuffled"
        return f"{self.rows} rows of {self._identity}, batches of {self.batch_size}, {order}"

    def __call__(self, epoch: int) -> Generator[tuple[Array, ...]]:
        """Yield the batches of an epoch."""
        return self.starting_at(epoch, 0)

    def starting_at(self, epoch: int, step: int) -> Generator[tuple[Array, ...]]:
        """Yield the batches of an epoch, beginning at batch number ``step``."""
        windows = self._windows(epoch)
        ends = np.cumsum([self.sizes[blocks].sum() for blocks in windows])
        given = min(step * self.batch_size, self.rows)
        first = int(np.searchsorted(ends, given, side="right"))
        skipped = given - (int(ends[first - 1]) if first else 0)
        found = (self._load(epoch, i, windows[i]) for i in range(first, len(windows)))
        rest: list[Array] = []
        with closing(prefetched(found)) as loaded:
            for arrays in loaded:
                self.tell(epoch, given, self.rows)
                arrays = [array[skipped:] for array in arrays]
                if rest:
                    arrays = [np.concatenate(pair) for pair in zip(rest, arrays, strict=True)]
                whole = len(arrays[0]) // self.batch_size * self.batch_size
                for batch in rows.batches(whole, self.batch_size, order=None):
                    yield tuple(array[batch] for array in arrays)
                # A copy, because a view would keep the whole window.
                rest, skipped = [array[whole:].copy() for array in arrays], 0
                given += whole
        if rest and len(rest[0]):
            yield tuple(rest)
        self.tell(epoch, self.rows, self.rows)

    def _windows(self, epoch: int) -> list[Array]:
        """Return the numbers of the blocks of each window."""
        blocks = np.flatnonzero(self.sizes)
        if self.shuffle:
            words = random_words(len(blocks), seed=self.seed, epoch=epoch, site=_BLOCK_SITE)
            blocks = blocks[np.argsort(words, kind="stable")]
        windows, start, count = [], 0, 0
        for i, size in enumerate(self.sizes[blocks]):
            count += int(size)
            if count >= self.window or i + 1 == len(blocks):
                windows.append(blocks[start : i + 1])
                start, count = i + 1, 0
        return windows

    def _load(self, epoch: int, place: int, blocks: Array) -> list[Array]:
        """Return the arrays of a window, shuffled."""
        parts = [self._checked(int(block)) for block in blocks]
        arrays = [np.concatenate(part) for part in zip(*parts, strict=True)]
        if not self.shuffle:
            return arrays
        # Words for the windows of one epoch differ by the high half of the number.
        place = ((place + 1) << 32) + epoch
        words = random_words(len(arrays[0]), seed=self.seed, epoch=place, site=_WINDOW_SITE)
        order = np.argsort(words, kind="stable")
        return [array[order] for array in arrays]

    def _checked(self, block: int) -> tuple[Array, ...]:
        arrays = self.read(block)
        if not isinstance(arrays, (tuple, list)) or not arrays:
            raise TypeError(
                f"read({block}): expected the arrays of a block, as a pair (X, y); got "
                f"{type(arrays).__name__}"
            )
        counts = [len(array) for array in arrays]
        if len(set(counts)) > 1:
            raise ValueError(f"block {block}: its arrays differ in their rows: {counts}")
        if counts[0] != self.sizes[block]:
            raise ValueError(
                f"block {block} has {counts[0]:,} rows now, and had {self.sizes[block]:,}: the "
                "data changed"
            )
        return tuple(arrays)


def _checked_sizes(sizes: Sequence[int]) -> Array:
    found: Array = np.asarray(sizes)
    if not found.size:
        raise ValueError("the data have no rows")
    if found.ndim != 1 or found.dtype.kind not in "iu" or found.min() < 0:
        raise ValueError(f"sizes: expected how many rows each block has; got {sizes!r:.80}")
    if not found.any():
        raise ValueError("the data have no rows")
    return found.astype(np.int64)
