"""What a search tried, and what came of it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from .choice import Choice
from .score_text import score_text
from .scores import LOSSES

# A choice must be better than the first one by so many standard errors of the difference: the best
# of many choices often is by one of them, by chance alone.
_ERRORS = 2.0
# Fewer trials than this find little.
_FEWEST = 10


@dataclass(frozen=True)
class Tried:
    """One trial of a search.

    Attributes
    ----------
    choice : Choice
    score : float, optional
        On the rows that the networks held out to stop by; none if the loss became infinite.
    half : float, optional
        The score of the first half of the networks.
    error : float, optional
        The standard error of the difference to the first trial's score, if the trial is whole.
    networks : int
        How many were trained: the trial ends with half of them if these are worse than the best
        trial's were.
    seconds : float
    """

    choice: Choice
    score: float | None
    half: float | None
    error: float | None
    networks: int
    seconds: float

    def is_better(self, other: Tried, metric: str) -> bool:
        """Return whether this is a whole trial with a better score than another."""
        if self.score is None or self.networks < other.networks:
            return False
        return other.score is None or better_by(self.score, other.score, metric) > 0


def better_by(score: float, other: float, metric: str) -> float:
    """Return by how much a score is better than another; less than nothing if it is worse."""
    gain = other - score if metric in LOSSES else score - other
    return gain if math.isfinite(gain) else -math.inf


def best_of(tried: list[Tried], metric: str) -> int:
    """Return the place of the best trial, the first of those that are alike."""
    best = 0
    for place, one in enumerate(tried):
        if one.is_better(tried[best], metric):
            best = place
    return best


def chosen_of(tried: list[Tried], metric: str) -> int:
    """Return the place of the best trial if it beats the first by more than noise, else 0."""
    best = best_of(tried, metric)
    one, first, error = tried[best].score, tried[0].score, tried[best].error
    if one is None or first is None or error is None:
        return 0
    return best if better_by(one, first, metric) > _ERRORS * error else 0


@dataclass(frozen=True)
class Searched:
    """What a search found.

    Attributes
    ----------
    minutes : float
        How long it was to take.
    seconds : float
        How long it took, with what it took before it was stopped and went on.
    metric : str
        The score that it chose by.
    rows : int
        How many rows held out to stop by it was measured on.
    trials : list of Tried
        The first is of the settings that it began with.
    chosen : int
        The place of the trial whose settings the model has.
    interrupted : bool
        Whether Ctrl-C ended it.
    is_whole : bool
        Whether all was tried that there was to try.
    """

    minutes: float
    seconds: float
    metric: str
    rows: int
    trials: list[Tried] = field(default_factory=list)
    chosen: int = 0
    interrupted: bool = False
    is_whole: bool = False

    def __post_init__(self) -> None:
        if not 0 <= self.chosen < max(len(self.trials), 1):
            raise ValueError("Searched.chosen is no trial's place")

    def table(self) -> list[dict[str, Any]]:
        """Return a row for each trial: settings, score and the rest, as a frame takes them."""
        return [
            {**asdict(one.choice), **told, "chosen": place == self.chosen}
            for place, one in enumerate(self.trials)
            for told in [{name: x for name, x in asdict(one).items() if name != "choice"}]
        ]

    def lines(self, most: int) -> tuple[list[str], list[list[str]]]:
        """Return a table of the first trial, the one that was chosen and the best others.

        Returns
        -------
        head : list of str
        lines : list of list of str
        """
        name = self.metric
        head = ["trial", f"{name.replace('_', ' ')} to stop by", "networks", "seconds", "settings"]
        lines = [
            [
                f"{place + 1}{' (chosen)' if place == self.chosen else ''}",
                "" if one.score is None else score_text(name, one.score),
                str(one.networks),
                f"{one.seconds:.1f}",
                one.choice.options(self.trials[0].choice) or "as given",
            ]
            for place, one in self._ranked(most)
        ]
        return head, lines

    def _ranked(self, most: int) -> list[tuple[int, Tried]]:
        whole = max((one.networks for one in self.trials), default=0)

        def rank(place: int) -> tuple[bool, bool, float]:
            one = self.trials[place]
            worse = 0.0 if one.score is None else better_by(0.0, one.score, self.metric)
            return place not in (0, self.chosen), one.networks < whole or one.score is None, worse

        places = sorted(sorted(range(len(self.trials)), key=rank)[:most])
        return [(place, self.trials[place]) for place in places]

    def sentences(self) -> list[str]:
        """Say what was found, and whether there was time enough."""
        count = len(self.trials)
        if not count:
            return [
                "The search was ended before its first trial, of the settings as given, was over."
            ]
        trials = "1 trial" if count == 1 else f"{count} trials"
        told = [f"The search made {trials} in {self.seconds:.0f} s: {self._outcome()}."]
        if self.interrupted:
            told.append("Ctrl-C ended it; the model is that of the best trial so far.")
        elif count < _FEWEST and not self.is_whole:
            told.append(f"It was too short for more than {trials}: try more --minutes.")
        return told

    def _outcome(self) -> str:
        first, one = self.trials[0], self.trials[self.chosen]
        if not self.chosen or first.score is None or one.score is None:
            return (
                "none was better than the settings that it began with by more than noise, and the "
                "model has these"
            )
        name = self.metric.replace("_", " ")
        gain = better_by(one.score, first.score, self.metric)
        error = math.nan if one.error is None else one.error
        told = " ± ".join(score_text(self.metric, number) for number in (gain, error))
        options = one.choice.options(first.choice)
        return (
            f"with {options} the {name} on {self.rows:,} rows to stop by is better by {told} (one "
            "standard error) than with the settings that it began with, which flatters the choice; "
            "the scores of the models are of rows that no choice saw"
        )
