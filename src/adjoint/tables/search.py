"""A search tries settings of a table's network, one trial after another, for some minutes."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from ..core.annotations import Array
from ..errors import DivergedError, TableError
from ..network import outputs_of
from ..training.conditions import checksum
from ..training.progress import seconds_bar
from .choice import NAMES, Choice, proposed
from .conventions import Conventions, option_of
from .encoder import Encoder
from .exchange import is_exchanged, members_of, splits
from .journal import Journal
from .parts import Parts
from .score_text import score_text
from .scores import headline, measure, noise
from .settings import TableSettings
from .targets import AnyTarget
from .training import Member, Trained, assembled, train, train_members
from .tried import Searched, Tried, best_of, better_by, chosen_of

# What does not change a trial: which rows are scored by later is seen by the rows that are left.
_NO_CONDITIONS = ("test", "folds")


@dataclass(frozen=True)
class Search:
    """What a search is to do.

    Parameters
    ----------
    minutes : float
        How long it takes at most; its first trial, of the settings as given, is always whole.
    fixed : frozenset of str
        Names of settings that stay as they are, of `choice.NAMES`.
    journal : path, optional
        A file to keep the trials in, and to go on from if it is there.
    begins : callable
        Called when the trials of the journal are read, so that a search that is interrupted has a
        model; raises KeyboardInterrupt if Ctrl-C came before.
    """

    minutes: float
    fixed: frozenset[str] = frozenset()
    journal: Path | None = None
    begins: Callable[[], None] = lambda: None


def check_search(settings: TableSettings, fixed: Collection[str], conventions: Conventions) -> None:
    """Refuse a search that there is nothing for, or whose result nobody could have again.

    Raises
    ------
    TableError
    """
    option = option_of("minutes", conventions)
    for name, reason in {
        "folds": "each fold would need a search of its own",
        "reproducible": "how many trials there is time for depends on the machine",
    }.items():
        if getattr(settings, name):
            together = option_of(name, conventions)
            raise TableError(f"{option}: not together with {together}: {reason}")
    if set(fixed) >= set(NAMES):
        names = ", ".join(option_of(name, conventions) for name in NAMES)
        raise TableError(f"{option}: nothing is left to search; leave out one of {names}")


@dataclass(frozen=True)
class Found:
    """What came of a search: the model of the best trial, its settings, and all trials."""

    trained: Trained
    settings: TableSettings
    searched: Searched


@dataclass(frozen=True)
class _Held:
    """What the networks of a trial predict of the rows that they held out."""

    outputs: Array
    y: Array
    blocks: Array | None


def search(
    encoder: Encoder,
    target: AnyTarget,
    parts: Parts,
    settings: TableSettings,
    wanted: Search,
    *,
    progress: bool | str,
    say: Callable[[str], None] = lambda line: None,
) -> Found:
    """Try settings until the time is over, and return the best by the rows to stop by.

    The first trial is of the settings as given, and the model has them unless others are better by
    more than noise. The trials depend on the seed and on those before them, not on the clock, which
    decides only how many there are. Ctrl-C ends the search.

    Raises
    ------
    TableError
        If the journal is of another search, or damaged.
    KeyboardInterrupt
        If Ctrl-C comes before a network is trained, or again before the best one is.
    """
    task = _Task(encoder, target, parts, settings)
    conditions = task.conditions(wanted.fixed)
    journal = Journal(conditions)
    if wanted.journal is not None:
        journal = Journal.read(wanted.journal, conditions)
    with seconds_bar(wanted.minutes * 60, progress) as show:
        course = _Course(task, wanted, journal, show)
        course.check()
        try:
            wanted.begins()
            course.run()
        except KeyboardInterrupt:
            course.interrupted = True
        return course.found(say)


@dataclass(frozen=True)
class _Task:
    """What is the same for all trials."""

    encoder: Encoder
    target: AnyTarget
    parts: Parts
    settings: TableSettings

    @property
    def metric(self) -> str:
        """The score to choose by: log loss tells more than accuracy does."""
        usual = "log_loss" if self.target.labels else headline(self.target.kind)
        return self.settings.compared_by or usual

    @property
    def first(self) -> Choice:
        return Choice.of(self.settings, self.parts.rows)

    @property
    def members(self) -> int:
        """How many networks answer together."""
        return members_of(self.parts, self.settings)

    @property
    def held_rows(self) -> int:
        """On how many rows a whole trial is measured."""
        if not is_exchanged(self.parts):
            return len(self.parts.validation[1])
        return sum(len(split.held.y) for split in splits(self.parts, self.settings))

    def assembled(self, members: list[Member], seconds: float) -> Trained:
        """Return the ensemble of some members."""
        return assembled(members, self.encoder, self.target, self.parts, seconds=seconds)

    def score(self, held: _Held) -> float | None:
        """Return the score of predictions; None where the rows do not tell it."""
        found = measure(self.metric, held.outputs, held.y, self.target.quantiles)
        return found if math.isfinite(found) else None

    def error(self, held: _Held, first: _Held) -> float | None:
        """Return the standard error of the difference to the first trial's score."""
        if held is first:
            return 0.0
        both = {"this": held.outputs, "first": first.outputs}
        found = noise(self.metric, both, held.y, held.blocks, self.target.quantiles)
        return found if math.isfinite(found) else None

    def conditions(self, fixed: frozenset[str]) -> dict[str, str]:
        """Return what must be the same for a search to go on."""
        parts = self.parts
        arrays: dict[str, Array | None] = {
            "X": parts.train[0],
            "y": parts.train[1],
            "groups": parts.blocks,
        }
        arrays |= {"X to stop by": parts.validation[0], "y to stop by": parts.validation[1]}
        said = asdict(self.settings)
        return {
            **{name: str(said[name]) for name in said if name not in _NO_CONDITIONS},
            **{name: "none" if a is None else checksum(a) for name, a in arrays.items()},
            "what stays": ", ".join(sorted(fixed)) or "nothing",
        }

    def held(self, members: list[Member], trained: Trained) -> _Held:
        """Return what members predict of the rows that they held out, all with their last weights.

        Where all hold the same rows out, it is what they answer together.
        """
        found = [outputs_of(one.network, one.split.held.X) for one in members]
        first = members[0].split
        if not is_exchanged(self.parts):
            answers = trained.model.answers(np.mean(found, axis=0))
            return _Held(answers, first.held.y, first.blocks)
        blocks = [one.split.blocks for one in members if one.split.blocks is not None]
        return _Held(
            trained.model.answers(np.concatenate(found)),
            np.concatenate([one.split.held.y for one in members]),
            np.concatenate(blocks) if blocks else None,
        )


