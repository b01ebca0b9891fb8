"""A session is what one page has open: a training, and what is looked at; it needs no server."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from concurrent.futures import wait
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import RLock
from time import perf_counter
from typing import Any

from ..nn.weights import save_weights
from . import derivations, fields, own_table, saved, scenes
from .ahead import Ahead
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
    turn : RLock
        Held while it answers a page; whoever reads the training in another thread takes it, too.
    """

    def __init__(self, brought: Brought | None = None, ahead: Ahead | None = None) -> None:
        self.turn = RLock()
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
        d = self.width
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

    @property
    def is_making(self) -> bool:
        """Whether the first step has still to ask for native code that is made ahead."""
        return self._code is not None

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
    def width(self) -> int:
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
        width = self.width
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
        content, arrays = scenes.opening(self)
        return pack(content | more, arrays)

    def frame(self, **more: Any) -> bytes:
        """Return the frame that shows where the training is."""
        content, arrays = scenes.now(self)
        return pack(content | more, arrays)

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
