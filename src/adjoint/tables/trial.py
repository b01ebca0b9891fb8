"""A trial trains a network on a part of a table, and scores it on the rows held out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..core.reproducibility import reproducibly
from ..errors import TableError
from ..files.rescue import rescued
from ..training.saving import Saving
from .conventions import AS_SHOWN, Conventions
from .encoder import Encoder, conventions_of, row_counters
from .folder import NO_REPORT, save_model
from .held import NETWORK, held_of
from .model import TableModel
from .parts import Parts
from .record import Record
from .scores import headline, interval, score
from .settings import METRICS, TableSettings
from .splitting import (
    check_count,
    groups_apart,
    hold_out,
    read_blocks,
    told_split,
)
from .target import Target, learn_target, mean_and_deviation, told_missing
from .training import Rows, Trained, train
from .verdict import verdict

if TYPE_CHECKING:
    import pyarrow


_FEWEST_ROWS = 20
_FEWEST_SCORED = 2


@dataclass
class Trial:
    """A trained model, and how it does on the rows held out.

    Attributes
    ----------
    model : TableModel
    record : Record
    held_X, held_y, held_outputs : array
        The encoded rows held out, their targets, and what the model predicts of them.
    """

    model: TableModel
    record: Record
    held_X: Array
    held_y: Array
    held_outputs: Array


def prepare(
    table: pyarrow.Table,
    target_name: str,
    settings: TableSettings,
    conventions: Conventions = AS_SHOWN,
    *,
    drop: Sequence[str] = (),
    test: tuple[pyarrow.Table, str] | None = None,
) -> tuple[Encoder, Target, Parts]:
    """Return what the columns and the target are, and the rows in three parts.

    The columns are learnt from the rows to train on alone. The last part is empty if the settings
    hold no rows out to score by.

    Parameters
    ----------
    table : pyarrow.Table
    target_name : str
    settings : TableSettings
    conventions : Conventions
    drop : sequence of str
        Columns that are not read; one of them may still tell how rows are parted.
    test : (pyarrow.Table, str), optional
        A table to score by, and what it is called; then no row of the first one is held out for it.

    Raises
    ------
    TableError
        If there is no such column, nothing to learn, or too few rows.
    """
    if target_name not in table.column_names:
        raise TableError(
            f"--target: no column {target_name!r}; there are {', '.join(table.column_names)}"
        )
    read = table.drop_columns(list(dict.fromkeys(drop)))
    conventions = conventions_of(read, conventions)
    target = learn_target(target_name, table[target_name], settings.task, conventions)
    check_metric(settings, target, conventions.options)
    y, known = target.encode(table[target_name])
    rows = np.flatnonzero(known)
    is_held = settings.test > 0 and test is None
    held_out = ("test", "validation") if is_held else ("validation",)
    options = " or ".join(conventions.options + name for name in held_out)
    if settings.test or test is not None:
        check_rows(len(rows))
    blocks = read_blocks(table, rows, target_name, settings, conventions)
    if blocks is not None:
        check_count(blocks, 3 if is_held else 2, conventions)
    rest, held = rows, rows[:0]
    how: Any = {"blocks": blocks, "options": options}
    if is_held:
        rest, held = hold_out(rows, y, settings.test, target, settings, leave=2, **how)
    train, validation = hold_out(rest, y, settings.validation, target, settings, leave=1, **how)
    if target.task == "regression":
        with reproducibly(settings.reproducible):
            mean, std = mean_and_deviation(y[train])
        target = replace(target, mean=mean, std=std or 1.0)
    # Rows held out must not be known in any way, not even by their quantiles or rare categories.
    encoder = Encoder.fit(
        read.take(train),
        skip=[target_name],
        conventions=conventions,
        ignored=row_counters(read.drop_columns([target_name]), unnamed(read))
        | _unread(settings, read),
    )

    def encoded(rows: Array) -> tuple[Array, Array]:
        return encoder.encode(read.take(rows), Counter()), y[rows]

    left_out = told_missing(table[target_name], known)
    scored = encoded(held) if test is None else _apart(encoder, target, *test)
    parts = Parts(encoded(train), encoded(validation), scored, left_out)
    if blocks is None:
        return encoder, target, parts
    apart: Array | None = blocks.codes[held]
    if test is not None:
        apart = None
        if not blocks.in_time:
            places = np.flatnonzero(target.encode(test[0][target_name])[1])
            apart = groups_apart(blocks, test[0], places, test[1], conventions)
    parts = replace(
        parts,
        blocks=blocks.codes[np.concatenate([train, validation])],
        test_blocks=apart,
        in_time=blocks.in_time,
        split=told_split(blocks, validation, held),
    )
    return encoder, target, parts


def _unread(settings: TableSettings, table: pyarrow.Table) -> dict[str, str]:
    """Return the column that rows are parted by, whose values new rows do not share."""
    name = settings.split_by
    return {name: "the rows are split by it"} if name in table.column_names and name else {}


def _apart(encoder: Encoder, target: Target, table: pyarrow.Table, name: str) -> Rows:
    """Return the rows of a table of its own to score by, encoded, that have a known target."""
    if target.name not in table.column_names:
        raise TableError(f"{name}: no column {target.name!r}, the target, to score by")
    encoder.check(table.column_names, name)
    y, known = target.encode(table[target.name])
    count = int(known.sum())
    if count < _FEWEST_SCORED:
        have = "1 row has" if count == 1 else f"{count} rows have"
        raise TableError(
            f"{name}: {have} a target that was there in training; at least {_FEWEST_SCORED} are "
            "needed to score by"
        )
    return encoder.encode(table, Counter())[known], y[known]


def check_metric(settings: TableSettings, target: Target, options: str) -> None:
    """Refuse a score or class weights that are not for the target's task."""
    task, metric = target.task, settings.metric
    if metric is not None and metric not in METRICS[task]:
        raise TableError(
            f"{options}metric: {metric} is no score of {task}, which has {', '.join(METRICS[task])}"
        )
    if settings.class_weight is not None and task == "regression":
        raise TableError(f"{options}class-weight: target {target.name!r} is a number, no class")
    if settings.class_weight is not None and settings.reproducible:
        # The weighted loss that an epoch is chosen by is not computed in one order everywhere.
        raise TableError(f"{options}class-weight: not together with {options}reproducible")


