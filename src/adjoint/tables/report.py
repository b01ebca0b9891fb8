"""A report is a page that says how a model was trained and how good it is; it loads nothing."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..plots import LossCurveDisplay, style
from .dependence import Dependence, dependence
from .outcomes import MOST_TARGETS, can_be_drawn, outcomes
from .page import figure, page, paragraph, section, table, text
from .score_text import score_text
from .targets import AnyTarget, Targets
from .trial import Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from .encoder import Encoder
    from .record import Record
    from .scored import Scored


# More curves than this cannot be told apart.
_MOST_CURVES = 5
_MOST_COLUMNS = 200
_PANELS = 4
_MOST_TRIALS = 12
# More letters below a panel have to be turned so as not to cover each other.
_MOST_LETTERS = 30
_POINTS: dict[str, Any] = {"marker": "o", "linestyle": ""}


def write_report(trial: Trial, source: str) -> str:
    """Return the page: data, verdict, scores, what goes wrong, what the columns do, how to go on.

    Parameters
    ----------
    trial : Trial
    source : str
        What the table is called.
    """
    model, record = trial.model, trial.record
    target = model.target
    parts = [
        f"<h1>Predicting {text(target.name)}</h1>",
        _data(trial, source),
        '<div class="verdict">' + "\n".join(map(paragraph, record.verdict)) + "</div>",
        section("Scores on the rows held out", metrics_table(record)),
        *(section(*each) for each in outcomes(trial)),
        *(section(*each) for each in _dependences(trial)),
        section("What each column is worth", _importances(record)),
        section("The training", _training(trial)),
        section("What was tried before", _trials(record)),
        section("How to predict", _how_to_predict(trial)),
        section("What the columns were taken for", _columns(model.encoder)),
        f"<footer>Written by adjoint fit, with seed {record.settings.seed}.</footer>",
    ]
    return page(target.name, [part for part in parts if part])


def _data(trial: Trial, source: str) -> str:
    """Say what the rows were, and how they were parted."""
    model, rows = trial.model, trial.record.rows
    encoder, target = model.encoder, model.target
    folds = trial.record.settings.folds
    total = sum(count for name, count in rows.items() if name != "test" or not folds)
    unseen = ", by other networks that never saw them" if folds else " that they never saw"
    if target.labels:
        shown = ", ".join(target.labels[:8]) + (", …" if len(target.labels) > 8 else "")
        what = f"one of {len(target.labels)} classes ({shown})"
    else:
        what = str(target)
    ignored = len(encoder.ignored)
    are = "is" if ignored == 1 else "are"
    left = f"; {ignored} more {are} not read, for reasons given below" if ignored else ""
    return paragraph(
        f"{source}: {total:,} rows with a target, {what}, which is predicted from "
        f"{len(encoder.columns)} columns{left}. The networks were trained on {rows['train']:,} "
        f"rows, {rows.get('validation', 0):,} told them when to stop, and the scores are of "
        f"{rows['test']:,}{unseen}."
    ) + "".join(map(paragraph, trial.record.split))


def metrics_table(record: Record) -> str:
    """Return scores as a table of HTML, the chosen one with its interval."""
    whole = _scores(record)
    for name, each in record.by_target.items():
        whole += paragraph(f"Of {name}:") + _scores(each)
    settings = record.settings
    others = f"values of {settings.split_by!r}" if settings.split_by else "rows of the same kind"
    about = f"On other {others} the score would lie within the bounds beside it, 19 times in 20."
    if settings.time:
        about += " That is so if what is predicted does not change with time."
    return whole + (paragraph(about) if record.intervals else "")


def _scores(record: Record | Scored) -> str:
    names = list(next(iter(record.metrics.values())))
    head = [""]
    lines = [[model] for model in record.metrics]
    for name in names:
        head.append(name.replace("_", " "))
        for line, scores in zip(lines, record.metrics.values(), strict=True):
            line.append(score_text(name, scores[name]))
        if record.intervals and name == record.headline:
            head.append("19 times in 20")
            for line, model in zip(lines, record.metrics, strict=True):
                bounds = record.intervals[model]
                line.append(" to ".join(score_text(name, bound) for bound in bounds))
    return table(head, lines)


# --- what the columns do --------------------------------------------------------------------------


def _dependences(trial: Trial) -> list[tuple[str, str]]:
    """Return titles and drawings of what is predicted by the values of the foremost columns."""
    model, target = trial.model, trial.model.target
    if not len(trial.held_X) or not can_be_drawn(trial.held_outputs):
        return []
    names = list(trial.record.importance)[:_PANELS]
    found = [dependence(model, trial.held_X, name) for name in names]
    found = [one for one in found if can_be_drawn(one.column.quantiles, one.outputs)]
    if not found:
        return []
    title = "What the prediction depends on"
    if not isinstance(target, Targets):
        return [(title, _dependence_drawn(trial, found))]
    each = [
        (f"What the prediction of {name} depends on", [one.of_output(k) for one in found])
        for k, name in enumerate(target.names[:MOST_TARGETS])
    ]
    return [
        (title, _dependence_drawn(trial, own, name=f"dependence{k}"))
        for k, (title, own) in enumerate(each)
    ]


def _dependence_drawn(trial: Trial, found: list[Dependence], *, name: str = "dependence") -> str:
    target = trial.model.target
    curves = target.labels or [f"quantile {level:.4g}" for level in target.quantiles]
    rows = -(-len(found) // 2)

    def draw(drawing: Any) -> None:
        # One scale for all, so that a column that matters little looks so.
        shape = (rows, 2 if len(found) > 1 else 1)
        panels = drawing.subplots(*shape, squeeze=False, sharey=True).ravel()
        for panel, one in zip(panels, found, strict=False):
            _draw_dependence(panel, one, curves, _shown(one.outputs, target))
        for panel in panels[1::2]:  # beside one with the same scale
            panel.set_ylabel("")
        for panel in panels[len(found) :]:
            panel.set_axis_off()
        _add_legend(drawing, panels)

    where = "rows that it was trained on" if trial.record.settings.folds else "rows held out"
    what = "chance the class has" if target.labels else "the prediction is"
    about = (
        f"What {what} on average over {where}, if one column had this value in all of them and "
        "the others stayed as they are. Where columns hang together, such rows may not exist."
    )
    return figure(name, draw, height=3.2 * rows) + paragraph(about)


def _shown(outputs: Array, target: AnyTarget) -> list[int]:
    """Return which outputs are drawn: of two classes one, of many those that vary most."""
    count = outputs.shape[1]
    if target.quantiles:
        places = np.linspace(0, count - 1, min(count, _MOST_CURVES))
        return [round(place) for place in places.tolist()]
    if len(target.labels) == 2:
        return [1]
    return sorted(np.argsort(-np.ptp(outputs, axis=0))[:_MOST_CURVES].tolist())


def _add_legend(drawing: Any, panels: Sequence[Axes]) -> None:
    """Add one legend above all panels, which covers none of their curves."""
    curves = [line for panel in panels for line in panel.lines]
    keys = {(str(line.get_color()), str(line.get_label())): line for line in curves}
    if len(keys) > 1:
        place = {"loc": "outside upper center", "ncols": min(len(keys), _MOST_CURVES)}
        legend = drawing.legend(handles=list(keys.values()), fontsize=9, **place)
        style.set_letters(*legend.get_texts())


def _draw_dependence(
    ax: Axes, one: Dependence, curves: Sequence[str], shown: Sequence[int]
) -> None:
    """Draw the curves of one column."""
    is_category = one.column.kind == "category"
    is_time = one.column.dates is not None and one.column.dates.is_time
    x: Any = np.arange(len(one.values)) if is_category else one.values
    if is_time:  # matplotlib draws moments, but no times of a day
        x = [datetime.combine(date(1970, 1, 1), value) for value in one.values]
    for place, k in enumerate(shown):
        label = style.as_words(curves[k], 20) if curves else None
        look: dict[str, Any] = {"color": style.colour(k, ax), "label": label}
        # Beside each other, so that none of equal height is hidden.
        aside = 0.12 * (place - (len(shown) - 1) / 2) if is_category else None
        own = x if aside is None else x + aside
        ax.plot(own, one.outputs[:, k], **look, **(_POINTS if is_category else {}))
    ylabel = ""
    if curves and one.outputs.shape[1] == 2 and len(shown) == 1:
        ylabel = f"chance of {style.as_words(curves[shown[0]], 20)}"
    style.dress(ax, title="", xlabel=style.as_words(one.column.name, 30), ylabel=ylabel)
    ax.tick_params(labelsize=10)
    if is_category:
        names = [style.as_words(level, 14) for level in one.values]
        ax.set_xticks(x, names)
        ax.set_xlim(-0.5, len(x) - 0.5)
    elif one.column.kind == "number":
        ax.locator_params(axis="x", nbins=5)
    elif is_time:
        from matplotlib.dates import DateFormatter

        ax.xaxis.set_major_formatter(DateFormatter("%H:%M"))  # type: ignore[no-untyped-call]
    is_crowded = is_category and sum(map(len, names)) > _MOST_LETTERS
    if is_crowded or one.column.kind == "date":
        ax.tick_params(axis="x", labelrotation=35)


def _importances(record: Record) -> str:
    found = dict(list(record.importance.items())[:_MOST_COLUMNS])
    top = max([*found.values(), 1e-9])
    lines = [
        [
            text(name),
            score_text(record.headline, value, sign="+"),
            f'<span class="bar" style="width: {max(value, 0) / top * 10:.2f}rem"></span>',
        ]
        for name, value in found.items()
    ]
    score = record.headline.replace("_", " ") or "the score"
    about = f"By how much {score} gets worse where a column's values change rows."
    left = len(record.importance) - len(found)
    more = paragraph(f"{left:,} others are worth less.") if left else ""
    return paragraph(about) + table(["column", "", ""], lines, kind="markup") + more


# --- the training, and what comes after it --------------------------------------------------------


def _training(trial: Trial) -> str:
    record, network = trial.record, trial.model.network
    design, count = trial.model.design, len(network.members)
    weights = sum(parameter.size for parameter in network.parameters())
    hidden = " and ".join(map(str, design.sizes[1:-1])) or "no"
    answer = f"{count} networks answer together by their mean" if count > 1 else "It is one network"
    settings = record.settings
    batch = settings.batch_size_for(record.rows["train"])
    told = (
        f"{answer}, each with {hidden} hidden units and a linear model beside them; {weights:,} "
        f"weights in all, trained in {record.seconds:.1f} s by AdamW, {batch} rows a step, with a "
        f"first step length of {settings.learning_rate:g}."
    )
    if not record.loss:
        return paragraph(told) + paragraph("No epoch was finished.")
    best = record.best_epoch
    chosen = f"of epoch {best}" if best else "that it started with, a linear model"

    def draw(drawing: Any) -> None:
        shown = LossCurveDisplay.from_values(
            record.loss, validation_loss=record.val_loss or None, ax=drawing.subplots()
        )
        shown.ax_.set_title("")

    curve = figure("losses", draw)
    return paragraph(told) + curve + paragraph(f"The weights are those {chosen}.")


def _trials(record: Record) -> str:
    """Return a table of the best trials of a search, if there was one."""
    if record.search is None or not record.search.trials:
        return ""
    about = (
        f"{len(record.search.trials):,} settings were tried, of which these were the best, by the "
        "score on the rows to stop by. A trial ended with half of its networks where these were "
        "worse than the best trial's."
    )
    return table(*record.search.lines(_MOST_TRIALS)) + paragraph(about)


def _how_to_predict(trial: Trial) -> str:
    lines = [
        "adjoint predict FOLDER MORE.csv --out predictions.csv",
        "adjoint evaluate FOLDER MORE.csv",
    ]
    about = (
        "FOLDER is the one that this page is in, MORE.csv a table with the same columns. The first "
        "line writes a prediction for each row, the second scores the model where the target is "
        "known"
    )
    # An exported file cannot read dates.
    if all(column.kind != "date" for column in trial.model.encoder.columns):
        lines.append("adjoint export FOLDER --out model.py")
        about += ", the third writes the model as a Python file that needs NumPy alone"
    return f"<pre>{text(chr(10).join(lines))}</pre>" + paragraph(f"{about}.")


def _columns(encoder: Encoder) -> str:
    read = [[column.name, str(column)] for column in encoder.columns]
    left = [[name, f"not read: {reason}"] for name, reason in encoder.ignored.items()]
    return table(["column", "taken for"], [*read, *left], kind="words")