class _TimeOverError(Exception):
    """The time is over in the middle of a trial, which does not count."""


class _Course:
    """A search under way."""

    def __init__(
        self, task: _Task, wanted: Search, journal: Journal, show: Callable[[float, str], None]
    ) -> None:
        self._task, self._wanted, self._journal, self._show = task, wanted, journal, show
        self._start = time.perf_counter()
        self.tried = list(journal.trials)
        self.interrupted = self._is_whole = self._is_ended = False
        # What this process trained: a trial of the journal is trained again for its model.
        self._models: dict[int, Trained] = {}
        self._first_held: _Held | None = None

    def check(self) -> None:
        """Refuse trials that this search would not have made."""
        for number, one in enumerate(self.tried):
            if one.choice != self._proposed(number):
                raise TableError(
                    f"{self._wanted.journal}: its trial {number + 1} is none that this search "
                    "makes; remove the file, or name another one"
                )

    def run(self) -> None:
        """Make trials until the time is over or nothing is left to try."""
        while not self.tried or not self._is_over():
            choice = self._proposed(len(self.tried))
            self._is_whole = choice is None
            if choice is None:
                return
            try:
                self.tried.append(self._trial(choice))
            except _TimeOverError:
                return
            kept = {0, best_of(self.tried, self._task.metric)}
            self._models = {k: model for k, model in self._models.items() if k in kept}
            if self._wanted.journal is not None:
                journal = replace(self._journal, seconds=self._seconds(), trials=self.tried)
                journal.write(self._wanted.journal)

    def found(self, say: Callable[[str], None]) -> Found:
        """Return the model that was chosen.

        Raises
        ------
        KeyboardInterrupt
            If there is none, or the training of one that has to be trained again is interrupted.
        """
        task, chosen = self._task, 0
        if self.tried:
            chosen = chosen_of(self.tried, task.metric)
        elif not self._models:
            raise KeyboardInterrupt
        searched = Searched(
            self._wanted.minutes,
            round(self._seconds(), 3),
            task.metric,
            task.held_rows,
            self.tried,
            chosen,
            self.interrupted,
            self._is_whole,
        )
        choice = self.tried[chosen].choice if self.tried else task.first
        if chosen not in self._models:
            say(
                f"training the networks of trial {chosen + 1} again, the best of an earlier command"
            )
        try:
            trained = replace(self._model(chosen), interrupted=self.interrupted)
        except KeyboardInterrupt:
            raise KeyboardInterrupt(
                f"interrupted while the networks of trial {chosen + 1} were trained again: there "
                f"is no model yet; {self._wanted.journal} keeps the trials"
            ) from None
        return Found(trained, choice.applied(task.settings), searched)

    # --- trials -----------------------------------------------------------------------------------

    def _proposed(self, number: int) -> Choice | None:
        before = self.tried[:number]
        if not before:
            return self._task.first
        best = before[best_of(before, self._task.metric)].choice
        tried, fixed = [one.choice for one in before], self._wanted.fixed
        seed = self._task.settings.seed
        return proposed(seed, number, best, first=self._task.first, tried=tried, fixed=fixed)

    def _trial(self, choice: Choice) -> Tried:
        """Train the networks of a choice, or half of them if these are worse than the best's."""
        start, task, is_first = time.perf_counter(), self._task, not self.tried
        members: list[Member] = []
        half = trained = None
        try:
            for one in self._members(choice):
                members.append(one)
                trained = task.assembled(members, time.perf_counter() - start)
                if one.history.interrupted:
                    if is_first:
                        self._models[0] = trained
                    raise KeyboardInterrupt
                if self._is_ended:
                    raise _TimeOverError
                if len(members) == -(-task.members // 2):
                    half = task.score(task.held(members, trained))
                    if len(members) < task.members and self._is_worse(half):
                        break
        except DivergedError:
            if is_first:
                raise
            return Tried(choice, None, None, None, len(members), time.perf_counter() - start)
        assert trained is not None
        held = task.held(members, trained)
        is_half = len(members) < task.members
        if not is_half:
            self._models[len(self.tried)] = trained
        if is_first:
            self._first_held = held
        error = None if is_half else task.error(held, self._held_at_first())
        seconds = round(time.perf_counter() - start, 3)
        return Tried(
            choice, half if is_half else task.score(held), half, error, len(members), seconds
        )

    def _members(self, choice: Choice) -> Iterator[Member]:
        task = self._task
        return train_members(
            task.encoder, task.target, task.parts, choice.applied(task.settings), ends=self._ends
        )

    def _is_worse(self, half: float | None) -> bool:
        if not self.tried:
            return False
        best = self.tried[best_of(self.tried, self._task.metric)].half
        if half is None or best is None:
            return half is None
        return better_by(half, best, self._task.metric) < 0

    def _model(self, number: int) -> Trained:
        """Return the model of a trial, trained again if it was another process's."""
        if number not in self._models:
            task, choice = self._task, self.tried[number].choice
            trained = train(
                task.encoder,
                task.target,
                task.parts,
                choice.applied(task.settings),
                progress=False,
            )
            if trained.interrupted:
                raise KeyboardInterrupt
            self._models[number] = trained
        return self._models[number]

    def _held_at_first(self) -> _Held:
        """Return what the networks of the first trial predict of the rows that they held out."""
        if self._first_held is None:
            members = list(self._members(self._task.first))
            if self._is_ended:
                raise _TimeOverError
            if members[-1].history.interrupted:
                raise KeyboardInterrupt
            self._models[0] = self._task.assembled(members, 0.0)
            self._first_held = self._task.held(members, self._models[0])
        return self._first_held

    # --- the clock --------------------------------------------------------------------------------

    def _seconds(self) -> float:
        return self._journal.seconds + time.perf_counter() - self._start

    def _is_over(self) -> bool:
        return self._seconds() >= 60 * self._wanted.minutes

    def _ends(self) -> bool:
        """Show how far the search is, and return whether its time is over."""
        told = f"trial {len(self.tried) + 1}"
        if self.tried:
            metric = self._task.metric
            best = self.tried[best_of(self.tried, metric)].score
            if best is not None:
                told += f", best {metric.replace('_', ' ')} {score_text(metric, best)}"
        self._show(self._seconds(), told)
        self._is_ended = bool(self.tried) and self._is_over()
        return self._is_ended
