"""Scenes are what a page is told: at first what there is, then where the training stands."""

from __future__ import annotations

from contextlib import nullcontext
from time import perf_counter
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..nn.linear import Linear
from ..parallel.blas import in_one_thread
from . import fields, readings
from .changes import CHANGEABLE
from .derivations import plain
from .settings import Settings

if TYPE_CHECKING:
    from .session import Session

# No numbers of more parameters than these are sent, and no points of more rows.
MOST_NUMBERS, MOST_POINTS = 8_000, 2_000
MOST_CURVE = 240

# The header of a frame, and its arrays.
Scene = tuple[dict[str, Any], dict[str, Array]]


def opening(session: Session) -> Scene:
    """Return the frame that says what there is, with the rows as points."""
    problem, model = session.steps.setup.problem, session.steps.model
    content, arrays = now(session)
    points = _points(session)
    parameters = readings.named(model)
    content |= {
        "what": "opening",
        "settings": session.settings.as_json(),
        "own_model": session.steps.setup.is_own_model,
        "own_table": session.rows is not None,
        "drawn": None if session.drawn is None else session.drawn.as_json(),
        "names": list(problem.rows.names),
        "labels": list(problem.rows.labels),
        "rows": [problem.split, len(problem.X) - problem.split],
        "split": points.pop("split"),
        "range": list(fields.target_range(problem)) if not problem.classes else None,
        "width": session.width,
        "held": None if session.plane is None else [plain(x) for x in session.plane.held],
        "axes": None if session.plane is None else list(session.plane.axes),
        "sight": None
        if session.plane is None
        else [*map(plain, session.plane.low), *map(plain, session.plane.high)],
        "notes": session.notes,
        "steps_each": session.steps.task.steps,
        "layers": _layers(session),
        "parameters": [
            {"name": name, "shape": list(x.shape), "size": x.size} for name, x in parameters.items()
        ],
    }
    return content, arrays | points


def now(session: Session) -> Scene:
    """Return what is told of where the training stands."""
    # The browser has the other processors: threads of BLAS that wait for one spin.
    with in_one_thread() or nullcontext():
        return _read(session)


def _read(session: Session) -> Scene:
    steps = session.steps
    started = perf_counter()
    found = readings.gradients(steps)
    train, test = (
        readings.score(steps, steps.setup.problem.train),
        readings.score(steps, steps.setup.problem.test),
    )
    session.qualities.note(steps, train, test)
    content: dict[str, Any] = {
        "what": "frame",
        "step": steps.taken,
        "epoch": steps.epoch,
        "in_epoch": steps.position().step,
        "tier": steps.tier,
        "diverged": steps.diverged,
        "stopped": session.stopped,
        "making": session.is_making,
        "rate": plain(steps.task.optimizer.lr),
        "now": _in_force(session.settings, steps.taken),
        "train": _told(train),
        "test": _told(test),
        "flow": [
            [each.name, plain(each.value), plain(each.gradient), plain(each.change)]
            for each in readings.flow(steps, found, steps.before())
        ],
        "idle": readings.idle_units(steps),
    }
    arrays = (
        _numbers(session, found)
        | _pictures(session, content)
        | {
            "curve": _curve(session),
            "quality": session.qualities.rows(),
        }
    )
    content["milliseconds"] = round(1e3 * (perf_counter() - started), 2)
    return content, arrays


def _numbers(session: Session, found: dict[str, Array]) -> dict[str, Array]:
    """Return all parameters and gradients, one after another, where they are not too many."""
    now = readings.named(session.steps.model)
    if sum(x.size for x in now.values()) > MOST_NUMBERS:
        return {}
    flat = [np.ravel(x) for x in now.values()]
    slopes = [np.ravel(found[name]) for name in now]
    return {"values": np.concatenate(flat), "gradients": np.concatenate(slopes)}


