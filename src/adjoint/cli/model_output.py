"""What the commands for tables print about a model and about the rows that it saw.

Models are imported when a command runs: scikit-learn alone takes half a second.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..errors import require
from .terminal import note, say, say_json, shown

if TYPE_CHECKING:
    from ..tables.encoder import Encoder
    from ..tables.model import TableModel
    from ..tables.record import Record
    from ..tables.scored import Scored
    from ..tables.tried import Searched

Say = Callable[[str], None]
_FEWEST_ALIKE = 5
_MOST_TRIALS = 8
_NOT_READ = "not read, "


def require_for_tables() -> None:
    """Say at once all that the extra lacks, rather than one package after another."""
    require("pyarrow", extra="cli", purpose="a command for tables")


def load_model(folder: Path) -> TableModel:
    """Return the model in a folder."""
    require_for_tables()
    from ..tables.folder import load_model

    return load_model(folder)


def teller(as_json: bool) -> Say:
    """Return what prints a line: on standard error where standard output is for JSON."""
    return note if as_json else say


def show_columns(encoder: Encoder, say: Say) -> None:
    """Print what each column of the table is to the model; many that are alike in one line."""
    told = [(column.name, str(column)) for column in encoder.columns]
    told += [(name, _NOT_READ + reason) for name, reason in encoder.ignored.items()]
    for names, what in _grouped(told):
        say(f"  {names}: {what}")


def _grouped(told: list[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Yield columns and what they are, five and more whose names differ in digits as one."""
    groups: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for name, what in told:
        groups.setdefault((_stem(name), _kind(what)), []).append((name, what))
    for (_, start), alike in groups.items():
        if len(alike) < _FEWEST_ALIKE:
            yield from alike
            continue
        told_once = list(dict.fromkeys(what for _, what in alike))
        what = told_once[0]
        if len(told_once) > 1:
            is_read = not what.startswith(_NOT_READ)
            what = f"{start}, as {what.partition(', ')[2]}" if is_read else f"{what}, and so on"
        yield f"{alike[0][0]} … {alike[-1][0]} ({len(alike)} columns)", what


def _kind(what: str) -> str:
    """Return what columns of one line have in common: a kind, or the reason not to be read."""
    is_read = not what.startswith(_NOT_READ)
    return what.partition(",")[0] if is_read else re.split(r"[0-9']", what)[0]


def _stem(name: str) -> str:
    return re.sub(r"\d+", "0", name)


def show_treated(treated: Counter[str]) -> None:
    """Print how many rows were treated specially, and why."""
    for what, count in sorted(treated.items()):
        note(f"{count:,} {'row' if count == 1 else 'rows'}: {what}")


def scores(
    metrics: dict[str, dict[str, float]],
    rows: int,
    headline: str = "",
    intervals: Mapping[str, Sequence[float]] | None = None,
) -> list[str]:
    """Return the lines of a table: the metrics of each model, the interval of the one named."""
    from ..tables.score_text import score_text

    names = list(next(iter(metrics.values())))
    head = [f"on {rows:,} rows"]
    lines = [[model] for model in metrics]
    for name in names:
        head.append(name.replace("_", " "))
        for line, found in zip(lines, metrics.values(), strict=True):
            line.append(score_text(name, found.get(name, math.nan)))
        if intervals and name == headline:
            head.append("19 times in 20")
            for line, model in zip(lines, metrics, strict=True):
                line.append(" to ".join(score_text(name, bound) for bound in intervals[model]))
    aligned = ["left", *["right"] * (len(head) - 1)]
    return _table(lines, head, colalign=aligned)


def trials(searched: Searched) -> list[str]:
    """Return the lines of a table of the best trials of a search, and the first."""
    head, lines = searched.lines(_MOST_TRIALS)
    return _table(lines, head)


def told_scores(found: Record | Scored, rows: int) -> Iterator[str]:
    """Yield the lines of tables: scores, of each target where there are several, and quantiles."""
    yield from scores(found.metrics, rows, found.headline, found.intervals)
    for name, each in found.by_target.items():
        yield f"of {name}:"
        yield from scores(each.metrics, rows, each.headline, each.intervals)
    if found.coverage:
        yield from _coverage(found.coverage)


def _coverage(found: dict[str, list[float]]) -> list[str]:
    """Return the lines of a table of how many rows lie where the quantiles say."""
    from ..tables.scored import nominal

    lines = []
    for name, (share, *bounds) in found.items():
        told = f"between {name.replace(' to ', ' and ')}" if " to " in name else f"up to {name}"
        between = " to ".join(f"{bound:.1%}" for bound in bounds if math.isfinite(bound))
        lines.append([told, f"{share:.1%}", between, f"{100 * nominal(name):.4g}%"])
    head = ["quantiles", "rows there", "19 times in 20", "should be"]
    aligned = ["left", "right", "right", "right"]
    return _table(lines, head, colalign=aligned)


def _table(rows: Sequence[Sequence[str]], head: Sequence[str], **form: Any) -> list[str]:
    """Return the lines of a table; no text in it breaks one."""
    cells = [[shown(cell) for cell in row] for row in rows]
    text: str = tabulate()(cells, [*map(shown, head)], disable_numparse=True, **form)
    return text.split("\n")


def tabulate() -> Callable[..., Any]:
    """Return what writes tables, or say how to install it."""
    found: Callable[..., Any] = require(
        "tabulate", extra="cli", purpose="a table of scores"
    ).tabulate
    return found


def summary(model: TableModel) -> dict[str, Any]:
    """Return what is known about a model, to be written as JSON."""
    return {
        "target": model.target.to_state(),
        "columns": {column.name: str(column) for column in model.encoder.columns},
        "ignored": model.encoder.ignored,
        "network": list(model.design.sizes),
        "parameters": sum(parameter.size for parameter in model.network.parameters()),
        **(model.record.to_state() if model.record else {}),
    }


def say_model_json(value: Any) -> None:
    """Print JSON with null for NaN."""
    from ..tables.record import without_nan

    say_json(without_nan(value))
