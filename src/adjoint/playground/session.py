"""A session is what one page has open: a training, and what is looked at; it needs no server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..nn.linear import Linear
from ..nn.weights import save_weights
from ..parallel.blas import in_one_thread
from . import derivations, fields, own_table, readings, saved
from .ahead import Ahead
from .changes import CHANGEABLE
from .derivations import plain
from .drawn import Drawn
from .frame import pack
from .problem import Problem, Rows
from .program_text import program_text
from .qualities import Qualities
from .saved import Saved
from .settings import (
    BY_CLASSES,
    BY_NUMBER,
    BY_SCORE,
    DRAWN,
    OWN,
    STOPS,
    Settings,
    changed,
    read_stops,
)
from .setup import Given, Setup, setup_of
from .steps import MOST_EPOCHS, Steps
from .values import SettingsError

# No numbers of more parameters than these are sent, and no points of more rows.
MOST_NUMBERS, MOST_POINTS = 8_000, 2_000
MOST_CURVE = 240
# The longest turn of a training, in seconds; then the page shows where it is.
LONGEST = 0.1


@dataclass(frozen=True)
class Brought:
    """What the user of `play` brought along: a model and its rows, or a table, or nothing.

    Attributes
    ----------
    settings : Settings
        What a page begins with.
    rows : Rows or None
    model : Given or None
    problem : Problem or None
        The rows of ``model``; there are both or neither.
    """

    settings: Settings = field(default_factory=Settings)
    rows: Rows | None = None
    model: Given | None = None
    problem: Problem | None = None


class Session:
    """A training, and what a page looks at.

    Parameters
    ----------
    brought : Brought
    ahead : Ahead, optional
        Makes native code while the page shows a new network; else the first step makes it.

    Attributes
    ----------
    steps : Steps
    settings : Settings
    """

    def __init__(self, brought: Brought | None = None, ahead: Ahead | None = None) -> None:
        self.brought, self._ahead = brought or Brought(), ahead
        self.rows = self.brought.rows
        self.drawn: Drawn | None = None
        self.notes: list[str] = []
        self.begin(self.brought.settings)

    # --- the training

    def begin(self, settings: Settings) -> None:
        """Begin anew with settings; if these do not go together all stays as it was."""
        model, problem = self.brought.model, self.brought.problem
        if model is not None and problem is not None:
            own = replace(self.brought.settings, seed=settings.seed, changes=settings.changes)
            setup = model.setup(own, problem)
        else:
            setup = setup_of(settings, self._own(settings))
        self._begin(setup)
        d = self._width
        self.look((0, min(1, max(d - 1, 0))), None, None)

    def _begin(self, setup: Setup) -> None:
        self.steps, self.settings = Steps(setup), setup.settings
        self._code = self._ahead.make(setup) if self._ahead else None
        self.stopped, self.qualities = "", Qualities()

    def change(self, given: Mapping[str, Any]) -> None:
        """Set the optimiser's settings from here on; what was trained stays as it is.

        Where the update has another form with them, as with a momentum that was 0, the steps are
        taken again in that form, as many as there is time for.
        """
        step, problem = self.steps.taken, self.steps.setup.problem
        stops = {name: value for name, value in given.items() if name in STOPS}
        settings = read_stops(self.settings, stops)
        rest = {name: value for name, value in given.items() if name not in stops}
        if rest:
            settings = changed(settings, step, rest)
        model = self.brought.model
        if not step and model is None:
            settings = settings.after(0)
        setup = (
            setup_of(settings, None, problem) if model is None else model.setup(settings, problem)
        )
        if not self.steps.change(setup):
            self._begin(setup)
        self.settings = settings
        if self.steps.diverged:
            self.steps.rewind(step)
        self.take(step, LONGEST)

    def _own(self, settings: Settings) -> Rows | None:
        """Return the rows of the user's that are meant."""
        if settings.data == DRAWN:
            return None if self.drawn is None else self.drawn.rows()
        return self.rows

    def bring(self, text: str, target: str | None) -> None:
        """Begin anew with a table that was pasted."""
        self._refuse_rows("table")
        rows, notes = own_table.read_text(text, target)
        self._begin_with(settings_for(rows, self.settings, OWN), rows, self.drawn)
        self.notes = notes

    def draw(self, drawn: Drawn) -> None:
        """Begin anew with points that were drawn by hand."""
        self._refuse_rows("drawn")
        self._begin_with(settings_for(drawn.rows(), self.settings, DRAWN), self.rows, drawn)

    def saved(self) -> str:
        """Return the text of a file with all that leads to where the training stands."""
        self._refuse_rows("session")
        return saved.as_text(Saved(self.settings, self.rows, self.drawn, self.steps.taken))

    def load(self, text: str) -> int:
        """Begin anew as a saved session did, and return how many steps it had taken."""
        self._refuse_rows("session")
        found = saved.read_text(text)
        self._begin_with(found.settings, found.table, found.drawn)
        self.notes = []
        return found.step

    def _refuse_rows(self, what: str) -> None:
        if self.brought.model is not None:
            raise SettingsError(f"{what}: the model that you gave to play has its own rows")

    def _begin_with(self, settings: Settings, rows: Rows | None, drawn: Drawn | None) -> None:
        """Begin anew with other rows of the user's; all stays as it was if that cannot be."""
        before = self.rows, self.drawn
        self.rows, self.drawn = rows, drawn
        try:
            self.begin(settings)
        except BaseException:
            self.rows, self.drawn = before
            raise

    def take(self, until: int, seconds: float) -> None:
        """Take steps until so many are taken, or the time is over, or a condition stops it."""
        steps, settings = self.steps, self.settings
        self.stopped = ""
        if not self._is_ready(min(seconds, LONGEST)):
            return
        end, count, epoch = perf_counter() + min(seconds, LONGEST), 1, steps.epoch
        if settings.stop_epoch:
            until = min(until, settings.stop_epoch * steps.task.steps)
        while steps.taken < until and not steps.diverged:
            before, started = steps.taken, perf_counter()
            steps.take(min(count, until - before))
            if self._is_low_enough(epoch) or steps.taken == before:
                break
            now = perf_counter()
            if now >= end:
                break
            rate = (steps.taken - before) / max(now - started, 1e-6)
            count = max(1, min(4 * count, int(rate * (end - now))))
        if steps.epoch >= (settings.stop_epoch or MOST_EPOCHS):
            self.stopped = "epoch"

    def _is_ready(self, seconds: float) -> bool:
        """Wait so long for native code that is being made; whether the first step can be taken."""
        code = self._code
        if code is not None and not code.cancel() and not wait([code], seconds).done:
            return False
        self._code = None
        return True

    def _is_low_enough(self, since: int) -> bool:
        """Go back to the first epoch whose loss was low enough, if there is one after others."""
        bound = self.settings.stop_loss
        if not bound:
            return False
        losses = self.steps.history.loss
        for epoch in range(since, len(losses)):
            if losses[epoch] <= bound:
                self.steps.back_to((epoch + 1) * self.steps.task.steps)
                self.stopped = "loss"
                return True
        return False

    # --- what is looked at

    @property
    def _width(self) -> int:
        """How many columns can be axes; 0 where rows are no vectors."""
        X = self.steps.setup.problem.rows.X
        return X.shape[1] if X.ndim == 2 else 0

    def look(
        self,
        axes: tuple[int, int],
        held: Sequence[float] | None,
        probe: tuple[float, float] | None,
    ) -> None:
        """Choose the columns on the axes, what others are held at, and a point in the plane."""
        width = self._width
        if width and not all(0 <= axis < width for axis in axes):
            raise SettingsError(f"axes: expected two columns from 0 to {width - 1}, got {axes}")
        if width and held is not None and len(held) != width:
            raise SettingsError(f"held: expected {width} numbers, got {len(held)}")
        problem = self.steps.setup.problem
        self.plane = fields.plane_of(problem, axes, held) if width else None
        self.probe = probe

    # --- what is sent

    def opening(self, **more: Any) -> bytes:
        """Return the frame that says what there is, with the rows as points."""
        problem, model = self.steps.setup.problem, self.steps.model
        content, arrays = self._now()
        points = self._points()
        parameters = readings.named(model)
        content |= {
            "what": "opening",
            "settings": self.settings.as_json(),
            "own_model": self.steps.setup.is_own_model,
            "own_table": self.rows is not None,
            "drawn": None if self.drawn is None else self.drawn.as_json(),
            "names": list(problem.rows.names),
            "labels": list(problem.rows.labels),
            "rows": [problem.split, len(problem.X) - problem.split],
            "split": points.pop("split"),
            "range": list(fields.target_range(problem)) if not problem.classes else None,
            "width": self._width,
            "held": None if self.plane is None else [plain(x) for x in self.plane.held],
            "axes": None if self.plane is None else list(self.plane.axes),
            "sight": None
            if self.plane is None
            else [*map(plain, self.plane.low), *map(plain, self.plane.high)],
            "notes": self.notes,
            "steps_each": self.steps.task.steps,
            "layers": self._layers(),
            "parameters": [
                {"name": name, "shape": list(x.shape), "size": x.size}
                for name, x in parameters.items()
            ],
        }
        return pack(content | more, arrays | points)

    def frame(self, **more: Any) -> bytes:
        """Return the frame that shows where the training is."""
        content, arrays = self._now()
        return pack(content | more, arrays)

    def _now(self) -> tuple[dict[str, Any], dict[str, Array]]:
        # The browser has the other processors: threads of BLAS that wait for one spin.
        with in_one_thread() or nullcontext():
            return self._read()

    def _read(self) -> tuple[dict[str, Any], dict[str, Array]]:
        steps = self.steps
        started = perf_counter()
        found = readings.gradients(steps)
        train, test = (
            readings.score(steps, steps.setup.problem.train),
            readings.score(steps, steps.setup.problem.test),
        )
        self.qualities.note(steps, train, test)
        content: dict[str, Any] = {
            "what": "frame",
            "step": steps.taken,
            "epoch": steps.epoch,
            "in_epoch": steps.position().step,
            "tier": steps.tier,
            "diverged": steps.diverged,
            "stopped": self.stopped,
            "making": self._code is not None and self._code.running(),
            "rate": plain(steps.task.optimizer.lr),
            "now": _in_force(self.settings, steps.taken),
            "train": _told(train),
            "test": _told(test),
            "flow": [
                [each.name, plain(each.value), plain(each.gradient), plain(each.change)]
                for each in readings.flow(steps, found, steps.before())
            ],
            "idle": readings.idle_units(steps),
        }
        arrays = (
            self._numbers(found)
            | self._pictures(content)
            | {
                "curve": self._curve(),
                "quality": self.qualities.rows(),
            }
        )
        content["milliseconds"] = round(1e3 * (perf_counter() - started), 2)
        return content, arrays

    def _numbers(self, found: dict[str, Array]) -> dict[str, Array]:
        """Return all parameters and gradients, one after another, where they are not too many."""
        now = readings.named(self.steps.model)
        if sum(x.size for x in now.values()) > MOST_NUMBERS:
            return {}
        flat = [np.ravel(x) for x in now.values()]
        slopes = [np.ravel(found[name]) for name in now]
        return {"values": np.concatenate(flat), "gradients": np.concatenate(slopes)}

    def _pictures(self, content: dict[str, Any]) -> dict[str, Array]:
        steps, plane = self.steps, self.plane
        if plane is None:
            return {}
        model, problem = steps.model, steps.setup.problem
        found: dict[str, Array] = {}
        content["units"] = {}
        if self._width == 1:
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
        if self.probe is not None:
            content["probe"] = self._probed(plane, *self.probe)
        return found

    def _probed(self, plane: fields.Plane, first: float, second: float) -> dict[str, Any]:
        """Return what the network makes of one point, layer by layer."""
        model, problem = self.steps.model, self.steps.setup.problem
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
                place: [plain(x) for x in row[0]]
                for place, row in fields.hidden(model, problem, point)
            },
            "outputs": [plain(x) for x in outputs[0].ravel()],
            "answer": [plain(x) for x in answer[0]],
        }

    def _curve(self) -> Array:
        """Return (k, 3) epochs with the losses of training and test; of many, some."""
        history = self.steps.history
        count = len(history)
        places = np.unique(np.linspace(0, count - 1, min(count, MOST_CURVE)).astype(int))
        if not count:
            return np.zeros((0, 3))
        train = np.array([history.loss[place] for place in places])
        names = history.keys()
        held = history["val_loss"] if "val_loss" in names else None
        test = np.full(len(places), np.nan) if held is None else np.array([held[p] for p in places])
        return np.column_stack([places + 1, train, test])

    def _points(self) -> dict[str, Any]:
        """Return the rows in the plane: points, targets, and how many of them are trained on."""
        problem = self.steps.setup.problem
        if self.plane is None:
            return {"split": 0}
        order, split = problem.order, problem.split
        if len(order) > MOST_POINTS:
            every = np.linspace(0, len(order) - 1, MOST_POINTS).astype(int)
            split, order = int((every < split).sum()), order[every]
        X = problem.rows.X[order]
        return {
            "points": X[:, list(self.plane.axes)],
            "targets": problem.rows.y[order].astype(float),
            "split": split,
        }

    def _layers(self) -> list[dict[str, Any]]:
        """Return the layers of a model that is a chain, or all the modules of another."""
        model = self.steps.model
        layers = fields.chain(model)
        if layers is None:
            return [
                {"kind": type(module).__name__, "path": path, "text": module.extra_repr()}
                for path, module in model.named_modules()
                if path
            ]
        return [_layer(place, layer) for place, layer in enumerate(layers)]

    # --- what is taken away

    def program(self) -> str:
        """Return the Python program that ends where the training stands."""
        return program_text(self.steps)

    def table(self) -> str:
        """Return one's own rows as the program reads them."""
        return own_table.as_csv(self.steps.setup.problem.rows)

    def weights(self) -> bytes:
        """Return the model's weights as a file of safetensors."""
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            save_weights(self.steps.model, path)
            return path.read_bytes()

    def derivation(self, lang: str) -> dict[str, Any]:
        """Return the derivation of the gradient of the batch to come."""
        return derivations.derive(self.steps, lang)


def settings_for(rows: Rows, before: Settings, data: str = OWN) -> Settings:
    """Return settings for rows of the user's, with a loss that suits their target."""
    losses = [*BY_CLASSES, *(BY_SCORE if len(rows.labels) == 2 else ())]
    losses = losses if rows.labels else list(BY_NUMBER)
    loss = before.loss if before.loss in losses else losses[0]
    return replace(before, data=data, loss=loss)


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
