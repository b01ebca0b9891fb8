"""The command `adjoint predict`: what a model says about the rows of a table."""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

import click

from ...errors import require
from ...files.rescue import check_file_place
from ...files.whole_file import whole_file
from ...tables.reading.table_file import TableFile
from ..model_output import load_model, note, show_treated
from ..options import ENCODING, check_out


@click.command(short_help="Predict the rows of a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="A file; by default standard output.")
@ENCODING
@click.option("--json", "as_json", is_flag=True, help="Write a line of JSON a row, not CSV.")
def predict(model: Path, table: Path, out: Path | None, encoding: str | None, as_json: bool) -> int:
    """Write what MODEL predicts for each row of TABLE, and how probable each class is.

    Rows are read and written in blocks, in their order. What is treated specially, as a category
    that was not there before, is counted on standard error.
    """
    if out is not None:
        check_out(check_file_place, out)
    network, source = load_model(model), TableFile(table, encoding=encoding)
    network.encoder.check(source.names, table)
    treated: Counter[str] = Counter()
    with _output(out) as file:
        write = _json_lines if as_json else _csv_lines
        count = write(file, (network.predict(block, treated) for block in source.blocks()))
    show_treated(treated)
    if out is not None:
        note(f"wrote {click.format_filename(out)}: {count:,} rows")
    return 0


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
