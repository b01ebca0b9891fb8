"""Members of an ensemble exchange the rows that they hold out, so that together they see all."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from typing import NamedTuple

import numpy as np

from ..core.annotations import Array
from .parts import Parts
from .settings import TableSettings

# From so many rows on, those held out to stop by are not missed, and all members have the same.
MANY_ROWS = 10_000

Rows = tuple[Array, Array]


class Share(NamedTuple):
    """Rows of one member: encoded, their targets, and how much each counts if not all alike."""

    X: Array
    y: Array
    weights: Array | None = None

    def of(self, chosen: Array) -> Share:
        """Return some of the rows."""
        weights = None if self.weights is None else self.weights[chosen]
        return Share(self.X[chosen], self.y[chosen], weights)


class Split(NamedTuple):
    """The rows that a member is trained on and stopped by, and the blocks of the latter."""

    train: Share
    held: Share
    blocks: Array | None


def splits(parts: Parts, settings: TableSettings) -> Iterator[Split]:
    """Yield rows to train on and to stop by for each member.

    The first takes them as they are. Of few rows each other member holds out other ones, so that
    the ensemble learns from all, unless those to stop by are to be the latest.
    """
    weights, trained = parts.weights, len(parts.train[1])
    rows, held = Share(*parts.train), Share(*parts.validation)
    if weights is not None:
        rows, held = (
            rows._replace(weights=weights[:trained]),
            held._replace(weights=weights[trained:]),
        )
    first = Split(rows, held, _blocks_of(parts, slice(trained, None)))
    yield first
    members = members_of(parts, settings)
    if not is_exchanged(parts):
        yield from [first] * (members - 1)
        return
    whole = Share(*joined(parts), weights)
    rng = np.random.default_rng(settings.seed)
    find = _rows_to_hold if parts.blocks is None else _blocks_to_hold
    for is_held in islice(find(parts, rng), members - 1):
        yield Split(whole.of(~is_held), whole.of(is_held), _blocks_of(parts, is_held))


def members_of(parts: Parts, settings: TableSettings) -> int:
    """Return how many networks answer together."""
    # Each member reads a stream through for itself, so one does unless more are asked for.
    return (settings.ensemble or 1) if parts.stream else settings.members_for(parts.rows)


def is_exchanged(parts: Parts) -> bool:
    """Return whether each member holds out other rows to stop by."""
    return not (parts.rows >= MANY_ROWS or parts.stream or parts.in_time)


def joined(parts: Parts) -> Rows:
    """Return the rows to train on, and those to stop by after them."""
    X, y = (np.concatenate(pair) for pair in zip(parts.train, parts.validation, strict=True))
    return X, y


def _blocks_of(parts: Parts, chosen: Array | slice) -> Array | None:
    return None if parts.blocks is None else parts.blocks[chosen]


def _rows_to_hold(parts: Parts, rng: np.random.Generator) -> Iterator[Array]:
    """Yield which rows each member after the first holds out, of all but those to score by."""
    held = len(parts.validation[1])
    order = rng.permutation(len(parts.train[1]))
    for k in count():
        is_held = np.zeros(len(order) + held, bool)
        is_held[np.take(order, range(k * held, (k + 1) * held), mode="wrap")] = True
        yield is_held


def _blocks_to_hold(parts: Parts, rng: np.random.Generator) -> Iterator[Array]:
    """Yield the same of whole blocks, about as many rows as are held out to stop by."""
    assert parts.blocks is not None
    codes, sizes = np.unique(parts.blocks[: len(parts.train[1])], return_counts=True)
    # A member that holds out most rows would learn from too few.
    places = rng.permutation(np.flatnonzero(sizes <= len(parts.train[1]) / 2))
    held, k = len(parts.validation[1]), 0
    while True:
        chosen: list[int] = []
        rows = 0
        while len(chosen) < len(places):
            place = places[k % len(places)]
            if chosen and rows + sizes[place] / 2 > held:
                break
            chosen.append(int(codes[place]))
            rows += int(sizes[place])
            k += 1
        is_held = np.isin(parts.blocks, chosen)
        yield is_held if chosen else np.arange(len(is_held)) >= len(parts.train[1])
