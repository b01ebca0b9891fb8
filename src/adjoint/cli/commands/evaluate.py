"""The command `adjoint evaluate`: the scores of a model on a table."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path

import click
import numpy as np

from ...tables.reading.table_file import TableFile
from ..model_output import load_model, say_model_json, show_treated, tabulate, told_scores
from ..options import ENCODING, JSON, SHEET
from ..terminal import note, say


@click.command(short_help="Score a model on a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("table", type=click.Path(path_type=Path))
@ENCODING
@SHEET
@JSON
def evaluate(
    model: Path, table: Path, encoding: str | None, sheet: str | None, as_json: bool
) -> int:
    """Score MODEL on the rows of TABLE that have a target."""
    network, source = load_model(model), TableFile(table, encoding=encoding, sheet=sheet)
    network.encoder.check(source.names, table)
    if not as_json:
        tabulate()
    from ...tables.scored import scored_as
    from ...tables.splitting import group_names, numbered

    target, treated = network.target, Counter[str]()
    for name in target.names:
        if name not in source.names:
            raise click.UsageError(f"{table}: no column {name!r}, the target, to compare with")
    settings = network.record.settings if network.record else None
    by = settings.split_by if settings and settings.split_by in source.names else None
    pairs, seen = [], 0
    groups: list[str | None] = []
    for block in source.blocks():
        y, known = target.of(block)
        unknown = int((~known).sum())
        if unknown:
            treated[f"{target.name}: missing or unknown, not scored"] += unknown
        X = network.encoder.encode(block, treated)[known]
        seen += network.fingerprints.count(X, y[known]) if network.fingerprints else 0
        pairs.append((network.outputs(X), y[known]))
        if by is not None:
            groups += group_names(block[by], known)
    if not any(len(y) for _, y in pairs):
        raise click.UsageError(f"{table}: no row has a target to compare with")
    outputs, y = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    chosen = settings.compared_by if settings else None
    found = scored_as(
        target, {"network": outputs}, y, numbered(groups) if by else None, metric=chosen
    )
    show_treated(treated)
    if seen:
        note(
            f"{seen:,} of these {len(y):,} rows are equal to rows that it was trained on: its "
            "scores on others may be worse"
        )
    if as_json:
        told = {
            "rows": len(y),
            "trained_on": seen,
            "metrics": found.metrics["network"],
            "headline": found.headline,
            "interval": found.intervals.get("network", [np.nan, np.nan]),
            "treated": treated,
        }
        if found.by_target:
            told["by_target"] = {name: asdict(one) for name, one in found.by_target.items()}
        if found.coverage:
            told["coverage"] = found.coverage
        say_model_json(told)
    else:
        for line in told_scores(found, len(y)):
            say(line)
    return 0
