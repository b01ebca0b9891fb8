"""A trial trains a network on a part of a table, and scores it on the rows held out."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from ..core.annotations import Array
from ..core.reproducibility import reproducibly
from ..errors import TableError
from ..files.rescue import rescued
from ..training.saving import Saving
from .conventions import AS_SHOWN, Conventions, option_of
from .encoder import Encoder, conventions_of, row_counters
from .exchange import Rows
from .folder import NO_REPORT, save_model
from .folds import fold_rows, told_folds
from .held import NETWORK, Held, held_of, joined
from .model import TableModel
from .parts import Parts
from .record import Record
from .score_text import score_text
from .scored import scored_as
from .scores import headline
from .search import Search
from .search import search as find
from .settings import METRICS, TableSettings
from .splitting import (
    FEWEST_SCORED,
    Blocks,
    check_count,
    groups_apart,
    hold_out,
    read_blocks,
    told_split,
)
from .targets import AnyTarget, learn_targets
from .training import Trained, train
from .tried import Searched
from .verdict import verdict

if TYPE_CHECKING:
    import pyarrow


_FEWEST_ROWS = 20


@dataclass
class Trial:
    """A trained model, and how it does on the rows held out.

    Attributes
    ----------
    model : TableModel
    record : Record
    held_X : array
        Encoded rows held out; where there are folds, those that the model was trained on.
    held_y, held_outputs : array
        The targets of the rows held out, and what networks that never saw them predict.
    """

    model: TableModel
    record: Record
    held_X: Array
    held_y: Array
    held_outputs: Array


def prepare(
    table: pyarrow.Table,
    target_name: str | Sequence[str],
    settings: TableSettings,
    conventions: Conventions = AS_SHOWN,
    *,
    drop: Sequence[str] = (),
    test: tuple[pyarrow.Table, str] | None = None,
    weights: Array | None = None,
) -> tuple[Encoder, AnyTarget, Parts]:
    """Return what the columns and the target are, and the rows in three parts.

    The columns are learnt from the rows to train on alone. The last part is empty if the settings
    hold no rows out to score by.

    Parameters
    ----------
    table : pyarrow.Table
    target_name : str or sequence of str
        One column, or several of numbers.
    settings : TableSettings
    conventions : Conventions
    drop : sequence of str
        Columns that are not read; one of them may still tell how rows are parted.
    test : (pyarrow.Table, str), optional
        A table to score by, and what it is called; then no row of the first one is held out for it.
    weights : (n,) array, optional
        How much each row counts in training, from 0; a row with 0 is as if it was not there.

    Raises
    ------
    TableError
        If there is no such column, nothing to learn, or too few rows.
    """
    known = _known(
        table, target_name, settings, conventions, drop, is_apart=test is not None, weights=weights
    )
    blocks, rest, held = known.blocks, known.rows, known.rows[:0]
    if known.is_held:
        rest, held = known.hold_out(rest, settings.test, leave=2)
    encoder, target, parts = known.parts(rest, held)
    if settings.folds:
        scored = sum(len(each) for _, each in known.folds())
        parts = replace(parts, split=told_folds(settings, blocks, scored))
    elif blocks is not None:
        assert parts.blocks is not None
        stop = parts.blocks[len(parts.train[1]) :]
        parts = replace(parts, split=[told_split(blocks, stop, blocks.codes[held])])
    if test is None:
        return encoder, target, parts
    apart = None
    if blocks is not None and not blocks.in_time:
        places = np.flatnonzero(target.of(test[0])[1])
        apart = groups_apart(blocks, test[0], places, test[1], known.conventions)
    scored_by = _apart(encoder, target, *test)
    return encoder, target, replace(parts, test=scored_by, test_blocks=apart)


def prepare_folds(
    table: pyarrow.Table,
    target_name: str | Sequence[str],
    settings: TableSettings,
    conventions: Conventions = AS_SHOWN,
    *,
    drop: Sequence[str] = (),
) -> Iterator[tuple[Encoder, AnyTarget, Parts]]:
    """Yield what `prepare` returns, for each fold, whose rows are those to score by.

    The columns are learnt anew for each, from its rows to train on.
    """
    known = _known(table, target_name, settings, conventions, drop, is_apart=False)
    for rest, held in known.folds():
        yield known.parts(rest, held)


@dataclass(frozen=True)
class _Known:
    """The rows of a table that have a target, before they are parted."""

    table: pyarrow.Table
    target: AnyTarget
    y: Array
    rows: Array
    blocks: Blocks | None
    settings: TableSettings
    conventions: Conventions
    is_held: bool
    left_out: str
    weights: Array | None

    def hold_out(self, rows: Array, part: float, *, leave: int) -> tuple[Array, Array]:
        names = ("test", "validation") if self.is_held else ("validation",)
        return hold_out(
            rows,
            self.y,
            part,
            self.target,
            self.settings,
            blocks=self.blocks,
            leave=leave,
            options=" or ".join(self.conventions.options + name for name in names),
        )

    def folds(self) -> list[tuple[Array, Array]]:
        return fold_rows(
            self.rows, self.y, self.target, self.settings, self.blocks, self.conventions
        )

    def parts(self, rest: Array, held: Array) -> tuple[Encoder, AnyTarget, Parts]:
        """Return rows as they are trained on, stopped by and scored by: what is learnt of them."""
        y, settings, blocks = self.y, self.settings, self.blocks
        train, validation = self.hold_out(rest, settings.validation, leave=1)
        with reproducibly(settings.reproducible):
            target = self.target.rescaled(y[train])
        # Rows held out must not be known in any way, not even by their quantiles or rare
        # categories.
        encoder = Encoder.fit(
            self.table.take(train),
            skip=target.names,
            conventions=self.conventions,
            ignored=row_counters(self.table.drop_columns(target.names), unnamed(self.table))
            | _unread(settings, self.table),
        )
        train_rows, stop_rows, scored = (
            (encoder.encode(self.table.take(part), Counter()), y[part])
            for part in (train, validation, held)
        )
        parts = Parts(train_rows, stop_rows, scored, self.left_out)
        if self.weights is not None:
            weights = self.weights[np.concatenate([train, validation])]
            parts = replace(parts, weights=weights)
        if blocks is not None:
            parts = replace(
                parts,
                blocks=blocks.codes[np.concatenate([train, validation])],
                test_blocks=blocks.codes[held],
                in_time=blocks.in_time,
            )
        return encoder, target, parts


def _known(
    table: pyarrow.Table,
    target_name: str | Sequence[str],
    settings: TableSettings,
    conventions: Conventions,
    drop: Sequence[str],
    *,
    is_apart: bool,
    weights: Array | None = None,
) -> _Known:
    """Return the rows with a target; those to score by may be in a table apart."""
    read = table.drop_columns(list(dict.fromkeys(drop)))
    conventions = conventions_of(read, conventions)
    names = [target_name] if isinstance(target_name, str) else list(target_name)
    target = learn_targets(names, table, settings, conventions)
    check_metric(settings, target, conventions)
    if weights is not None and settings.reproducible:
        # As weights of classes, see `check_metric`.
        option = option_of("reproducible", conventions)
        raise TableError(f"{option}: not together with weights of rows or classes")
    y, has_target = target.of(table)
    rows = np.flatnonzero(has_target if weights is None else has_target & (weights > 0))
    is_held = settings.test > 0 and not is_apart and not settings.folds
    if is_held or is_apart or settings.folds:
        check_rows(len(rows))
    blocks = read_blocks(table, rows, names, settings, conventions)
    if blocks is not None:
        check_count(blocks, 3 if is_held or settings.folds else 2, conventions)
    left_out = target.told_missing(table, has_target)
    return _Known(read, target, y, rows, blocks, settings, conventions, is_held, left_out, weights)


def _unread(settings: TableSettings, table: pyarrow.Table) -> dict[str, str]:
    """Return the column that rows are parted by, whose values new rows do not share."""
    name = settings.split_by
    return {name: "the rows are split by it"} if name in table.column_names and name else {}


def _apart(encoder: Encoder, target: AnyTarget, table: pyarrow.Table, name: str) -> Rows:
    """Return the rows of a table of its own to score by, encoded, that have a known target."""
    for column in target.names:
        if column not in table.column_names:
            raise TableError(f"{name}: no column {column!r}, the target, to score by")
    encoder.check(table.column_names, name)
    y, known = target.of(table)
    count = int(known.sum())
    if count < FEWEST_SCORED:
        have = "1 row has" if count == 1 else f"{count} rows have"
        raise TableError(
            f"{name}: {have} a target that was there in training; at least {FEWEST_SCORED} are "
            "needed to score by"
        )
    return encoder.encode(table, Counter())[known], y[known]


def check_metric(settings: TableSettings, target: AnyTarget, conventions: Conventions) -> None:
    """Refuse a score or class weights that are not for the target's task."""
    kind, metric = target.kind, settings.metric
    if metric is not None and metric not in METRICS[kind]:
        raise TableError(
            f"{option_of('metric', conventions)}: {metric} is no score of {kind}, which has "
            f"{', '.join(METRICS[kind])}"
        )
    if settings.label_smoothing and not target.labels:
        option = option_of("label_smoothing", conventions)
        raise TableError(f"{option}: target {target.name!r} is a number, no class")
    if settings.class_weight is None:
        return
    option = option_of("class_weight", conventions)
    if not target.labels:
        raise TableError(f"{option}: target {target.name!r} is a number, no class")
    if settings.reproducible:
        # The weighted loss that an epoch is chosen by is not computed in one order everywhere.
        raise TableError(f"{option}: not together with {option_of('reproducible', conventions)}")


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
    target: AnyTarget,
    parts: Parts,
    settings: TableSettings,
    *,
    progress: bool,
    say: Callable[[str], None] = lambda line: None,
    checkpoint: Saving | None = None,
    folds: Iterable[tuple[Encoder, AnyTarget, Parts]] | None = None,
    search: Search | None = None,
) -> Trial:
    """Train a network and simple models, and score them on the rows held out.

    The training goes on from its checkpoint if that is there.

    Parameters
    ----------
    search : Search, optional
        Which settings to try first; the network is that of the best ones.
    folds : iterable, optional
        As of `prepare_folds`. Then the scores are of their rows, by networks and simple models of
        each fold.

    Raises
    ------
    KeyboardInterrupt
        If the training of a fold is interrupted.
    """
    start = time.perf_counter()
    folded = None
    if folds is not None:
        folded = joined(list(_held_of_folds(folds, settings, say)))
    searched = None
    if search is not None:
        told = "log" if progress else False
        found = find(encoder, target, parts, settings, search, progress=told, say=say)
        trained, settings, searched = found.trained, found.settings, found.searched
    else:
        trained = train(encoder, target, parts, settings, progress=progress, checkpoint=checkpoint)
    seconds = time.perf_counter() - start
    # From here on the training is paid for. If scoring or writing fails, the network is kept.
    with rescued(lambda place: save_model(trained.model, place, report=NO_REPORT), "model"):
        if folded is None:
            say("comparing with simpler models")
            held = held_of(trained, parts, settings)
            return _scored(trained, held, parts, settings, searched)
        again = f"{len(folded.by_fold) + 1} trainings took {seconds:.1f} s in all."
        parts = replace(parts, split=[*parts.split, _told_by_fold(folded, settings, target), again])
        return _scored(trained, folded, parts, settings)


