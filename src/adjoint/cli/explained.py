"""What `adjoint explain` explains: the demo's network, a model on a table, or what a file names.

Models are imported when a command runs: scikit-learn alone takes half a second.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import click
import numpy as np

from ..errors import suggestion
from ..explanation.derivation.derivation import Derivation
from ..explanation.derivation.explain import explain
from ..explanation.derivation.source_file import explain_file
from ..explanation.users_file import SourceFileError
from ..tables.reading.table_file import TableFile
from . import demo as demonstration
from .model_output import load_model, show_treated
from .unusable import Unusable

# A derivation of more rows than this is nothing that one can read.
MOST_ROWS = 100


def of_demo(settings: demonstration.DemoSettings, *, entry: str | None, lang: str) -> Derivation:
    """Return the derivation of the demo's network on one batch of its points.

    It is trained before if the settings have epochs.
    """
    is_trained = settings.epochs != 0
    try:
        experiment = demonstration.prepare(settings if is_trained else replace(settings, epochs=1))
    except (ValueError, MemoryError) as error:
        raise click.UsageError(str(error)) from error
    _check_rows(settings.batch_size)
    if is_trained:
        demonstration.train(experiment, progress=True)
    rows = np.random.default_rng(settings.seed).permutation(settings.samples)
    rows = rows[: settings.batch_size]
    batch = experiment.X[rows], experiment.y[rows]
    entry = entry or "layers[0].weight[1, 0]"
    return _of_network(experiment.model, batch, loss="cross_entropy", entry=entry, lang=lang)


def of_model(
    folder: Path, source: TableFile, count: int, *, entry: str | None, lang: str
) -> Derivation:
    """Return that of a model's loss on the first rows of a table that have a target."""
    _check_rows(count)
    model = load_model(folder)
    model.encoder.check(source.names, source)
    target, treated = model.target, Counter[str]()
    for name in target.names:
        if name not in source.names:
            raise click.UsageError(f"{source}: no column {name!r}, the target of the model")
    for block in source.blocks():
        y, known = target.of(block)
        rows = np.flatnonzero(known)[:count]
        if len(rows):
            break
    else:
        raise click.UsageError(f"{source}: no row has a target that the model knows")
    X = model.encoder.encode(block.take(rows), treated)
    show_treated(treated)
    model.network.eval()  # dropout would leave out other units each time
    y = target.as_trained(y[rows])
    y = y.astype(X.dtype) if y.dtype.kind == "f" else y
    return _of_network(model.network, (X, y), loss=target.loss, entry=entry, lang=lang)


def of_file(subject: str, *, wrt: Sequence[str], entry: str | None, lang: str) -> Derivation:
    """Return that of FILE.py, or of FILE.py:NAME."""
    path, name = _path_and_name(subject)
    try:
        return explain_file(path, name, wrt=wrt, entry=entry, lang=lang)
    except SourceFileError as error:
        raise Unusable(str(error)) from error


def _check_rows(count: int) -> None:
    if not 1 <= count <= MOST_ROWS:
        raise click.UsageError(
            f"--batch-size must be from 1 to {MOST_ROWS}, got {count}: a derivation of more rows "
            "cannot be read"
        )


def _of_network(model: Any, batch: tuple[Any, ...], **asked: Any) -> Derivation:
    try:
        return explain(model, *batch, **asked)
    except (ValueError, IndexError) as error:
        told = str(error).removeprefix("explain: ")
        raise click.UsageError(f"--entry: {told}" if asked["entry"] else told) from None


def _path_and_name(subject: str) -> tuple[Path, str | None]:
    """Return the file, and the name behind a colon if there is one."""
    path, colon, name = subject.rpartition(":")
    if Path(subject).is_file():
        return Path(subject), None
    if colon and Path(path).is_file():
        return Path(path), name or None
    asked = Path(path if colon and path.endswith(".py") else subject)
    near = suggestion(asked.name, [each.name for each in asked.parent.glob("*.py")])
    raise click.UsageError(
        f"{asked}: no such file or folder; expected FILE.py, FILE.py:NAME, or the folder of a "
        f"model and a table{near}"
    )
