"""The command `adjoint play`: a page on which a network is seen to learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from ...errors import require
from ...files.rescue import check_file_place
from ...files.whole_file import write_whole
from ...playground.launch import launch
from ...playground.own_table import read_columns
from ...playground.session import Brought, settings_for
from ...playground.settings import MOST_ROWS, Settings
from ...playground.values import SettingsError
from ...tables.reading.table_file import TableFile
from ..options import ENCODING, SHEET, check_column, check_out
from ..terminal import note, say


@click.command(short_help="Watch a network learn, in the browser.")
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column of TABLE to predict.")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="Where it listens.  [default: 8642, or any that is free]",
)
@click.option("--no-browser", is_flag=True, help="Print the address, and open no browser.")
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page that trains in a browser without Python, and serve nothing.",
)
@ENCODING
@SHEET
def play(
    table: Path | None,
    target: str | None,
    port: int | None,
    no_browser: bool,
    page: Path | None,
    encoding: str | None,
    sheet: str | None,
) -> int:
    """Open the playground: a page on which a network is seen to learn, and why.

    It is served from this machine alone, to whoever has the address that is printed. Every number
    on it comes from adjoint's own engine. With a TABLE the network learns to predict its column
    --target from the others; without one there are toy sets, and a table can be pasted.

    Ctrl-C ends it.

    With --page it writes one file of HTML instead: the same page, for whoever opens it, with some
    networks built into it. Derivations, checks, code and tables need Python, and are grey there.
    """
    if page is not None:
        for option, is_given in (
            ("TABLE", table is not None),
            ("--target", target is not None),
            ("--port", port is not None),
            ("--encoding", encoding is not None),
            ("--sheet", sheet is not None),
        ):
            if is_given:
                raise click.UsageError(f"--page: the page is made alone; leave out {option}")
        return _write_page(page)
    try:
        brought = Brought() if table is None else _table(table, target, encoding, sheet)
    except SettingsError as error:
        raise click.UsageError(str(error)) from None
    if table is None:
        for option, given in (("target", target), ("encoding", encoding), ("sheet", sheet)):
            if given is not None:
                raise click.UsageError(f"--{option} is for a TABLE; name one")
    try:
        launch(brought, port=port, browser=not no_browser, say=say)
    except OSError as error:
        raise click.UsageError(f"--port: {error}" if port else str(error)) from None
    return 0


def _write_page(path: Path) -> int:
    check_out(check_file_place, path, option="--page")
    require("llvmlite", extra="native", purpose="a page that trains")
    from ...playground.static_page import page

    content = page().encode()
    try:
        write_whole(path, content)
    except OSError as error:
        raise click.UsageError(f"--page: {error}") from None
    say(f"wrote {path}: {len(content):,} bytes")
    return 0


def _table(path: Path, target: str | None, encoding: str | None, sheet: str | None) -> Brought:
    """Return the rows of a file, with settings that suit them."""
    source = TableFile(path, encoding=encoding, sheet=sheet)
    if target is None:
        raise click.UsageError(f"{path}: say which column to predict: --target COLUMN")
    check_column("--target", target, source.names)
    read: Any = source.read()
    if len(read) > MOST_ROWS:
        raise click.UsageError(
            f"{path}: {len(read):,} rows; the playground takes {MOST_ROWS:,} at most"
        )
    columns = [
        ["" if x is None else str(x) for x in read[name].to_pylist()] for name in read.column_names
    ]
    rows, notes = read_columns(read.column_names, columns, target)
    for text in notes:
        note(f"note: {text}")
    return Brought(settings_for(rows, Settings()), rows)
