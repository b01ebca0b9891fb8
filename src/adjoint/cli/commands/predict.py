"""The command `adjoint predict`: what a model says about the rows of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from ...files.rescue import check_file_place
from ...files.whole_file import whole_file
from ...tables.reading.dialect import unique_names
from ...tables.reading.table_file import TableFile
from ...tables.writing import FORMATS, write_blocks
from ..model_output import load_model, show_treated
from ..options import ENCODING, SHEET, check_column, check_out
from ..terminal import note, rows_out

_SUFFIXES = {".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet", ".pq": "parquet"}


@click.command(short_help="Predict the rows of a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A file; by default standard output.")
@click.option(
    "--keep",
    multiple=True,
    metavar="COLUMN",
    help="A column of the table to write before the prediction; may be repeated.",
)
@click.option("--all", "keep_all", is_flag=True, help="Write all columns of the table.")
@click.option(
    "--format",
    "kind",
    type=click.Choice(FORMATS),
    help="How to write the rows.  [default: as --out ends; else csv]",
)
@ENCODING
@SHEET
@click.option("--json", "as_json", is_flag=True, help="The same as --format jsonl.")
def predict(
    model: Path,
    table: Path,
    out: Path | None,
    keep: tuple[str, ...],
    keep_all: bool,
    kind: str | None,
    encoding: str | None,
    sheet: str | None,
    as_json: bool,
) -> int:
    """Write what MODEL predicts for each row of TABLE, and how probable each class is.

    Rows are read and written in blocks, in their order; empty lines are no rows. What is treated
    specially, as a category that was not there before, is counted on standard error. In CSV, texts
    that a spreadsheet would run as formulas get an apostrophe.
    """
    if out is not None:
        check_out(check_file_place, out)
    if as_json and kind not in (None, "jsonl"):
        raise click.UsageError(f"--json: writes lines of JSON, not {kind}")
    format = kind or (
        "jsonl" if as_json else _SUFFIXES.get(out.suffix.lower() if out else "", "csv")
    )
    if format == "parquet" and out is None:
        raise click.UsageError("--format parquet: needs a file, --out")
    network, source = load_model(model), TableFile(table, encoding=encoding, sheet=sheet)
    network.encoder.check(source.names, table)
    kept = source.names if keep_all else list(keep)
    for name in kept:
        check_column("--keep", name, source.names)
    treated: Counter[str] = Counter()
    blocks = (_beside(block, kept, network.predict(block, treated)) for block in source.blocks())
    with _output(out) as file:
        count = write_blocks(file, blocks, format)
    show_treated(treated)
    if out is not None:
        note(f"wrote {out}: {count:,} rows")
    return 0


def _beside(block: Any, kept: list[str], found: dict[str, Any]) -> Any:
    """Return a table of the columns that are kept and of what is predicted, each name once."""
    import pyarrow

    columns = {name: block[name] for name in kept}
    names = unique_names([*columns, *found])
    arrays = [*columns.values(), *map(pyarrow.array, found.values())]
    return pyarrow.table(arrays, names=names)


@contextmanager
def _output(path: Path | None) -> Iterator[BinaryIO]:
    """Give the file to write: standard output, or one that appears when it is whole."""
    with nullcontext(rows_out()) if path is None else whole_file(path) as file:
        yield file
