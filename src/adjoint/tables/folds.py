"""Folds are parts of a table, each of which is scored by networks that were trained without it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from ..core.annotations import Array
from ..errors import TableError
from .conventions import Conventions, option_of
from .settings import TableSettings
from .splitting import FEWEST_SCORED, Blocks
from .targets import AnyTarget


def fold_rows(
    rows: Array,
    y: Array,
    target: AnyTarget,
    settings: TableSettings,
    blocks: Blocks | None,
    conventions: Conventions,
) -> list[tuple[Array, Array]]:
    """Return for each fold the rows of a table to train on and to stop by, and those to score.

    Classes have the shares that all rows have, if possible. Rows of one group are in one fold. Of
    rows in the order of time, each part but the first is scored by networks of those before it.

    Raises
    ------
    TableError
        If there are too few rows, groups or moments.
    """
    count = settings.folds or 1
    option = option_of("folds", conventions)
    if len(rows) < FEWEST_SCORED * count:
        raise TableError(
            f"{option}: {len(rows)} rows are too few for {count} folds; each needs at least "
            f"{FEWEST_SCORED}"
        )
    if blocks is not None and blocks.in_time:
        return _in_time(rows, blocks, count, option)
    labels = y[rows] if target.labels else None
    if blocks is None:
        places = _alone(len(rows), labels, count, settings.seed)
    else:
        if len(blocks.starts) < count:
            raise TableError(
                f"{option}: column {blocks.column!r} has {len(blocks.starts)} different values, "
                f"too few for {count} folds"
            )
        places = _of_groups(blocks.codes[rows], labels, count, settings.seed)
    is_in = np.arange(count)[:, np.newaxis] == places
    return [(rows[~held], rows[held]) for held in is_in]


def _alone(rows: int, labels: Array | None, count: int, seed: int) -> Array:
    """Return the fold of each row."""
    kind = KFold
    if labels is not None and np.bincount(labels).max() >= count:
        kind = StratifiedKFold
    return _places(kind(count, shuffle=True, random_state=seed).split(np.empty(rows), labels), rows)


def _of_groups(groups: Array, labels: Array | None, count: int, seed: int) -> Array:
    """Return the fold of each row, the same for all rows of a group."""
    rows = len(groups)
    # Groups of the same size are dealt out by their numbers, which shall tell nothing.
    groups = np.random.default_rng(seed).permutation(groups.max() + 1)[groups]
    if labels is not None and np.bincount(labels).max() >= count:
        kind = StratifiedGroupKFold(count, shuffle=True, random_state=seed)
        places = _places(kind.split(np.empty(rows), labels, groups), rows)
        if len(np.unique(places)) == count:
            return places
    return _places(GroupKFold(count).split(np.empty(rows), None, groups), rows)


def _places(splits: Iterator[tuple[Array, Array]], rows: int) -> Array:
    places = np.zeros(rows, int)
    with warnings.catch_warnings():
        # That a class has fewer rows than there are folds is said in the verdict.
        warnings.simplefilter("ignore", UserWarning)
        for k, (_, held) in enumerate(splits):
            places[held] = k
    return places


def _in_time(rows: Array, blocks: Blocks, count: int, option: str) -> list[tuple[Array, Array]]:
    """Return folds of which each is later than what it is trained on."""
    codes = blocks.codes[rows]
    sums = np.bincount(codes).cumsum()
    wanted = len(rows) * np.arange(1, count + 1) / (count + 1)
    # The last moment of each part but the last one.
    ends = np.abs(sums[:, np.newaxis] - wanted).argmin(axis=0)
    # The first part is both trained on and stopped by.
    if ends[0] < 1 or (np.diff(ends) < 1).any() or ends[-1] == len(sums) - 1:
        raise TableError(
            f"{option}: column {blocks.column!r} has too few different values for {count} folds of "
            "about as many rows, one after another; choose fewer"
        )
    nexts = [*ends[1:], len(sums) - 1]
    return [
        (rows[codes <= end], rows[(codes > end) & (codes <= after)])
        for end, after in zip(ends.tolist(), nexts, strict=True)
    ]


def told_folds(settings: TableSettings, blocks: Blocks | None, scored: int) -> list[str]:
    """Say how the folds were made, and what the model itself is trained on.

    Parameters
    ----------
    settings : TableSettings
    blocks : Blocks, optional
    scored : int
        How many rows are in any fold.
    """
    count = settings.folds
    if blocks is None:
        how = f"{count} folds: each row is scored by networks that were trained without it"
    elif blocks.in_time:
        how = (
            f"{count} folds by {blocks.column!r}: the latest {scored:,} rows are scored, in "
            f"{count} parts, by networks that were trained on the rows before the part"
        )
    else:
        how = (
            f"{count} folds by {blocks.column!r}: each row is scored by networks that were trained "
            "on no row with the same value, and the column is not read"
        )
    return [f"{how}. The model itself is trained on all rows, some of them to stop by."]
