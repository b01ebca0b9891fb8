"""The command `adjoint explain`: the gradient of a function or a network, derived."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

import click

from ...errors import GradientMismatchError
from ...explanation.derivation.derivation import FILES, Derivation
from ...explanation.derivation.picture import Picture
from ...explanation.phrases import LANGUAGES
from ...files.rescue import check_file_place, check_folder_place
from ...tables.reading.table_file import TableFile
from .. import demo as demonstration
from ..demo_options import demo_options
from ..explained import of_demo, of_file, of_model
from ..options import ENCODING, SHEET, check_out
from ..terminal import say, say_lines

_DEFAULTS = demonstration.DemoSettings(batch_size=5, epochs=0)
# The demo's options that choose its network, data or training; a table has batches too.
_OF_THE_DEMO = tuple(each.name for each in fields(_DEFAULTS) if each.name != "batch_size")


@click.command(
    short_help="Derive a gradient step by step, with its numbers.",
    context_settings={"show_default": True},
)
@click.argument("subject", required=False)
@click.argument("table", required=False, type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(path_type=Path),
    default=Path("explained"),
    help=f"Folder for the files; or one file, whose name ends in {', '.join(FILES)}.",
)
@click.option(
    "--lang", type=click.Choice(sorted(LANGUAGES)), default="en", help="English or Chinese."
)
@click.option(
    "--entry",
    metavar="ENTRY",
    help="An entry of an input or a weight, as 'x[0]', to follow along all its paths to the "
    "value.  [default: layers[0].weight[1, 0] of the demo's network]",
)
@click.option(
    "--wrt",
    metavar="NAME,NAME,...",
    help="Arguments of a function to differentiate by, or all.  [default: the first]",
)
@ENCODING
@SHEET
@demo_options(_DEFAULTS)
@click.pass_context
def explain(
    context: click.Context,
    /,
    subject: str | None,
    table: Path | None,
    out: Path,
    lang: str,
    entry: str | None,
    wrt: str | None,
    encoding: str | None,
    sheet: str | None,
    **options: Any,
) -> int:
    """Write how a gradient comes about: every step, its rule and its numbers.

    SUBJECT is FILE.py or FILE.py:NAME, a function, a model or a tensor in a Python file; or the
    folder of a model of 'adjoint fit', with a TABLE of rows for it. Without SUBJECT it is the
    network of 'adjoint demo', on --batch-size of its points and after --epochs of training.

    \b
        def loss(w, x):
            return np.sum(np.tanh(x @ w))
        loss_inputs = np.ones(2), np.ones((3, 2))

    FILE is run. NAME_inputs, a tuple of arrays or a function of a numpy.random.Generator that
    returns one, is what NAME is called with; NAME_loss is the loss of a model.

    derivation.html is a page with the graph and every step; derivation.py does the same steps in
    NumPy, and fails if one of the printed numbers is wrong; graph.svg is the graph, with what each
    edge adds to a gradient.

    Exits with 2 if there is nothing that can be explained.
    """
    is_file = _is_file(out)
    check_out(check_file_place if is_file else check_folder_place, out)
    _check_use(context, subject, table)
    _check_kept(subject, table, _targets(out, alone=is_file))
    asked: dict[str, Any] = {"entry": entry, "lang": lang}
    try:
        if subject is None:
            derivation = of_demo(demonstration.DemoSettings(**options), **asked)
        elif table is not None:
            source = TableFile(table, encoding=encoding, sheet=sheet)
            derivation = of_model(Path(subject), source, options["batch_size"], **asked)
        else:
            names = [name.strip() for name in (wrt or "").split(",") if name.strip()]
            derivation = of_file(subject, wrt=names, **asked)
    except GradientMismatchError as error:
        raise click.ClickException(str(error)) from None
    for path in _write(derivation, out, alone=is_file):
        say(f"wrote {path}")
    say_lines(derivation.verdict)
    return 0


def _is_file(out: Path) -> bool:
    """Return whether --out is one file; refuse what looks like one that cannot be written."""
    suffix = out.suffix.lower()
    if suffix not in FILES and re.fullmatch(r"\.[a-z]{2,5}", suffix) and not out.is_dir():
        raise click.UsageError(
            f"--out: a derivation is written to a folder, or to a file that ends in "
            f"{', '.join(FILES)}, got {str(out)!r}"
        )
    return suffix in FILES


def _check_use(context: click.Context, subject: str | None, table: Path | None) -> None:
    """Refuse options that would be without effect, and a model without its table."""
    is_model = subject is not None and Path(subject).is_dir()
    if is_model and table is None:
        raise click.UsageError(f"{subject}: give a table too, as adjoint explain MODEL TABLE.csv")
    if table is not None and not is_model:
        raise click.UsageError(f"{table}: a table is for the folder of a model, not for {subject}")
    for option, reason in _without_effect(subject is not None, is_model):
        if context.get_parameter_source(option) is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"--{option.replace('_', '-')} is for {reason}", context)


def _without_effect(is_given: bool, is_model: bool) -> Iterator[tuple[str, str]]:
    """Yield the options that a subject does not have, and what they are for."""
    if is_given:
        yield from ((name, "the demo's network, without SUBJECT") for name in _OF_THE_DEMO)
    if is_given and not is_model:
        yield "batch_size", "the demo's network and for models, which have rows to choose from"
    if not is_model:
        yield from ((name, "the table of a model") for name in ("encoding", "sheet"))
    if not is_given or is_model:
        yield "wrt", "the functions of a file; a network has its parameters"


def _targets(out: Path, *, alone: bool) -> list[Path]:
    """Return the files to write a derivation to, beside its picture."""
    return [out] if alone else [out / "derivation.html", out / "derivation.py"]


def _check_kept(subject: str | None, table: Path | None, targets: Sequence[Path]) -> None:
    """Refuse to write over what is explained."""
    named = (subject or "", (subject or "").rpartition(":")[0], table or "")
    read = [Path(each) for each in named if Path(each).is_file()]
    for target in targets:
        if target.exists() and any(map(target.samefile, read)):
            raise click.UsageError(
                f"--out: {str(target)!r} is the file to explain, and would be written over; choose "
                "another place"
            )


def _write(derivation: Derivation, out: Path, *, alone: bool) -> Iterator[Path]:
    """Write the files and yield their paths."""
    if not alone:
        out.mkdir(parents=True, exist_ok=True)
    for path in _targets(out, alone=alone):
        derivation.save(path)
        yield path
    if alone:
        return
    picture = Picture(derivation)
    if picture.is_readable:
        picture.drawing().save(out / "graph.svg")
        yield out / "graph.svg"
