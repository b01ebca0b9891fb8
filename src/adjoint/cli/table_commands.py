"""The commands for tables, as click parses them: fit, predict, evaluate, show.

What only some commands need is imported when they run: scikit-learn alone takes half a second.
"""

from __future__ import annotations

import json
import math
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click
import numpy as np

from ..errors import require
from ..files.rescue import check_file_place, check_folder_place, rescued
from ..files.whole_file import whole_file
from ..tables.settings import TableSettings
from ..tables.source import Source
from ..tables.target import TASKS

if TYPE_CHECKING:
    from ..tables.encoder import Encoder
    from ..tables.model import TableModel

DEFAULTS = TableSettings()
# No memory holds so many, and the product of two such sizes still fits into 64 bits.
_MOST_UNITS = 2**31
_Say = Callable[[str], None]


def as_sizes(_: click.Context, __: click.Parameter, text: str) -> tuple[int, ...]:
    """Return '4,4' as (4, 4), and nothing between the commas as no layer."""
    try:
        sizes = tuple(int(size) for size in text.split(",")) if text.strip() else ()
    except ValueError:
        raise click.BadParameter(
            f"{text!r} is not a list of whole numbers like 4,4 (units per layer)"
        ) from None
    if any(size > _MOST_UNITS for size in sizes):
        raise click.BadParameter(f"{text!r}: a layer has at most {_MOST_UNITS:,} units")
    return sizes


def _as_units(context: click.Context, option: click.Parameter, text: str) -> tuple[int, ...]:
    sizes = as_sizes(context, option, text)
    if any(size < 1 for size in sizes):
        raise click.BadParameter(f"{text!r}: a layer has at least one unit")
    return sizes


def check_out(check: Callable[[Path], None], path: Path) -> None:
    """Refuse an --out that cannot be written, before any work is done."""
    try:
        check(path)
    except OSError as error:
        raise click.UsageError(f"--out: {error}") from None