def _held_of_folds(
    folds: Iterable[tuple[Encoder, AnyTarget, Parts]],
    settings: TableSettings,
    say: Callable[[str], None],
) -> Iterator[Held]:
    """Yield what the models of each fold predict of its rows."""
    for k, (encoder, target, parts) in enumerate(folds, 1):
        say(f"fold {k} of {settings.folds}")
        trained = train(encoder, target, parts, settings, progress=False)
        if trained.interrupted:  # a score of some folds would be of other rows than it says
            raise KeyboardInterrupt
        yield held_of(trained, parts, settings)


def _told_by_fold(held: Held, settings: TableSettings, target: AnyTarget) -> str:
    name = headline(target.kind, settings.compared_by)
    told = ", ".join(score_text(name, one) for one in held.by_fold)
    return f"The network's {name.replace('_', ' ')} by fold: {told}."


def _scored(
    trained: Trained,
    held: Held,
    parts: Parts,
    settings: TableSettings,
    searched: Searched | None = None,
) -> Trial:
    """Compare a trained model with simple ones on the rows held out, and write its record."""
    model, history = trained.model, trained.history
    target, y, blocks = model.target, held.y, held.blocks
    found = scored_as(target, held.outputs, y, blocks, metric=settings.compared_by)
    model.record = record = Record(
        settings=settings,
        rows={
            "train": parts.rows,
            "validation": len(parts.validation[1]),
            "test": len(y),
        },
        metrics=found.metrics,
        loss=history.loss,
        val_loss=history["val_loss"] if len(history) else [],
        best_epoch=trained.best_epoch,
        interrupted=trained.interrupted,
        seconds=round(trained.seconds, 3),
        tier=history.tier,
        sha256=history.sha256(model.network),
        importance=held.importance,
        verdict=verdict(trained, held, parts, settings)
        + ([] if searched is None else searched.sentences()),
        search=searched,
        intervals=found.intervals,
        headline=found.headline,
        split=parts.split,
        by_target=found.by_target,
        coverage=found.coverage,
    )
    # No row was held out of the model itself where there are folds.
    X = parts.train[0] if settings.folds else parts.test[0]
    return Trial(model, record, X, y, held.outputs[NETWORK])
