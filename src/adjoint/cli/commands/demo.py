"""The command `adjoint demo`: a small network on a toy data set."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from ...errors import require
from ...files.rescue import check_file_place, rescued
from .. import demo as demonstration
from ..demo_options import demo_options
from ..options import check_out
from ..terminal import say, say_json, shown

INTERRUPTED = 130


@click.command(
    short_help="Train a small network on a toy data set, and draw the result.",
    context_settings={"show_default": True},
)
@demo_options(demonstration.DemoSettings())
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    help="Folder for the pictures; made if it is not there.",
)
@click.option(
    "--page",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write a page that trains in a browser, and train nothing here.",
    show_default=False,
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print only a summary in JSON on standard output."
)
@click.pass_context
def demo(
    context: click.Context, /, out: Path, page: Path | None, as_json: bool, **options: Any
) -> int:
    """Train a small network on a toy data set, and draw the result.

    Prints the loss as it falls and the accuracy on the training points at the end, and writes the
    loss curve, the data and the decision boundary to the folder --out, as SVG and PNG. Ctrl-C ends
    the training early and draws what was reached.

    With --page it writes one file of HTML instead, on which whoever opens it can play the same
    training, pause it, take single steps and change the learning rate. It loads nothing.
    """
    settings = demonstration.DemoSettings(**options)
    if page is not None:
        return _write_page(context, settings, page, as_json=as_json)
    experiment = _prepare(context, settings, out)
    say = _Speaker(epochs=settings.epochs, aside=as_json)
    say.introduction(experiment)
    result = demonstration.train(experiment, report=say.loss, progress=True)
    with rescued(lambda place: _draw_elsewhere(result, place), out.name or "demo"):
        files = demonstration.draw(result, out)
    say.conclusion(result, files)
    if as_json:
        summary = {**result.summary(), "files": [str(path) for path in files]}
        say_json(summary, indent=2)
    return INTERRUPTED if result.history.interrupted else 0


def _write_page(
    context: click.Context, settings: demonstration.DemoSettings, path: Path, *, as_json: bool
) -> int:
    check_out(check_file_place, path, option="--page")
    from ...exporting.exported import export
    from ...exporting.refusal import ExportError

    try:
        done = export(demonstration.task(demonstration.prepare(settings)), path, to="html")
    except (ValueError, MemoryError, ExportError) as error:
        raise click.UsageError(str(error), context) from error
    if as_json:
        summary = {**asdict(settings), "files": [str(path)], "bytes": done.sizes["text"]}
        say_json(summary, indent=2)
    else:
        say(f"wrote {path}: {done.sizes['text']:,} bytes")
    return 0


def _draw_elsewhere(result: demonstration.Result, folder: Path) -> None:
    folder.mkdir()
    demonstration.draw(result, folder)


def _prepare(
    context: click.Context, settings: demonstration.DemoSettings, out: Path
) -> demonstration.Experiment:
    """Do first what may fail because of the user's input: the training after it takes long."""
    try:
        require("matplotlib", extra="plot", purpose="drawing the demo's pictures")
        experiment = demonstration.prepare(settings)
        demonstration.prepare_folder(out)
    except (ValueError, MemoryError) as error:
        raise click.UsageError(str(error), context) from error
    return experiment


class _Speaker:
    """Tells the user what happens, on standard error where standard output is for JSON."""

    def __init__(self, *, epochs: int, aside: bool) -> None:
        self.width = len(str(epochs))
        self.aside = aside

    def line(self, text: str) -> None:
        """Print a line above the progress bar, at once even into a pipe."""
        stream = sys.stderr if self.aside else sys.stdout
        tqdm.write(shown(text), file=stream)
        stream.flush()

    def introduction(self, experiment: demonstration.Experiment) -> None:
        settings, model = experiment.settings, experiment.model
        self.line(
            f"{settings.dataset}: {settings.samples:,} points; "
            f"MLP{model.sizes}, {settings.activation}; "
            f"batch size {settings.batch_size}, learning rate {settings.learning_rate:g}, "
            f"seed {settings.seed}"
        )

    def loss(self, epoch: int, loss: float) -> None:
        self.line(f"epoch {epoch:>{self.width}}  loss {loss:#.4g}")

    def conclusion(self, result: demonstration.Result, files: list[Path]) -> None:
        if result.history.interrupted:
            self.line("interrupted")
        self.line(
            f"accuracy {result.accuracy:.4f} on the training points "
            f"after {len(result.history):,} epochs, {result.seconds:.1f} s"
        )
        if result.trouble:
            self.line(result.trouble)
        for path in files:
            self.line(f"wrote {path}")