class _Number(click.FloatRange):
    """A number in a range, to which "nan" and "inf" are none."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        number = float(super().convert(value, param, ctx))
        if not math.isfinite(number):
            self.fail(f"{number} is not a finite number", param, ctx)
        return number


_JSON = click.option("--json", "as_json", is_flag=True, help="Write JSON to standard output.")
_PART = _Number(0, 0.9, min_open=True)


@click.command(short_help="Train a network on a table.", context_settings={"show_default": True})
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COLUMN", help="The column to predict.")
@click.option(
    "--out", type=click.Path(path_type=Path), default=Path("model"), help="Folder of the model."
)
@click.option("--force", is_flag=True, help="Replace a model that is there.")
@click.option("--task", type=click.Choice(TASKS), default=DEFAULTS.task, help="What to predict.")
@click.option(
    "--drop", multiple=True, metavar="COLUMN", help="A column not to read; may be repeated."
)
@click.option(
    "--hidden",
    callback=_as_units,
    default=",".join(map(str, DEFAULTS.hidden)),
    metavar="N,N,...",
    help="Units of each hidden layer.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1),
    default=DEFAULTS.epochs,
    help="Passes over the data, at most.",
)
@click.option(
    "--patience",
    type=click.IntRange(1),
    default=DEFAULTS.patience,
    help="Epochs without a better loss before it stops.",
)
@click.option(
    "--batch-size", type=click.IntRange(1), default=DEFAULTS.batch_size, help="Rows a step."
)
@click.option(
    "--learning-rate",
    type=_Number(0, min_open=True),
    default=DEFAULTS.learning_rate,
    help="Step length of AdamW.",
)
@click.option(
    "--dropout",
    type=_Number(0, 1, max_open=True),
    default=DEFAULTS.dropout,
    help="While training.",
)
@click.option(
    "--test", type=_PART, default=DEFAULTS.test, help="Part of the rows held out to score by."
)
@click.option(
    "--validation",
    type=_PART,
    default=DEFAULTS.validation,
    help="Part of the others held out to stop by.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=DEFAULTS.seed,
    help="Decides all that is random.",
)
@_JSON
def fit(
    table: Path,
    target: str,
    out: Path,
    force: bool,
    drop: tuple[str, ...],
    as_json: bool,
    **chosen: Any,
) -> int:
    """Train a network on TABLE, a file of CSV (also .csv.gz), Parquet or Feather.

    It finds out what the columns are, holds rows out, scales, encodes, trains, and compares with
    simple models. The folder of the model has weights, a description in JSON and a report to open
    in a browser; it appears whole or not at all.
    """
    from ..tables.model import NO_REPORT, check_free
    from ..tables.report import write_report
    from ..tables.trial import prepare, run

    check_free(out, replace=force)
    check_out(check_folder_place, out.parent)
    # A training takes minutes: what its end needs is looked for at the beginning.
    _require_for_fit(as_json)
    say = _teller(as_json)
    source = Source(table)
    _check_dropped(source, target, drop)
    read = source.read().drop_columns(list(drop))
    settings = TableSettings(**chosen)
    encoder, kind, parts = prepare(read, target, settings)
    say(f"{table}: {read.num_rows:,} rows, {len(read.column_names)} columns")
    _show_columns(encoder, say)
    what = f"classes {', '.join(kind.labels[:5])}" if kind.labels else "a number"
    say(f"  {target}: to predict, {what}{', …' if len(kind.labels) > 5 else ''}")
    trial = run(encoder, kind, parts, settings, progress=True, say=_note)
    record = trial.model.record
    with rescued(lambda place: trial.model.save(place, report=NO_REPORT), out.name):
        trial.model.save(out, report=write_report(trial, table.name), replace=force)
    if as_json:
        click.echo(json.dumps({"out": str(out), **_summary(trial.model)}))
    else:
        say(_scores(record["metrics"], record["rows"]["test"]))
        say(f"wrote {click.format_filename(out)}: weights, description, report.html")
    return 130 if record["interrupted"] else 0


@click.command(short_help="Predict the rows of a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A file; by default standard output.")
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON a row, not CSV.")
def predict(model: Path, table: Path, out: Path | None, as_json: bool) -> int:
    """Write what MODEL predicts for each row of TABLE, and how probable each class is.

    Rows are read and written in blocks, in their order. What is treated specially, as a category
    that was not there before, is counted on standard error.
    """
    if out is not None:
        check_out(check_file_place, out)
    network, source = _load(model), Source(table)
    network.encoder.check(source.names, table)
    treated: Counter[str] = Counter()
    with _output(out) as file:
        write = _json_lines if as_json else _csv_lines
        count = write(file, (network.predict(block, treated) for block in source.blocks()))
    _show_treated(treated)
    if out is not None:
        _note(f"wrote {click.format_filename(out)}: {count:,} rows")
    return 0


@click.command(short_help="Score a model on a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@_JSON
def evaluate(model: Path, table: Path, as_json: bool) -> int:
    """Score MODEL on the rows of TABLE that have a target."""
    network, source = _load(model), Source(table)
    network.encoder.check(source.names, table)
    if not as_json:
        _tabulate()
    from ..tables.scores import score

    target, treated = network.target, Counter[str]()
    if target.name not in source.names:
        raise click.UsageError(f"{table}: no column {target.name!r}, the target, to compare with")
    pairs = []
    for block in source.blocks():
        y, known = target.encode(block[target.name])
        unknown = int((~known).sum())
        if unknown:
            treated[f"{target.name}: missing or unknown, not scored"] += unknown
        pairs.append((network.outputs(network.encoder.encode(block, treated))[known], y[known]))
    if not any(len(y) for _, y in pairs):
        raise click.UsageError(f"{table}: no row has a target to compare with")
    outputs, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    metrics = score(outputs, y, target.task)
    _show_treated(treated)
    if as_json:
        click.echo(json.dumps({"rows": len(y), "metrics": metrics, "treated": dict(treated)}))
    else:
        click.echo(_scores({"network": metrics}, len(y)))
    return 0


@click.command(short_help="Describe a model.")
@click.argument("model", type=click.Path(path_type=Path))
@_JSON
def show(model: Path, as_json: bool) -> int:
    """Print the network in the folder MODEL, what it reads, and how it was trained."""
    found = _load(model)
    if as_json:
        click.echo(json.dumps(_summary(found)))
        return 0
    record = found.record
    click.echo(f"predicts {found.target.name}: {', '.join(found.target.labels) or 'a number'}")
    click.echo(repr(found.network))
    _show_columns(found.encoder, click.echo)
    rows = record["rows"]
    click.echo(
        f"trained on {rows['train']:,} rows for {len(record['loss'])} epochs in "
        f"{record['seconds']:.1f} s; the weights are those of epoch {record['best_epoch']}"
    )
    click.echo(_scores(record["metrics"], rows["test"]))
    return 0


COMMANDS = (fit, predict, evaluate, show)

# --- what they write ------------------------------------------------------------------------------


def _load(folder: Path) -> Any:
    from ..tables.model import TableModel

    return TableModel.load(folder)


def _note(line: str) -> None:
    click.echo(line, err=True)


def _teller(as_json: bool) -> _Say:
    return _note if as_json else click.echo


def _check_dropped(source: Source, target: str, drop: tuple[str, ...]) -> None:
    unknown = [name for name in drop if name not in source.names]
    if unknown:
        raise click.UsageError(f"--drop: no column {unknown[0]!r} in {source}")
    if target in drop:
        raise click.UsageError(f"--drop: {target!r} is the target")


def _show_columns(encoder: Encoder, say: _Say) -> None:
    for column in encoder.columns:
        say(f"  {column.name}: {column}")
    for name, reason in encoder.ignored.items():
        say(f"  {name}: not read, {reason}")


def _show_treated(treated: Counter[str]) -> None:
    for what, count in sorted(treated.items()):
        _note(f"{count:,} {'row' if count == 1 else 'rows'}: {what}")


def _scores(metrics: dict[str, dict[str, float]], rows: int) -> str:
    names = list(next(iter(metrics.values())))
    lines = [[model, *(found.get(name) for name in names)] for model, found in metrics.items()]
    head = [f"on {rows:,} rows", *(name.replace("_", " ") for name in names)]
    return str(_tabulate()(lines, head, floatfmt=".4f"))


def _tabulate() -> Callable[..., Any]:
    """Return what writes tables, or say how to install it."""
    found: Callable[..., Any] = require(
        "tabulate", extra="cli", purpose="a table of scores"
    ).tabulate
    return found


def _require_for_fit(as_json: bool) -> None:
    """Find out before the training whether the packages are there that its end needs."""
    require("safetensors.numpy", extra="cli", purpose="the folder of a model")
    require("matplotlib", extra="plot", purpose="the report's drawings")
    if not as_json:
        _tabulate()


def _summary(model: TableModel) -> dict[str, Any]:
    return {
        "target": model.target.to_state(),
        "columns": {column.name: str(column) for column in model.encoder.columns},
        "ignored": model.encoder.ignored,
        "network": list(model.network.design.sizes),
        "parameters": sum(parameter.size for parameter in model.network.parameters()),
        **model.record,
    }


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    """Give the file to write: standard output, or one that appears when it is whole."""
    with nullcontext(sys.stdout.buffer) if path is None else whole_file(path) as file:
        yield file


def _csv_lines(file: BinaryIO, blocks: Iterator[dict[str, Any]]) -> int:
    import pyarrow

    arrow_csv = require("pyarrow.csv", extra="cli", purpose="writing CSV")
    count, is_first = 0, True
    for block in blocks:
        table = pyarrow.table(block)
        options = arrow_csv.WriteOptions(include_header=is_first, quoting_style="needed")
        arrow_csv.write_csv(table, file, options)
        count, is_first = count + table.num_rows, False
    return count


def _json_lines(file: BinaryIO, blocks: Iterator[dict[str, Any]]) -> int:
    count = 0
    for block in blocks:
        for values in zip(*(column.tolist() for column in block.values()), strict=True):
            file.write((json.dumps(dict(zip(block, values, strict=True))) + "\n").encode())
            count += 1
    return count
