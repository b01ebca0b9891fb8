"""The command `adjoint show`: a model in a folder, described."""

from __future__ import annotations

from pathlib import Path

import click

from ..model_output import load_model, say_model_json, show_columns, summary, told_scores
from ..options import JSON
from ..terminal import say


@click.command(short_help="Describe a model.")
@click.argument("model", type=click.Path(path_type=Path))
@JSON
def show(model: Path, as_json: bool) -> int:
    """Print the network in the folder MODEL, what it reads, and how it was trained."""
    found = load_model(model)
    if as_json:
        say_model_json(summary(found))
        return 0
    say(f"predicts {found.target.name}: {', '.join(found.target.labels) or found.target}")
    say(repr(found.network))
    show_columns(found.encoder, say)
    record = found.record
    if record is None:
        say("how it was trained is not known: it was kept before its end was reached")
        return 0
    rows = record.rows
    say(
        f"trained on {rows['train']:,} rows for {len(record.loss)} epochs in "
        f"{record.seconds:.1f} s; the weights are those of epoch {record.best_epoch}"
    )
    for sentence in record.split:
        say(sentence)
    for told in told_scores(record, rows["test"]):
        say(told)
    for sentence in record.verdict:
        say(sentence)
    return 0