def check_rows(count: int) -> None:
    """Refuse too few rows with a target."""
    if count < _FEWEST_ROWS:
        counted = "1 row has" if count == 1 else f"{count} rows have"
        raise TableError(f"{counted} a target; at least {_FEWEST_ROWS} are needed")


def unnamed(table: pyarrow.Table) -> list[str]:
    """Return the name that the first column got where it had none."""
    return [name for name in table.column_names[:1] if name == "column 1"]


def run(
    encoder: Encoder,
    target: Target,
    parts: Parts,
    settings: TableSettings,
    *,
    progress: bool,
    say: Callable[[str], None] = lambda line: None,
    checkpoint: Saving | None = None,
) -> Trial:
    """Train a network and simple models, and score them on the rows held out.

    The training goes on from its checkpoint if that is there.
    """
    trained = train(encoder, target, parts, settings, progress=progress, checkpoint=checkpoint)
    # From here on the training is paid for. If scoring or writing fails, the network is kept.
    with rescued(lambda place: save_model(trained.model, place, report=NO_REPORT), "model"):
        return _scored(trained, parts, settings, say=say)


def _scored(
    trained: Trained, parts: Parts, settings: TableSettings, *, say: Callable[[str], None]
) -> Trial:
    """Compare a trained model with simple ones on the rows held out, and write its record."""
    model, history = trained.model, trained.history
    target = model.target
    chosen = settings.compared_by
    name = headline(target.task, chosen)
    say("comparing with simpler models")
    held = held_of(trained, parts, settings)
    y = held.y
    intervals = {m: list(interval(name, each, y, held.blocks)) for m, each in held.outputs.items()}
    is_known = all(np.isfinite(bounds).all() for bounds in intervals.values())
    model.record = record = Record(
        settings=settings,
        rows={
            "train": parts.rows,
            "validation": len(parts.validation[1]),
            "test": len(y),
        },
        metrics={m: score(each, y, target.task, chosen) for m, each in held.outputs.items()},
        loss=history.loss,
        val_loss=history["val_loss"] if len(history) else [],
        best_epoch=trained.best_epoch,
        interrupted=trained.interrupted,
        seconds=round(trained.seconds, 3),
        tier=history.tier,
        sha256=history.sha256(model.network),
        importance=held.importance,
        verdict=verdict(trained, held, parts, settings),
        intervals=intervals if is_known or held.blocks is None else {},
        headline=name,
        split=parts.split,
    )
    return Trial(model, record, parts.test[0], y, held.outputs[NETWORK])
