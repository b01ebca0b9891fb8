"""The command `adjoint fit`: a network for a table."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path
from time import monotonic
from typing import Any

import click

from ...data.row_groups import RowGroups
from ...errors import require
from ...files.rescue import check_file_place, check_folder_place, rescued
from ...tables.choice import NAMES
from ...tables.conventions import Conventions
from ...tables.date_format import ORDERS
from ...tables.reading.table_file import TableFile
from ...tables.settings import METRICS, MOST_BINS, TableSettings
from ...tables.target import TASKS
from ...tables.targets import AnyTarget
from ..model_output import (
    as_json_text,
    note,
    require_for_tables,
    show_columns,
    summary,
    tabulate,
    teller,
    told_scores,
    trials,
)
from ..options import (
    ENCODING,
    JSON,
    SHEET,
    FiniteNumber,
    as_part_or_file,
    as_quantiles,
    as_units,
    check_column,
    check_out,
    check_target,
)

DEFAULTS = TableSettings()
# Between two lines that say how much was read.
_SECONDS = 10.0
# A year; more is a slip of the keyboard.
_MOST_MINUTES = 525_600
_PART = FiniteNumber(0, 0.9, min_open=True)
# The settings that say which rows are held out.
_SPLITS = {"--split-by": "split_by", "--time": "time", "--folds": "folds"}


@click.command(short_help="Train a network on a table.", context_settings={"show_default": True})
@click.argument("table", type=click.Path(path_type=Path))
@click.option(
    "--target",
    "targets",
    required=True,
    multiple=True,
    metavar="COLUMN",
    help="The column to predict; may be repeated for several numbers.",
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("model"), help="Folder of the model."
)
@click.option("--force", is_flag=True, help="Replace a model that is there.")
@click.option("--task", type=click.Choice(TASKS), default=DEFAULTS.task, help="What to predict.")
@click.option(
    "--drop", multiple=True, metavar="COLUMN", help="A column not to read; may be repeated."
)
@ENCODING
@SHEET
@click.option(
    "--decimal", type=click.Choice([".", ","]), help="Mark before decimals.  [default: found out]"
)
@click.option(
    "--thousands",
    type=click.Choice([",", ".", " ", "'"]),
    help="Mark between thousands.  [default: found out]",
)
@click.option(
    "--dates",
    type=click.Choice(ORDERS),
    help="Order of days (d), months (m) and years (y).  [default: found out]",
)
@click.option(
    "--missing",
    multiple=True,
    metavar="TEXT",
    help="A text that stands for a missing value, also in the target; may be repeated.",
)
@click.option(
    "--hidden",
    callback=as_units,
    default=",".join(map(str, DEFAULTS.hidden)),
    metavar="N,N,...",
    help="Units of each hidden layer.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=DEFAULTS.epochs,
    help="Passes over the data, at most.  [default: by the rows]",
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=DEFAULTS.patience,
    help="Epochs without a better loss before it stops.",
)
@click.option("--batch-size", type=click.IntRange(1), help="Rows a step.  [default: by the rows]")
@click.option(
    "--ensemble",
    type=click.IntRange(1, 100),
    help="Networks that answer together, by their mean.  [default: by the rows]",
)
@click.option(
    "--learning-rate",
    type=FiniteNumber(0, min_open=True),
    default=DEFAULTS.learning_rate,
    help="First step length of AdamW.",
)
@click.option(
    "--dropout",
    type=FiniteNumber(0, 1, max_open=True),
    default=DEFAULTS.dropout,
    help="Part of the units that a step leaves out.",
)
@click.option(
    "--weight-decay",
    type=FiniteNumber(0),
    default=DEFAULTS.weight_decay,
    help="AdamW's: part of a step length by which weights shrink at each step.",
)
@click.option(
    "--bins",
    type=click.IntRange(0, MOST_BINS),
    default=DEFAULTS.bins,
    help="Bins that each number enters the network in, besides its value.",
)
@click.option(
    "--minutes",
    type=FiniteNumber(0, _MOST_MINUTES, min_open=True),
    help="Search settings that are not given, for so long, before the network is kept.",
)
@click.option(
    "--test",
    callback=as_part_or_file,
    default=str(DEFAULTS.test),
    metavar="PART|FILE",
    help="Part of the rows held out to score by, or another table for that.",
)
@click.option(
    "--validation",
    type=_PART,
    default=DEFAULTS.validation,
    help="Part of the others held out to stop by.",
)
@click.option(
    "--split-by",
    metavar="COLUMN",
    help="Keep rows with the same value in COLUMN, as a patient's, together; it is not read.",
)
@click.option(
    "--time",
    metavar="COLUMN",
    help="Score by the latest rows, and stop by the latest before them.",
)
@click.option(
    "--folds",
    type=click.IntRange(2, 100),
    metavar="K",
    help="Score all rows, in K parts, each by networks trained without it.",
)
@click.option(
    "--metric",
    type=click.Choice(list(dict.fromkeys(name for names in METRICS.values() for name in names))),
    help="Score to compare models and rank columns by.  [default: r2, or accuracy and log loss]",
)
@click.option(
    "--class-weight",
    type=click.Choice(["balanced"]),
    help="Let all classes weigh alike, however few rows one has.",
)
@click.option(
    "--label-smoothing",
    type=FiniteNumber(0, 1, max_open=True),
    default=DEFAULTS.label_smoothing,
    help="Part of a class's target that all classes share.",
)
@click.option(
    "--quantiles",
    callback=as_quantiles,
    metavar="Q,Q,...",
    help="Predict quantiles of a number, as 0.1,0.5,0.9.  [default: its mean]",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=DEFAULTS.seed,
    help="Seed of all that is drawn.",
)
@click.option(
    "--stream/--no-stream",
    default=None,
    help="Whether to hold a window of Parquet in memory, not the table.  [default: if it is large]",
)
@click.option(
    "--reproducible",
    is_flag=True,
    help="Give the same bits on every machine, and their SHA-256; it takes somewhat longer.",
)
@click.option(
    "--checkpoint",
    type=click.Path(path_type=Path),
    help="A file to keep the training, or the trials of --minutes, in, and to go on from.",
)
@JSON
def fit(
    table: Path,
    targets: tuple[str, ...],
    out: Path,
    force: bool,
    drop: tuple[str, ...],
    encoding: str | None,
    sheet: str | None,
    decimal: str | None,
    thousands: str | None,
    dates: str | None,
    missing: tuple[str, ...],
    test: float | Path,
    stream: bool | None,
    minutes: float | None,
    checkpoint: Path | None,
    as_json: bool,
    **chosen: Any,
) -> int:
    """Train a network on TABLE: CSV, lines of JSON, Excel, Parquet or Arrow, or - for a pipe.

    It finds out what the columns are, holds rows out, scales, encodes, trains, and compares with
    simple models. The folder of the model has weights, a description in JSON and a report to open
    in a browser; it appears whole or not at all.
    """
    require_for_tables()
    from ...tables.folder import NO_REPORT, REPORT, check_free, save_model
    from ...tables.large import prepare_large
    from ...tables.report import write_report
    from ...tables.search import Search, check_search
    from ...tables.trial import prepare, prepare_folds, run
    from ...training.saving import Saving

    check_out(lambda place: check_free(place, replace=force), out)
    check_out(check_folder_place, out.parent)
    if checkpoint is not None:
        check_out(check_file_place, checkpoint, option="--checkpoint")
    _require_for_fit(as_json)
    say = teller(as_json)
    if decimal is not None and decimal == thousands:
        raise click.UsageError(f"--thousands: {thousands!r} is the mark before decimals")
    source = TableFile(table, encoding=encoding, sheet=sheet)
    _check_columns(source, targets, drop)
    _check_split(source, targets, chosen)
    if chosen["folds"] is not None:
        _check_folds()
    part, apart = (test, None) if isinstance(test, float) else (0.0, test)
    scored_by = None if apart is None else _scored_by(apart, encoding, sheet, targets)
    settings = TableSettings(test=part, **chosen)
    conventions = Conventions(decimal, thousands, dates, missing, source.delimiter)
    search = None
    if minutes is not None:
        search = Search(minutes, frozenset(filter(_is_given, NAMES)), checkpoint)
        check_search(settings, search.fixed, conventions)
    groups, folds = _streamed(source, stream), None
    if groups is not None and settings.reproducible:
        raise click.UsageError(
            "--reproducible: for tables that are held in memory, and this one is read a window at "
            "a time; give --no-stream too"
        )
    parted = [option for option, name in _SPLITS.items() if chosen[name] is not None]
    parted += ["--minutes"] * (search is not None)
    if parted and groups is not None:
        raise click.UsageError(
            f"{parted[0]}: for tables that are held in memory, and this one is read a window at a "
            "time; give --no-stream too"
        )
    if scored_by and groups is not None:
        raise click.UsageError(
            f"--test: {scored_by}: a table that is read a window at a time holds its own rows out; "
            "give a part, or --no-stream"
        )
    if len(targets) > 1 and groups is not None:
        raise click.UsageError(
            "--target: several are for tables that are held in memory, and this one is read a "
            "window at a time; give --no-stream"
        )
    if groups is None:
        read = source.read()
        count = read.num_rows
        scored = (scored_by.read(), str(scored_by)) if scored_by else None
        encoder, kind, parts = prepare(read, targets, settings, conventions, drop=drop, test=scored)
        if settings.folds:
            folds = prepare_folds(read, targets, settings, conventions, drop=drop)
    else:
        count = sum(groups.sizes)
        with source.told():
            encoder, kind, parts = prepare_large(
                groups,
                source.names,
                targets[0],
                settings,
                conventions,
                drop=drop,
                tell=ReadingLog(sum(groups.bytes), note),
                say=note,
            )
    for line in source.notes:
        say(f"{source}: {line}")
    streamed = "" if groups is None else ", read a window at a time"
    say(f"{source}: {count:,} rows, {len(source.names) - len(set(drop))} columns{streamed}")
    show_columns(encoder, say)
    say(f"  {kind.name}: {_told_target(kind, parts.left_out)}")
    for sentence in parts.split:
        say(sentence)
    saving = None if checkpoint is None or search is not None else Saving(checkpoint)
    with _suitable_threads(parts.rows):
        trial = run(
            encoder,
            kind,
            parts,
            settings,
            progress=True,
            say=note,
            checkpoint=saving,
            folds=folds,
            search=search,
        )
    record = trial.record
    with (
        _suitable_threads(parts.rows),
        rescued(lambda place: save_model(trial.model, place, report=NO_REPORT), out.name),
    ):
        save_model(trial.model, out, report=write_report(trial, table.name), replace=force)
    if as_json:
        click.echo(as_json_text({"out": str(out), **summary(trial.model)}))
    else:
        if record.search is not None and record.search.trials:
            say(trials(record.search))
        for told in told_scores(record, record.rows["test"]):
            say(told)
        for sentence in [*record.split[len(parts.split) :], *record.verdict]:
            say(sentence)
        if settings.reproducible:
            say(f"sha256 of weights and losses: {record.sha256}")
        say(f"wrote {click.format_filename(out)}: weights, description, report.html")
        say(
            f"next: adjoint predict {_quoted(out)} MORE.csv --out predictions.csv, and open "
            f"{_quoted(out / REPORT)}"
        )
    return 130 if record.interrupted else 0


def _suitable_threads(rows: int) -> contextlib.AbstractContextManager[object]:
    """Let BLAS work in one thread where a table is small.

    Its threads wait for each other in a loop: for products that take microseconds they take the
    time of all cores, and much longer where others need these too.
    """
    from threadpoolctl import threadpool_limits

    from ...tables.exchange import MANY_ROWS

    is_small = rows < MANY_ROWS
    return threadpool_limits(1, user_api="blas") if is_small else contextlib.nullcontext()


def _scored_by(
    path: Path, encoding: str | None, sheet: str | None, targets: Sequence[str]
) -> TableFile:
    """Return a table to score by; it is known before the training whether it can be read."""
    if str(path) == "-":
        raise click.UsageError("--test: expected a file, got -, standard input")
    found = TableFile(path, encoding=encoding, sheet=sheet)
    for name in targets:
        check_column("--test", name, found.names)
    return found


def _streamed(source: TableFile, wanted: bool | None) -> RowGroups | None:
    """Return the row groups of a table that is to be read one by one; None for all at once."""
    from ...tables.large import is_large

    groups = None if wanted is False else source.groups()
    if groups is None:
        if wanted:
            raise click.UsageError(f"--stream: for Parquet; {source} is {source.kind}")
        return None
    return groups if wanted or is_large(groups) else None


class ReadingLog:
    """Says every ten seconds how much of a pass was read, in rows and in bytes."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say, self._latest = total, say, monotonic()

    def __call__(self, epoch: int, rows: int, of: int) -> None:
        """Say it if it is time."""
        if monotonic() - self._latest >= _SECONDS:
            self._latest = monotonic()
            read = self._total * rows // of
            which = f"epoch {epoch + 1}" if epoch >= 0 else "before the first epoch"
            self._say(
                f"{which}: {rows:,} of {of:,} rows, {read / 1e6:,.0f} of "
                f"{self._total / 1e6:,.0f} MB"
            )


