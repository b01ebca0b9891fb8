"""A scheduled setting is a number that differs from step to step, written down for an export."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..core.annotations import Array
from ..training.step_settings import StepSettings
from .refusal import ExportError

# A file has at most so many numbers of a schedule, and at most so many steps are asked for.
MOST_VALUES = 16_384
_MOST_STEPS = 2_000_000


@dataclass(frozen=True)
class Scheduled:
    """The numbers of a setting: each holds for as many steps, and the last one from there on.

    Attributes
    ----------
    every : int
    values : array
    """

    every: int
    values: Array

    @classmethod
    def of(cls, numbers: Array) -> Scheduled:
        """Return the numbers of all steps, each once for all steps that share it.

        >>> Scheduled.of(np.array([1.0, 1, 1, 0.5, 0.5, 0.5, 0.25]))
        Scheduled(every=3, values=array([1.  , 0.5 , 0.25]))
        """
        changes = np.flatnonzero(numbers[1:] != numbers[:-1]) + 1
        every = int(np.gcd.reduce(changes)) if changes.size else len(numbers)
        return cls(every, numbers[::every])

    def at(self, steps: Array) -> Array:
        """Return the numbers after so many steps.

        >>> Scheduled(3, np.array([1.0, 0.5])).at(np.array([0, 2, 3, 99]))
        array([1. , 1. , 0.5, 0.5])
        """
        found: Array = self.values[np.minimum(steps // self.every, len(self.values) - 1)]
        return found


def scheduled_settings(
    settings: StepSettings, names: list[str], epochs: int | None, steps_each: int, target: str
) -> dict[str, Scheduled]:
    """Return the schedules of those settings that have one, by name.

    They go on from the steps that the optimiser has taken, as they would in `fit`.

    Parameters
    ----------
    settings : StepSettings
    names : list of str
        What its numbers are called, in order.
    epochs : int or None
        How many epochs are to come.
    steps_each : int
        How many steps an epoch has.
    target : str
        What the target is called in messages.

    Raises
    ------
    ExportError
        If it is not known how many steps there will be, or there are too many.
    """
    if not settings.are_scheduled:
        return {}
    if epochs is None:
        raise ExportError(
            f"{target}: the optimiser's settings follow a schedule, which is written down step by "
            "step; say how far by TrainingTask(..., epochs=...)"
        )
    steps, taken = epochs * steps_each, settings.optimizer.steps
    if steps > _MOST_STEPS:
        raise ExportError(
            f"{target}: a schedule of {steps:,} steps; at most {_MOST_STEPS:,} can be written down"
        )
    found = np.empty((0, len(names)))
    while len(found) < steps:
        found = np.concatenate([found, settings.table(taken + len(found), steps - len(found))])
    table = found.astype(settings.dtype)
    whole = {name: Scheduled.of(column) for name, column in zip(names, table.T, strict=True)}
    for name, schedule in whole.items():
        if len(schedule.values) > MOST_VALUES:
            raise ExportError(
                f"{target}: the schedule of {name} has {len(schedule.values):,} numbers; at most "
                f"{MOST_VALUES:,} can be written down: let it change after every few steps, or "
                "train for fewer epochs"
            )
    return {name: own for name, own in whole.items() if len(own.values) > 1}
