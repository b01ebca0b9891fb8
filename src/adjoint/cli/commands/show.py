"""The command `adjoint show`: a model in a folder, described."""

from __future__ import annotations

import json
from pathlib import Path

import click

from ..model_output import load_model, scores, show_columns, summary
from ..options import JSON


@click.command(short_help="Describe a model.")
@click.argument("model", type=click.Path(path_type=Path))
@JSON
def show(model: Path, as_json: bool) -> int:
    """Print the network in the folder MODEL, what it reads, and how it was trained."""
    found = load_model(model)
    if as_json:
        click.echo(json.dumps(summary(found)))
        return 0
    click.echo(f"predicts {found.target.name}: {', '.join(found.target.labels) or 'a number'}")
    click.echo(repr(found.network))
    show_columns(found.encoder, click.echo)
    record = found.record
    if record is None:
        click.echo("how it was trained is not known: it was kept before its end was reached")
        return 0
    rows = record.rows
    click.echo(
        f"trained on {rows['train']:,} rows for {len(record.loss)} epochs in "
        f"{record.seconds:.1f} s; the weights are those of epoch {record.best_epoch}"
    )
    click.echo(scores(record.metrics, rows["test"]))
    return 0