def _told_target(target: AnyTarget, left_out: str) -> str:
    return "; ".join(filter(None, [f"to predict, {target}", *target.remarks, left_out]))


def _quoted(path: Path) -> str:
    return shlex.quote(click.format_filename(path))


def _check_columns(source: TableFile, targets: Sequence[str], drop: tuple[str, ...]) -> None:
    for k, name in enumerate(targets):
        check_target(name, source.names)
        if name in targets[:k]:
            raise click.UsageError(f"--target: {name!r} is there twice")
    for name in drop:
        check_column("--drop", name, source.names)
        if name in targets:
            raise click.UsageError(f"--drop: {name!r} is the target")


def _check_split(source: TableFile, targets: Sequence[str], chosen: dict[str, Any]) -> None:
    """Refuse columns to split by that are not there, and two ways to split at once."""
    columns = {"--split-by": chosen["split_by"], "--time": chosen["time"]}
    given = {option: column for option, column in columns.items() if column is not None}
    for option, column in given.items():
        check_column(option, column, source.names)
        if column in targets:
            raise click.UsageError(f"{option}: {column!r} is the target")
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)}: not together; choose one of them")


def _check_folds() -> None:
    """Refuse what does not go together with folds."""
    for name, reason in {
        "test": "all rows are scored already",
        "checkpoint": "it keeps one training, and each fold is another",
    }.items():
        if _is_given(name):
            raise click.UsageError(f"--folds: not together with --{name}: {reason}")


def _is_given(name: str) -> bool:
    """Return whether an option is in the command line."""
    source = click.get_current_context().get_parameter_source(name)
    return source is not click.core.ParameterSource.DEFAULT


def _require_for_fit(as_json: bool) -> None:
    """Find out before the training whether the packages are there that its end needs."""
    require("safetensors.numpy", extra="cli", purpose="the folder of a model")
    require("matplotlib", extra="plot", purpose="the report's drawings")
    if not as_json:
        tabulate()
