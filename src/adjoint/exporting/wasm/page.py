"""A page is one file of HTML with a module of WebAssembly in it, which loads nothing."""

from __future__ import annotations

import base64
import gzip
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...graphs.tensor import Tensor
from ...notebook.html import escaped, palette
from ..fields import Field
from ..refusal import ExportError
from ..subject import Subject
from ..training_task import TrainingTask
from .forward import Forward
from .javascript import ARRAYS, literal
from .network_script import NETWORK_PARTS, NETWORK_SCRIPT
from .plane_script import PLANE
from .reading_script import reading_script
from .table_module import RUNNING, places
from .table_script import TABLE_PARTS, TABLE_SCRIPT, TABLE_STYLE
from .training import WasmTraining
from .training_javascript import TRAINING, about, sizes
from .training_script import TRAINING_PARTS, TRAINING_SCRIPT

_STYLE = """
body { margin: 0; background: var(--paper); color: var(--ink); }
body { font: 1rem/1.5 system-ui, sans-serif; }
main { max-width: 62rem; margin: 0 auto; padding: 1rem; }
h1 { font-size: 1.4rem; line-height: 1.3; margin: 0 0 .25rem; overflow-wrap: anywhere; }
p { margin: .25rem 0; overflow-wrap: anywhere; }
.faint { color: var(--faint); font-size: .9rem; }
.bar { display: flex; flex-wrap: wrap; gap: .5rem 1rem; align-items: center; margin: 1rem 0; }
button, input, select { font: inherit; color: inherit; }
button, input[type=number] {
  background: var(--paper); border: 1px solid var(--line); border-radius: 6px;
  padding: .35rem .8rem; min-height: 2.5rem; box-sizing: border-box;
}
button { cursor: pointer; }
button.first { background: var(--forward); color: var(--paper); border-color: var(--forward); }
:focus-visible { outline: 3px solid var(--backward); outline-offset: 2px; }
input[type=number] { width: 8rem; }
input[type=range] { flex: 1; min-width: 6rem; accent-color: var(--forward); }
label { display: flex; gap: .5rem; align-items: center; }
.pictures { display: grid; grid-template-columns: repeat(auto-fit, minmax(17rem, 1fr)); gap: 1rem; }
figure { margin: 0; min-width: 0; }
figcaption { color: var(--faint); font-size: .9rem; }
canvas { display: block; width: 100%; aspect-ratio: 4 / 3; touch-action: none; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: 1rem 0; }
dt { color: var(--faint); }
dd { margin: 0; font-variant-numeric: tabular-nums; }
.fields { display: grid; grid-template-columns: repeat(auto-fill, minmax(17rem, 1fr)); gap: .5rem; }
.fields label span { min-width: 2.5rem; }
table { border-collapse: collapse; width: 100%; }
td { padding: .15rem .5rem .15rem 0; font-variant-numeric: tabular-nums; overflow-wrap: anywhere; }
td.size { width: 50%; }
td.size div { height: .9rem; background: var(--forward); border-radius: 3px; min-width: 1px; }
kbd {
  border: 1px solid var(--line); border-radius: 4px; padding: 0 .3rem;
  font: .85em ui-monospace, monospace;
}
[role=alert] { color: var(--backward); font-weight: 600; }
"""
# Nothing may be loaded, whatever a name or a label holds.
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline' 'wasm-unsafe-eval'"
)
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{policy}">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="faint">{about}</p>
{parts}
<noscript><p role="alert">This page computes in your browser: let it run scripts.</p></noscript>
</main>
<script type="module">
{script}</script>
</body>
</html>
"""


def training_page(given: TrainingTask, made: WasmTraining, title: str) -> str:
    """Return a page on which a training runs."""
    X, y = given.task.data[:2]
    data = {
        "about": about(made),
        "sizes": sizes(),
        "module": packed(made.module),
        "data": [_packed_array(X), _packed_array(y)],
        "plane": _plane(X, y, math.prod(made.y.shape)),
        "epochs": given.epochs,
    }
    return _page(
        title,
        _about_training(given),
        TRAINING_PARTS,
        f"const PAGE = {literal(data)};\n"
        f"const [BLOCK, TABLE, BEYOND] = PAGE.sizes;\n{TRAINING}{PLANE}{TRAINING_SCRIPT}",
    )


def network_page(
    subject: Subject, forward: Forward, title: str, examples: Sequence[Any] = ()
) -> str:
    """Return a page on which a network is tried.

    Parameters
    ----------
    examples : sequence of array
        Rows that say how far the sliders go, where there are such.

    Raises
    ------
    ExportError
        If it has not one row of numbers as its argument and as its result.
    """
    if not subject.has_rows or len(forward.inputs) != 1 or len(forward.outputs) != 1:
        raise ExportError(
            "html: a page shows what has one array with rows as its argument and as its result"
        )
    given, wanted = forward.inputs[0], forward.outputs[0]
    count = math.prod(given.shape)
    if count > _MOST_FIELDS:
        raise ExportError(
            f"html: a row has {count} numbers, and a page has fields for at most {_MOST_FIELDS}"
        )
    data = {
        "module": packed(forward.module),
        "input": [given.kind, given.at, count],
        "output": [wanted.kind, wanted.at, math.prod(wanted.shape)],
        "block": forward.block,
        "labels": list(subject.labels),
        "columns": list(subject.columns),
        "ranges": _ranges(_examples(examples, subject.examples[0]).reshape(-1, count)),
    }
    kinds = ", ".join(f"{kind}: {array}" for kind, array in ARRAYS.items())
    return _page(
        title,
        subject.about,
        NETWORK_PARTS,
        f"const PAGE = {literal(data)};\nconst KINDS = {{ {kinds} }};\n{PLANE}{NETWORK_SCRIPT}",
    )


def table_page(
    subject: Subject, fields: Sequence[Field], forward: Forward, title: str, target: str
) -> str:
    """Return a page on which a model of a table is tried.

    Parameters
    ----------
    target : str
        What is predicted, in a few words.

    Raises
    ------
    ExportError
        If there are more columns than a page has fields for.
    """
    if len(fields) > _MOST_COLUMNS:
        raise ExportError(
            f"html: there are {len(fields)} columns, and a page has fields for at most "
            f"{_MOST_COLUMNS}; --to wasm takes any number"
        )
    data = {
        "module": packed(forward.module),
        "fields": [_form_field(field) for field in fields],
        "names": list(subject.labels),
        "isClassifier": subject.is_classifier,
        "target": target,
    }
    return _page(
        title,
        subject.about,
        TABLE_PARTS,
        f"const PAGE = {literal(data)};\n"
        f"const [BLOCK, GIVEN, WANTED, SIZE] = {literal(places(forward))};\n"
        f"{PLANE}{reading_script(fields)}{RUNNING}{TABLE_SCRIPT}",
        TABLE_STYLE,
    )


def _form_field(field: Field) -> dict[str, Any]:
    """Return what a form shows of a column."""
    return {
        "name": field.name,
        "kind": field.kind,
        "about": field.about,
        "unit": " ".join(filter(None, field.units)),
        "levels": list(field.levels),
        "ends": list(field.ends),
        "isTime": field.is_time,
        "hasHour": "hour" in field.parts,
    }


_MOST_COLUMNS = 200
# Fields for more numbers would be no help to anyone.
_MOST_FIELDS = 64


def _page(title: str, about: str, parts: str, script: str, style: str = "") -> str:
    return _PAGE.format(
        policy=_POLICY,
        title=escaped(title),
        style=palette(":root") + _STYLE + style,
        about=escaped(about),
        parts=parts,
        script=script,
    )


def packed(content: bytes) -> str:
    """Return bytes, made smaller, in base 64."""
    return base64.b64encode(gzip.compress(content, 9, mtime=0)).decode()


def _packed_array(array: Array) -> dict[str, str]:
    """Return an array; class labels and truth values take a byte each."""
    if array.dtype.kind in "iub" and array.size and 0 <= array.min() <= array.max() < 256:
        return {"kind": "i1", "text": packed(array.astype(np.uint8).tobytes())}
    kind = "i64" if array.dtype.kind in "iu" else {4: "f32", 8: "f64"}[array.dtype.itemsize]
    stored = array.astype(np.int64) if kind == "i64" else array
    return {"kind": kind, "text": packed(np.ascontiguousarray(stored).tobytes())}


def _plane(X: Array, y: Array, outputs: int) -> dict[str, Any] | None:
    """Return what a picture of the plane has to show, where a row is a point in it."""
    if X.shape[1:] != (2,) or y.size != len(y):
        return None
    low, high = X.min(axis=0), X.max(axis=0)
    margin = np.where(high > low, 0.1 * (high - low), 1.0)
    has_classes = y.dtype.kind in "iub" and outputs > 1
    return {
        "low": (low - margin).tolist(),
        "high": (high + margin).tolist(),
        "classes": outputs if has_classes else 0,
    }


def _examples(given: Sequence[Any], default: Array) -> Array:
    """Return the rows that were given, if they are rows like the subject's."""
    if not given:
        return default
    rows = np.asarray(given[0].data if isinstance(given[0], Tensor) else given[0])
    return rows if rows.shape[1:] == default.shape[1:] else default


def _ranges(examples: Array) -> list[list[float]]:
    """Return for each number of a row where its slider begins, ends and stands at first."""
    found = []
    for column in np.asarray(examples, float).T:
        column = column[np.isfinite(column)]
        low, high = (column.min(), column.max()) if column.size else (0.0, 0.0)
        if not high > low:
            low, high = -3.0, 3.0
        middle = float(np.median(column)) if column.size else 0.0
        found.append([float(low), float(high), middle])
    return found


def _about_training(given: TrainingTask) -> str:
    task = given.task
    sizes_of = getattr(task.model, "sizes", None)
    model = type(task.model).__name__ + (f"{tuple(sizes_of)}" if sizes_of else "")
    loss = getattr(task.loss, "__name__", type(task.loss).__name__)
    order = f"seed {given.seed}" if given.shuffle else "in their order"
    return (
        f"{model} with {type(task.optimizer).__name__} and {loss}, on {task.rows:,} rows in "
        f"batches of {task.batch_size}, {order}. It runs in your browser."
    )


def title_of(path: Path) -> str:
    """Return what a page is called if nobody says otherwise."""
    return path.stem.replace("_", " ") or "adjoint"
