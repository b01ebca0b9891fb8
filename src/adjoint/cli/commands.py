"""The commands, as click parses them; what they do is elsewhere."""

from __future__ import annotations

import contextlib
import json
import sys
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from ..data.datasets import DATASETS
from ..errors import require
from ..explanation.derivation.explain import explain as derive
from ..explanation.drawing.draw import draw
from ..explanation.review.report import SCHEMA
from ..explanation.review.source_file import SourceFileError, review_file
from ..files.rescue import check_folder_place, rescued
from ..files.whole_file import write_whole
from ..nn import ACTIVATIONS
from ..version import __version__
from . import demo as demonstration
from .table_commands import COMMANDS, as_sizes, check_out

DEFAULTS = demonstration.DemoSettings()
INTERRUPTED = 130


class Missing(click.ClickException):
    """An optional dependency is not installed: the user's to mend, like wrong usage."""

    exit_code = 2


class Unusable(click.ClickException):
    """A file does not have what a command needs of it."""

    exit_code = 2


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="adjoint")
@click.pass_context
def adjoint(context: click.Context) -> None:
    """Automatic differentiation and small neural networks on NumPy."""
    if context.invoked_subcommand is None:
        click.echo(context.get_help())


for command in COMMANDS:
    adjoint.add_command(command)


@adjoint.command(
    short_help="Derive the gradient of the demo's network, with its numbers.",
    context_settings={"show_default": True},
)
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("explained"),
    help="Folder for the files.",
)
@click.option("--batch-size", type=click.IntRange(1, 100), default=5, help="Points in the batch.")
@click.option("--entry", default="layers[0].weight[1, 0]", help="The weight to follow to the loss.")
@click.option("--seed", type=click.IntRange(0), default=0, help="Of the points and the weights.")
def explain(out: Path, batch_size: int, entry: str, seed: int) -> int:
    """Write how the gradient of the demo's network comes about on one batch.

    derivation.html is a page with every step, its rule and its numbers; derivation.py does the
    same steps in NumPy, and fails if one of the printed numbers is wrong; graph.svg is a picture of
    the graph, with what each edge adds to a gradient.
    """
    check_out(check_folder_place, out)
    settings = demonstration.DemoSettings(samples=batch_size, batch_size=batch_size, seed=seed)
    experiment = demonstration.prepare(settings)
    try:
        derivation = derive(
            experiment.model, experiment.X, experiment.y, loss="cross_entropy", entry=entry
        )
    except (ValueError, IndexError) as error:
        raise click.UsageError(f"--entry: {error}") from None
    picture = draw(experiment.model, experiment.X, experiment.y, loss="cross_entropy")
    texts = {
        "derivation.html": derivation.html(),
        "derivation.py": derivation.script(),
        "graph.svg": picture.svg(),
    }
    out.mkdir(parents=True, exist_ok=True)
    for name, text in texts.items():
        path = out / name
        write_whole(path, text.encode())
        click.echo(f"wrote {click.format_filename(path)}")
    return 0


@adjoint.command(
    short_help="Train a small network on a toy data set, and draw the result.",
    context_settings={"show_default": True},
)
@click.option(
    "--dataset",
    type=click.Choice(sorted(DATASETS)),
    default=DEFAULTS.dataset,
    help="Points to classify.",
)
@click.option("--samples", type=int, default=DEFAULTS.samples, help="Number of points.")
@click.option(
    "--noise",
    type=float,
    default=None,
    help="Standard deviation of the points' noise.  [default: the data set's own]",
)
@click.option(
    "--hidden",
    callback=as_sizes,
    default=",".join(map(str, DEFAULTS.hidden)),
    metavar="N,N,...",
    help="Units of each hidden layer.",
)
@click.option(
    "--activation",
    type=click.Choice(sorted(ACTIVATIONS)),
    default=DEFAULTS.activation,
    help="Activation of the hidden layers.",
)
@click.option(
    "--learning-rate",
    type=float,
    default=DEFAULTS.learning_rate,
    help="Step length of gradient descent.",
)
@click.option("--batch-size", type=int, default=DEFAULTS.batch_size, help="Points per step.")
@click.option("--epochs", type=int, default=DEFAULTS.epochs, help="Passes over the data.")
@click.option(
    "--seed",
    type=int,
    default=DEFAULTS.seed,
    help="Of the data, the first weights and the batches.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("demo"),
    help="Folder for the pictures; made if it is not there.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print only a summary in JSON on standard output."
)
@click.pass_context
def demo(context: click.Context, /, out: Path, as_json: bool, **options: Any) -> int:
    """Train a small network on a toy data set, and draw the result.

    Prints the loss as it falls and the accuracy on the training points at the end, and writes the
    loss curve, the data and the decision boundary to the folder --out, as SVG and PNG. Ctrl-C ends
    the training early and draws what was reached.
    """
    settings = demonstration.DemoSettings(**options)
    experiment = _prepare(context, settings, out)
    say = _Speaker(epochs=settings.epochs, aside=as_json)
    say.introduction(experiment)
    result = demonstration.train(experiment, report=say.loss, progress=True)
    with rescued(lambda place: _draw_elsewhere(result, place), out.name or "demo"):
        files = demonstration.draw(result, out)
    say.conclusion(result, files)
    if as_json:
        summary = {**result.summary(), "files": [str(path) for path in files]}
        click.echo(json.dumps(summary, indent=2, allow_nan=False))
    return INTERRUPTED if result.history.interrupted else 0


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
    except ImportError as error:
        raise Missing(str(error)) from error
    except (ValueError, MemoryError) as error:
        raise click.UsageError(str(error), context) from error
    return experiment


@adjoint.command(short_help="Review the hand-written backward passes of a Python file.")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--json", "as_json", is_flag=True, help="Print only the reviews in JSON on standard output."
)
def check(file: Path, as_json: bool) -> int:
    """Review the hand-written backward passes of a Python file.

    FILE is run, and says by three names what is reviewed: the functions forward and backward, and
    inputs, the tuple of arrays to call them with (or a function of a numpy.random.Generator that
    returns it).

    \b
        import numpy as np
        def forward(x, W):
            return x @ W
        def backward(g, x, W):
            return g @ W.T, x.T @ g
        inputs = np.ones((5, 2)), np.ones((2, 3))

    NAME_forward, NAME_backward and NAME_inputs name one pair of several; a layer NAME, an object or
    a class with methods forward and backward, needs NAME_inputs alone.

    Exits with 0 if all are right, 1 if one is wrong, 2 if FILE cannot be run or names nothing.
    """
    # What the file itself prints is not part of the JSON.
    with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
        try:
            reviews = review_file(file)
        except SourceFileError as error:
            raise Unusable(str(error)) from error
    right = all(reviews)
    if as_json:
        found = [review.to_dict() for review in reviews]
        summary = {"schema": SCHEMA, "file": str(file), "right": right, "reviews": found}
        click.echo(json.dumps(summary, indent=2, allow_nan=False))
    else:
        click.echo("\n\n".join(map(str, reviews)))
    return 0 if right else 1


class _Speaker:
    """Tells the user what happens, on standard error where standard output is for JSON."""

    def __init__(self, *, epochs: int, aside: bool) -> None:
        self.width = len(str(epochs))
        self.aside = aside

    def line(self, text: str) -> None:
        """Print a line above the progress bar, at once even into a pipe."""
        stream = sys.stderr if self.aside else sys.stdout
        tqdm.write(text, file=stream)
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
        for path in files:
            self.line(f"wrote {click.format_filename(path)}")
