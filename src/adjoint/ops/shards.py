"""A shard is a part of a batch's rows: what depends on all of the rows is summed over the shards.

Code that needs a sum over the batch asks here for it. Where a training deals its batches out in
shards, the sum goes over all of them, whoever computes them; elsewhere the rows that there are are
the batch.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from ..core.annotations import AnyArray, Array
from ..core.batching import all_stacked
from ..core.kinds import linear
from ..errors import ShapeError
from .arithmetic import divide
from .reductions import mean, sum
from .selection import take
from .structural import reshape


@linear(
    batch=all_stacked,
    public=False,
    transposes=[lambda g, x: sum_over_shards(g)],
    shape=lambda x: tuple(x.shape),
    source="sum_over_shards({x})",
    latex=r"\textstyle\sum_{{\text{{shards}}}}{x}",
    expand=lambda x: reshape(x, shape=x.shape),
    cases=[((2, 3), {}), ((), {})],
    passes_nan=True,
)
def sum_over_shards(x: Array) -> Array:
    """Return the sum of what stands here in each shard: of a single one, ``x`` itself.

    Whoever runs a graph on shards cuts it at this operation, and adds the arguments of all shards
    up. The sum enters the loss of every shard, so that the cotangents are summed as well.
    """
    return x


class Shard:
    """The shard that a function is traced for.

    Parameters
    ----------
    rows, batch : int
        How many rows the shard has, and the whole batch.
    places : (rows,) integer array
        Which of the batch's rows they are.
    """

    def __init__(
        self,
        rows: int,
        batch: int,
        places: Any,
    ) -> None:
        self.rows, self.batch, self.places = rows, batch, places


class _Traced(threading.local):
    shard: Shard | None = None


_traced = _Traced()


@contextmanager
def sharded(shard: Shard) -> Iterator[None]:
    """Let sums over the batch go over all shards in the ``with`` block, in this thread."""
    before, _traced.shard = _traced.shard, shard
    try:
        yield
    finally:
        _traced.shard = before


def total_of_batch(total: AnyArray) -> Any:
    """Return a sum over the batch, given that over the rows at hand.

    >>> total_of_batch(3.0)
    3.0
    """
    return total if _traced.shard is None else sum_over_shards(total)


def count_of_batch(count: int) -> int:
    """Return how many entries the batch has, given how many the rows at hand have.

    >>> count_of_batch(6)
    6
    """
    shard = _traced.shard
    return count if shard is None else count * shard.batch // shard.rows


def mean_of_batch(x: AnyArray, axis: tuple[int, ...]) -> Any:
    """Return the mean over axes that include that of the rows, and keep these with size 1.

    >>> mean_of_batch(np.array([[1.0], [3.0]]), (0,))
    array([[2.]])
    """
    if _traced.shard is None:
        return mean(x, axis=axis, keepdims=True)
    entries = count_of_batch(math.prod(x.shape[a] for a in axis))
    return divide(total_of_batch(sum(x, axis=axis, keepdims=True)), float(entries))


def drawn_for_batch(draw: Any, shape: tuple[int, ...]) -> Any:
    """Return random numbers for the rows at hand, as they stand in those for the whole batch.

    Parameters
    ----------
    draw : callable
        ``draw(shape)`` returns numbers of a shape.
    shape : tuple of int
        Its first axis has the rows, or several entries of each one after another.

    Raises
    ------
    ShapeError
        If the first axis has no whole number of entries for each row.
    """
    shard = _traced.shard
    if shard is None:
        return draw(shape)
    if not shape or shape[0] % shard.rows:
        raise ShapeError(
            f"random numbers of shape {shape} are drawn for {shard.rows} rows; where batches are "
            "dealt out in shards the first axis must have the rows"
        )
    each = math.prod(shape) // shard.rows
    return reshape(take(draw((shard.batch, each)), shard.places, axis=0), shape=shape)
