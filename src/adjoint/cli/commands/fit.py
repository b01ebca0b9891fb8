"""The command `adjoint fit`: a network for a table."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ...errors import require
from ...files.rescue import check_file_place, check_folder_place, rescued
from ..fit_options import fit_options
from ..held_interrupt import Release, held_interrupt
from ..model_output import (
    Say,
    require_for_tables,
    say_model_json,
    summary,
    tabulate,
    teller,
    told_scores,
    trials,
)
from ..options import check_out
from ..terminal import note

if TYPE_CHECKING:
    from ...tables.trial import Trial
    from ..fit_request import FitRequest
    from ..fit_rows import FitRows

_NO_MODEL = "interrupted before a network was trained: there is no model yet"


@click.command(short_help="Train a network on a table.", context_settings={"show_default": True})
@click.argument("table", type=click.Path(path_type=Path))
@fit_options
def fit(**given: Any) -> int:
    """Train a network on TABLE: CSV, lines of JSON, Excel, Parquet or Arrow, or - for a pipe.

    It finds out what the columns are, holds rows out, scales, encodes, trains, and compares with
    simple models. The folder of the model has weights, a description in JSON and a report to open
    in a browser; it appears whole or not at all.
    """
    say = teller(given["as_json"])
    with _interrupts(given["checkpoint"], is_search=given["minutes"] is not None) as release:
        # Also what is imported here takes a while.
        require_for_tables()
        from ..fit_request import FitRequest

        request = FitRequest.of(given)
        rows = _read(request, say)
        trial = _trained(request, rows, release)
    _write(request, rows, trial, say)
    return 130 if trial.record.interrupted else 0


@contextlib.contextmanager
def _interrupts(checkpoint: Path | None, *, is_search: bool) -> Iterator[Release]:
    """Let an interrupt say that there is no model yet, unless it says what there is.

    It is held while a search has trials in a file, and is not ready to make a model of the best.
    """
    is_kept = checkpoint is not None and checkpoint.is_file()
    try:
        if is_kept and is_search:
            with held_interrupt(note) as release:
                yield release
        else:
            yield lambda: None
    except KeyboardInterrupt as error:
        kept = f"; {checkpoint} keeps what was done before" if is_kept else ""
        raise KeyboardInterrupt(str(error) or _NO_MODEL + kept) from None


def _read(request: FitRequest, say: Say) -> FitRows:
    """Return the rows; before they are read all is checked that may be wrong."""
    from ...tables.folder import check_free
    from ..fit_rows import FitRows

    check_out(lambda place: check_free(place, replace=request.force), request.out)
    check_out(check_folder_place, request.out.parent)
    if request.checkpoint is not None:
        check_out(check_file_place, request.checkpoint, option="--checkpoint")
    _require_for_fit(request.as_json)
    request.check()
    rows = FitRows.of(request)
    rows.tell(request, say)
    return rows


def _require_for_fit(as_json: bool) -> None:
    """Find out before the training whether the packages are there that its end needs."""
    require("safetensors.numpy", extra="cli", purpose="the folder of a model")
    require("matplotlib", extra="plot", purpose="the report's drawings")
    if not as_json:
        tabulate()


def _trained(request: FitRequest, rows: FitRows, release: Release) -> Trial:
    """Return what was trained; from here on an interrupt that was held ends it."""
    from ...tables.trial import run
    from ...training.saving import Saving

    search = request.search()
    kept = None if search is not None else request.checkpoint
    with _suitable_threads(rows.parts.rows):
        return run(
            rows.encoder,
            rows.target,
            rows.parts,
            request.settings,
            progress=True,
            say=note,
            checkpoint=None if kept is None else Saving(kept),
            folds=rows.folds,
            search=None if search is None else replace(search, begins=release),
        )


def _suitable_threads(rows: int) -> contextlib.AbstractContextManager[object]:
    """Let BLAS work in one thread where a table is small.

    Its threads wait for each other in a loop: for products that take microseconds they take the
    time of all cores, and much longer where others need these too.
    """
    from threadpoolctl import threadpool_limits

    from ...tables.exchange import MANY_ROWS

    is_small = rows < MANY_ROWS
    return threadpool_limits(1, user_api="blas") if is_small else contextlib.nullcontext()


def _write(request: FitRequest, rows: FitRows, trial: Trial, say: Say) -> None:
    """Write the folder of the model, and say what is in it."""
    from ...tables.folder import NO_REPORT, save_model
    from ...tables.report import write_report

    out, model = request.out, trial.model
    with (
        _suitable_threads(rows.parts.rows),
        rescued(lambda place: save_model(model, place, report=NO_REPORT), out.name),
    ):
        report = write_report(trial, request.table.name)
        save_model(model, out, report=report, replace=request.force)
    if request.as_json:
        say_model_json({"out": str(out), **summary(model)})
        return
    for told in _told(request, rows, trial):
        say(told)


def _told(request: FitRequest, rows: FitRows, trial: Trial) -> Iterator[str]:
    """Yield the lines that are printed of a model that was written."""
    from ...tables.folder import REPORT

    record, out = trial.record, request.out
    if record.search is not None and record.search.trials:
        yield from trials(record.search)
    yield from told_scores(record, record.rows["test"])
    yield from (*record.split[len(rows.parts.split) :], *record.verdict)
    if request.settings.reproducible:
        yield f"sha256 of weights and losses: {record.sha256}"
    yield f"wrote {out}: weights, description, report.html"
    yield (
        f"next: adjoint predict {_quoted(out)} MORE.csv --out predictions.csv, and open "
        f"{_quoted(out / REPORT)}"
    )


def _quoted(path: Path) -> str:
    return shlex.quote(str(path))
