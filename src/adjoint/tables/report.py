"""A report is a page that says how a model was trained and how good it is; it loads nothing."""

from __future__ import annotations

import html
import math
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import require
from ..plots import LossCurveDisplay, ResidualsDisplay
from ..plots.two_schemes import svg_in_two_schemes
from .trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .encoder import Encoder
    from .record import Record


# More classes than this make no table that could be read.
_MOST_CLASSES = 12
_MOST_POINTS = 2000
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --bar: #7b68ee; --faint: #8882; }
body { font: 16px/1.5 Georgia, serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }
h1, h2 { font-weight: normal; } h2 { border-bottom: 1px solid var(--line); margin-top: 2rem; }
.scroll { overflow-x: auto; } table { border-collapse: collapse; }
td, th { padding: .2rem .7rem; text-align: right; border-bottom: 1px solid var(--line); }
td:first-child, th:first-child { text-align: left; }
.words td, .words th, td:has(.bar) { text-align: left; }
.bar { display: inline-block; height: .7em; background: var(--bar); }
figure { margin: 1rem 0; overflow-x: auto; }
figure svg { width: 100%; min-width: 30rem; height: auto; display: block; }
@media print {
  figure { break-inside: avoid; } figure svg { min-width: 0; } h2 { break-after: avoid; }
}
footer { margin-top: 3rem; font-size: 85%; opacity: .75; }
""".strip()


def write_report(trial: Trial, source: str) -> str:
    """Return the page: scores, curves, what is confused or left over, what columns matter.

    Parameters
    ----------
    trial : Trial
    source : str
        What the table is called.
    """
    model, record = trial.model, trial.record
    target, rows = model.target, record.rows
    what = f"{len(target.labels)} classes" if target.labels else "a number"
    parts = [
        f"<h1>Predicting {_text(target.name)}</h1>",
        f"<p>A network that predicts {what} from {len(model.encoder.columns)} columns of "
        f"{_text(source)}: trained on {rows['train']:,} rows in {record.seconds:.1f} s, stopped "
        f"by {rows['validation']:,} others, and scored on {rows['test']:,} that it never saw.</p>",
        _section("Scores on the rows held out", metrics_table(record.metrics)),
        *(f"<p>{_text(sentence)}</p>" for sentence in record.verdict),
        _section("Losses", _losses(record)),
        _section(*_outcome(trial)),
        _section("What each column is worth", _importances(record.importance)),
        _section("What the columns were taken for", _columns(model.encoder)),
        f"<footer>network {model.design.sizes}, settings {_text(record.settings)}</footer>",
    ]
    title = _text(target.name)
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>\n{_STYLE}\n</style>\n</head>\n<body>\n"
        + "\n".join(parts)
        + "\n</body>\n</html>\n"
    )


def metrics_table(metrics: Mapping[str, Mapping[str, float]]) -> str:
    """Return scores as a table of HTML."""
    names = list(next(iter(metrics.values())))
    lines = [[name, *(_score(scores[key]) for key in names)] for name, scores in metrics.items()]
    return _table(["", *names], lines)


def _score(value: float) -> str:
    return "" if math.isnan(value) else f"{value:.4f}"


def _outcome(trial: Trial) -> tuple[str, str]:
    target = trial.model.target
    if target.task == "regression":
        return "What is left over", _figure("residuals", lambda ax: _residuals(ax, trial))
    count = len(target.labels)
    if count > _MOST_CLASSES:
        return "What is confused", f"<p>{count} classes are too many for a table.</p>"
    confused = np.zeros((count, count), int)
    np.add.at(confused, (trial.held_y, trial.held_outputs.argmax(axis=1)), 1)
    share = confused / np.maximum(confused.sum(axis=1, keepdims=True), 1)
    lines = [
        [_text(label), *(_cell(n, part) for n, part in zip(row, parts, strict=True))]
        for label, row, parts in zip(target.labels, confused.tolist(), share, strict=True)
    ]
    head = ["true \\ predicted", *map(_text, target.labels)]
    return "What is confused", _table(head, lines, kind="markup")


def _cell(count: int, share: float) -> str:
    colour = f"background: color-mix(in srgb, var(--bar) {60 * share:.0f}%, transparent)"
    return f'<span style="display: block; padding: 0 .4rem; {colour}">{count:,}</span>'


def _residuals(ax: Axes, trial: Trial) -> None:
    found, y = trial.held_outputs[:_MOST_POINTS], trial.held_y[:_MOST_POINTS]
    ResidualsDisplay.from_predictions(y, found, ax=ax)


def _losses(record: Record) -> str:
    if not record.loss:
        return "<p>No epoch was finished.</p>"

    def draw(ax: Axes) -> None:
        LossCurveDisplay.from_values(record.loss, validation_loss=record.val_loss or None, ax=ax)

    best = record.best_epoch
    told = f"of epoch {best}" if best else "that it started with, a linear model"
    return _figure("losses", draw) + f"<p>The weights are those {told}.</p>"


def _figure(name: str, draw: Callable[[Any], None]) -> str:
    """Return a drawing as SVG, in the page's own colours."""
    require("matplotlib", extra="plot", purpose="the report's drawings")
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    draw(figure.subplots())
    return f"<figure>{svg_in_two_schemes(figure, name=name, transparent=True)}</figure>"


def _importances(found: dict[str, float]) -> str:
    top = max([*found.values(), 1e-9])
    lines = [
        [
            _text(name),
            f"{value:+.4f}",
            f'<span class="bar" style="width: {max(value, 0) / top * 10:.2f}rem"></span>',
        ]
        for name, value in found.items()
    ]
    about = "<p>By how much the score falls where a column's values change rows.</p>"
    return about + _table(["column", "fall", ""], lines, kind="markup")


def _columns(encoder: Encoder) -> str:
    read = [[column.name, str(column)] for column in encoder.columns]
    left = [[name, f"not read: {reason}"] for name, reason in encoder.ignored.items()]
    return _table(["column", "taken for"], [*read, *left], kind="words")


def _section(title: str, body: str) -> str:
    return f"<h2>{title}</h2>\n{body}"


def _table(head: Sequence[str], lines: Sequence[Sequence[str]], *, kind: str = "numbers") -> str:
    """Return a table of HTML; of kind "markup" the cells are HTML themselves."""

    def row(cells: Sequence[str], tag: str) -> str:
        texts = cells if kind == "markup" else [_text(cell) for cell in cells]
        return "<tr>" + "".join(f"<{tag}>{cell}</{tag}>" for cell in texts) + "</tr>"

    body = "\n".join(row(line, "td") for line in lines)
    table = f'<table class="{kind}">\n{row(head, "th")}\n{body}\n</table>'
    return f'<div class="scroll">{table}</div>'


def _text(value: object) -> str:
    return html.escape(str(value))
