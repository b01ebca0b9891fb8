"""Rows of one block, as those of one patient or of one day, are never on both sides of a split."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import train_test_split

from ..core.annotations import Array
from ..errors import TableError, suggestion
from .column import Column
from .conventions import Conventions, option_of
from .learning import learn
from .settings import TableSettings
from .targets import AnyTarget
from .values import (
    as_floats,
    as_moments,
    as_names,
    as_texts,
    canonical,
    finite,
    is_readable,
    is_temporal,
    is_textual,
    plain,
)

if TYPE_CHECKING:
    import pyarrow

# So many orders of the groups are tried for one that holds out about the rows that were asked for.
_ORDERS = 100
# A score needs two rows.
FEWEST_SCORED = 2
# Those of 64 bits.
_WHOLE = r"[+-]?(\d{1,18}|[0-8]\d{18})"


@dataclass(frozen=True)
class Blocks:
    """Which block each row of a table is of: a group's rows, or those of one moment.

    Attributes
    ----------
    column : str
        The one that tells.
    codes : (rows,) array of int64
        The block of each row, by the order of time if they are moments; -1 of rows that are not
        used.
    in_time : bool
        Whether the latest are to be held out, rather than any.
    starts : list of str
        What the table has in the column, by the block.
    """

    column: str
    codes: Array
    in_time: bool
    starts: list[str]

    @property
    def setting(self) -> str:
        """The name of the setting that asks for them."""
        return "time" if self.in_time else "split_by"


def read_blocks(
    table: pyarrow.Table,
    rows: Array,
    targets: Sequence[str],
    settings: TableSettings,
    conventions: Conventions,
) -> Blocks | None:
    """Return the blocks of some rows of a table; None if each row may be on any side.

    Raises
    ------
    TableError
        If there is no such column, it tells no groups or no order, or some rows have no value.
    """
    import pyarrow

    column = settings.split_by or settings.time
    if column is None:
        return None
    in_time = settings.split_by is None
    option = option_of("time" if in_time else "split_by", conventions)
    if not in_time and settings.time is not None:
        raise TableError(f"{option}: not together with {option_of('time', conventions)}")
    if column not in table.column_names:
        near = suggestion(column, table.column_names)
        names = ", ".join(table.column_names[:20])
        raise TableError(f"{option}: no column {column!r}{near or f'; there are {names}'}")
    if column in targets:
        raise TableError(f"{option}: {column!r} is the target")
    values = plain(table[column]).take(pyarrow.array(rows))
    keys, known = (_moments if in_time else _groups)(column, values, conventions, option)
    lacking = int((~known).sum())
    if lacking:
        have = "1 row has" if lacking == 1 else f"{lacking:,} rows have"
        what = "date or number" if in_time else "value"
        raise TableError(
            f"{option}: {have} no {what} in column {column!r}; fill it in, or leave such rows out"
        )
    _, firsts, inverse = np.unique(keys, return_index=True, return_inverse=True)
    codes = np.full(len(table), -1)
    codes[rows] = inverse
    return Blocks(column, codes, in_time, as_texts(values.take(firsts)).to_pylist())


def groups_apart(
    blocks: Blocks, table: pyarrow.Table, rows: Array, where: str, conventions: Conventions
) -> Array:
    """Return the groups of rows of another table to score by, which no other rows may be of."""
    import pyarrow
    from pyarrow import compute

    if blocks.column not in table.column_names:
        option = option_of("split_by", conventions)
        raise TableError(f"{where}: no column {blocks.column!r}, which {option} needs")
    values = plain(table[blocks.column]).take(pyarrow.array(rows))
    codes, known = _groups(blocks.column, values, conventions, where)
    if not known.all():
        raise TableError(f"{where}: some rows have no value in column {blocks.column!r}")
    own = canonical(as_names(pyarrow.array(blocks.starts, pyarrow.string()), conventions.missing))
    found = values.filter(
        compute.is_in(canonical(as_names(values, conventions.missing)), value_set=own)
    )
    if len(found):
        have = "1 row has" if len(found) == 1 else f"{len(found):,} rows have"
        raise TableError(
            f"{where}: {have} a value of {blocks.column!r} that rows to train on have too, as "
            f"{as_texts(found)[0].as_py()!r:.60}; leave it out of one of the two tables"
        )
    return codes


def group_names(values: Any, chosen: Array) -> list[str | None]:
    """Return the groups of chosen rows as texts, None where one is missing."""
    names: list[str | None] = canonical(as_names(plain(values))).to_pylist()
    return [name for name, is_chosen in zip(names, chosen, strict=True) if is_chosen]


def numbered(groups: Sequence[str | None]) -> Array:
    """Return a number for each group; a row without one is a group of its own."""
    keys = [
        f"row {place}" if name is None else f"group {name}" for place, name in enumerate(groups)
    ]
    return np.unique(np.array(keys), return_inverse=True)[1]


def check_count(blocks: Blocks, fewest: int, conventions: Conventions) -> None:
    """Refuse fewer blocks than the sides that they are to be on."""
    count = len(blocks.starts)
    if count < fewest:
        values = "1 value" if count == 1 else f"{count} different values"
        raise TableError(
            f"{option_of(blocks.setting, conventions)}: column {blocks.column!r} has {values}; at "
            f"least {fewest} are needed to train, to stop and to score by different ones"
        )


def _groups(column: str, values: Any, conventions: Conventions, option: str) -> tuple[Array, Array]:
    """Return a number for each value, and which rows have one."""
    if not is_readable(values.type):
        raise TableError(f"{option}: column {column!r} holds {values.type}, which is no group")
    names = canonical(as_names(values, conventions.missing))
    known = names.is_valid().to_numpy(zero_copy_only=False)
    codes = names.dictionary_encode().indices.fill_null(-1)
    return codes.to_numpy(zero_copy_only=False), known


def _moments(
    column: str, values: Any, conventions: Conventions, option: str
) -> tuple[Array, Array]:
    """Return numbers in the order of time, and which rows have one."""
    whole = _whole_numbers(values, conventions)
    if whole is not None:
        return whole, np.ones(len(whole), bool)
    found = learn(column, values, conventions)
    if isinstance(found, Column) and found.kind == "number":
        numbers = _numbers(found, values, conventions)
        return numbers, ~np.isnan(numbers)
    if isinstance(found, Column) and found.dates is not None and not found.dates.is_time:
        texts = not is_temporal(values.type)
        moments = (
            found.dates.parse(as_names(values, conventions.missing))
            if texts
            else as_moments(values)
        ).instant
        return moments.astype(np.int64), ~np.isnat(moments)
    is_time = isinstance(found, Column) and found.kind == "date"
    reason = "times of a day, which come again each day" if is_time else found
    raise TableError(
        f"{option}: column {column!r} puts the rows in no order ({reason}); dates or numbers are "
        "needed"
    )


def _numbers(found: Column, values: Any, conventions: Conventions) -> Array:
    if not is_textual(values.type):
        return as_floats(values)
    return finite(found.numbers.parse(as_names(values, conventions.missing)))


def _whole_numbers(values: Any, conventions: Conventions) -> Array | None:
    """Return whole numbers to the last digit: nanoseconds since 1970 are more than floats hold."""
    import pyarrow
    from pyarrow import compute, types

    if is_textual(values.type):
        values = as_names(values, conventions.missing)
        if not compute.all(compute.match_substring_regex(values, f"^{_WHOLE}$")).as_py():
            return None
        # Arrow reads no sign before a positive number.
        values = compute.replace_substring_regex(values, r"^\+", "")
        values = values.cast(pyarrow.int64()) if not values.null_count else values
    if not types.is_integer(values.type) or values.null_count:
        return None
    return np.asarray(values.to_numpy(zero_copy_only=False))


def hold_out(
    rows: Array,
    y: Array,
    part: float,
    target: AnyTarget,
    settings: TableSettings,
    *,
    blocks: Blocks | None,
    leave: int,
    options: str,
) -> tuple[Array, Array]:
    """Return the rows of a table in two parts, the second of about a given part of them.

    Without blocks, each has the shares of classes that all rows have, if possible.

    Parameters
    ----------
    rows : (n,) array of int
        Their places in the table.
    y : array
        The targets of all rows of the table.
    part : float
    blocks : Blocks, optional
        What may not be on both sides.
    leave : int
        At least so many blocks stay in the first part.
    options : str
        What the user may choose smaller if there are too few rows.
    """
    if blocks is None:
        return _split(rows, y, part, target, settings.seed, options)
    codes, block_of = np.unique(blocks.codes[rows], return_inverse=True)
    classes = y[rows] if target.labels else np.zeros(len(rows), int)
    counts = np.zeros((len(codes), target.outputs))
    np.add.at(counts, (block_of, classes), 1)
    found = [
        _first_of(order, counts, part, leave)
        for order in _orders(len(codes), blocks.in_time, settings.seed)
    ]
    off, held = min(found, key=lambda each: each[0])
    if not np.isfinite(off):
        raise TableError(
            f"{len(rows)} rows with {len(codes)} different values of {blocks.column!r} are too few "
            f"to hold some out and train on the others; choose a smaller {options}"
        )
    is_held = np.isin(block_of, held)
    return rows[~is_held], rows[is_held]


def _orders(count: int, in_time: bool, seed: int) -> Iterator[Array]:
    """Yield orders in which blocks may be held out: the latest first, or by chance."""
    if in_time:
        yield np.arange(count)[::-1]
        return
    rng = np.random.default_rng(seed)
    for _ in range(_ORDERS):
        yield rng.permutation(count)


def _first_of(order: Array, counts: Array, part: float, leave: int) -> tuple[float, Array]:
    """Return the first blocks of an order to hold out, and how far they are from what is wanted.

    That is the number of rows that are too many or too few, of all and of the classes.
    """
    total = counts.sum(axis=0)
    sums = counts[order].cumsum(axis=0)[: max(len(order) - leave, 0)]
    rows = sums.sum(axis=1)
    allowed = (rows >= FEWEST_SCORED) & (total.sum() - rows >= FEWEST_SCORED)
    if not allowed.any():
        return np.inf, order[:0]
    off = np.where(allowed, np.abs(rows - part * total.sum()), np.inf)
    best = int(off.argmin())
    return float(off[best] + np.abs(sums[best] - part * total).sum()), order[: best + 1]


def _split(
    rows: Array, y: Array, part: float, target: AnyTarget, seed: int, options: str
) -> tuple[Array, Array]:
    """Return rows in two parts, each with the shares of classes that all have, if possible."""
    # A class with one row cannot be in both parts.
    # One without any, as of weight 0, is in neither.
    is_stratified = target.task == "classification" and not (np.bincount(y[rows]) == 1).any()
    # A split by class needs as many rows as classes in each part, and a score of numbers needs two.
    held = max(round(part * len(rows)), len(target.labels), FEWEST_SCORED)
    strata = y[rows] if is_stratified else None
    try:
        first, second = train_test_split(rows, test_size=held, random_state=seed, stratify=strata)
    except ValueError:
        raise TableError(
            f"{len(rows)} rows are too few to hold {held} of them out and train on the others; "
            f"choose a smaller {options}"
        ) from None
    return first, second


def told_split(blocks: Blocks, stop: Array, scored: Array) -> str:
    """Say how rows were parted that are not parted by chance alone.

    Parameters
    ----------
    blocks : Blocks
    stop, scored : array of int
        The blocks of the rows to stop by and to score by; none of these if they are elsewhere.
    """
    by = f"Split by {blocks.column!r}"
    if not blocks.in_time:
        held = f"{len(np.unique(scored)):,} of its {len(blocks.starts):,} values are scored by and "
        return (
            f"{by}: {held if len(scored) else ''}{len(np.unique(stop)):,} told when to stop, and "
            "no value is on two sides. The column is not read."
        )
    first = blocks.starts[stop.min()]
    if not len(scored):
        return f"{by}: the rows from {first} on told when to stop."
    latest = blocks.starts[scored.min()]
    return (
        f"{by}: the rows from {latest} on are scored by, and those from {first} on before them "
        "told when to stop."
    )