def _pictures(session: Session, content: dict[str, Any]) -> dict[str, Array]:
    steps, plane = session.steps, session.plane
    if plane is None:
        return {}
    model, problem = steps.model, steps.setup.problem
    found: dict[str, Array] = {}
    content["units"] = {}
    if session.width == 1:
        # One column has no plane: the output is a curve over it.
        x = np.linspace(plane.low[0], plane.high[0], 96)[:, None]
        outputs = fields.predict(model, problem, x)
        found["line"] = (
            fields.probabilities(outputs, problem.classes)
            if problem.classes
            else fields.numbers(outputs, problem)
        )
    else:
        found["field"] = fields.planes(model, problem, plane)
    for place, pictures, most in fields.unit_pictures(model, problem, plane):
        content["units"][place] = plain(most)
        found[f"units {place}"] = pictures
    if session.probe is not None:
        content["probe"] = _probed(session, plane, *session.probe)
    return found


def _probed(session: Session, plane: fields.Plane, first: float, second: float) -> dict[str, Any]:
    """Return what the network makes of one point, layer by layer."""
    model, problem = session.steps.model, session.steps.setup.problem
    point = plane.point(first, second)
    outputs = fields.predict(model, problem, point)
    answer = (
        fields.probabilities(outputs, problem.classes)
        if problem.classes
        else fields.numbers(outputs, problem)
    )
    return {
        "at": [plain(first), plain(second)],
        "hidden": {
            place: [plain(x) for x in row[0]] for place, row in fields.hidden(model, problem, point)
        },
        "outputs": [plain(x) for x in outputs[0].ravel()],
        "answer": [plain(x) for x in answer[0]],
    }


def _curve(session: Session) -> Array:
    """Return (k, 3) epochs with the losses of training and test; of many, some."""
    history = session.steps.history
    count = len(history)
    places = np.unique(np.linspace(0, count - 1, min(count, MOST_CURVE)).astype(int))
    if not count:
        return np.zeros((0, 3))
    train = np.array([history.loss[place] for place in places])
    names = history.keys()
    held = history["val_loss"] if "val_loss" in names else None
    test = np.full(len(places), np.nan) if held is None else np.array([held[p] for p in places])
    return np.column_stack([places + 1, train, test])


def _points(session: Session) -> dict[str, Any]:
    """Return the rows in the plane: points, targets, and how many of them are trained on."""
    problem = session.steps.setup.problem
    if session.plane is None:
        return {"split": 0}
    order, split = problem.order, problem.split
    if len(order) > MOST_POINTS:
        every = np.linspace(0, len(order) - 1, MOST_POINTS).astype(int)
        split, order = int((every < split).sum()), order[every]
    X = problem.rows.X[order]
    return {
        "points": X[:, list(session.plane.axes)],
        "targets": problem.rows.y[order].astype(float),
        "split": split,
    }


def _layers(session: Session) -> list[dict[str, Any]]:
    """Return the layers of a model that is a chain, or all the modules of another."""
    model = session.steps.model
    layers = fields.chain(model)
    if layers is None:
        return [
            {"kind": type(module).__name__, "path": path, "text": module.extra_repr()}
            for path, module in model.named_modules()
            if path
        ]
    return [_layer(place, layer) for place, layer in enumerate(layers)]


def _layer(place: int, layer: Any) -> dict[str, Any]:
    told = {"kind": type(layer).__name__, "path": f"layers[{place}]", "place": place}
    text = layer.extra_repr() if hasattr(layer, "extra_repr") else ""
    if isinstance(layer, Linear):
        told |= {"in": layer.in_features, "out": layer.out_features}
    return told | {"text": text}


def _in_force(settings: Settings, step: int) -> dict[str, Any]:
    """Return the settings that may change, as they are for the step to come."""
    now = settings.after(step)
    return {name: getattr(now, name) for name in CHANGEABLE}


def _told(score: readings.Score | None) -> dict[str, Any] | None:
    if score is None:
        return None
    return {
        "loss": plain(score.loss),
        "quality": plain(score.quality),
        "confusion": score.confusion,
        "printed": plain(score.printed),
    }
