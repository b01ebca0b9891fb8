"""Step settings are the numbers of an optimiser that a training step takes as arguments."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..core.annotations import Array, DType
from ..optim import Optimizer, Settings
from ..optim.optimizer import is_argument

# A call of native code gets a table of the scheduled settings for at most so many steps.
_MOST_SCHEDULED = 8192


class StepSettings:
    """The settings of an optimiser, of which numbers other than 0 are arguments of a step.

    Parameters
    ----------
    optimizer : Optimizer
        Its settings are read at each call.
    dtype : dtype
        What the arguments are given in.
    """

    def __init__(self, optimizer: Optimizer, dtype: DType) -> None:
        self.optimizer, self.dtype = optimizer, dtype

    @property
    def are_scheduled(self) -> bool:
        """Whether any of them differs from step to step."""
        return any(callable(x) for group in self.optimizer.groups for x in group.values())

    def numbers(self) -> dict[str, Array]:
        """Return those that are arguments by name, as they are for the next step."""
        found = {}
        for i, group in enumerate(self.optimizer.groups):
            now = self.optimizer.settings_now(i)
            for name in filter(lambda name: is_argument(group[name]), group):
                found[_named(name, i)] = np.asarray(now[name], self.dtype)
        return found

    def table(self, start: int, steps: int) -> Array:
        """Return those that are arguments: one row, or one a step if any is scheduled.

        Parameters
        ----------
        start, steps : int
            How many steps were taken, and how many are to come. There are at most
            `_MOST_SCHEDULED` rows.

        Returns
        -------
        (k,) or (steps, k) array
        """
        given = [
            group[name]
            for group in self.optimizer.groups
            for name in group
            if is_argument(group[name])
        ]
        now = np.array([float(x(start)) if callable(x) else x for x in given], self.dtype)
        if not any(map(callable, given)):
            return now
        count = min(steps, _MOST_SCHEDULED)
        table = np.tile(now, (count, 1))
        for column, setting in enumerate(given):
            if callable(setting):
                table[:, column] = _scheduled(setting, start, count)
        return table

    def traced(self, values: Mapping[str, Any]) -> list[Settings]:
        """Return the settings by group, with values by name in the place of the arguments."""
        return [
            {name: values.get(_named(name, i), setting) for name, setting in group.items()}
            for i, group in enumerate(self.optimizer.groups)
        ]


def _scheduled(schedule: Any, start: int, steps: int) -> Any:
    """Return what a schedule gives for some steps; at once, where it can tell that."""
    if hasattr(schedule, "table"):
        return schedule.table(start, steps)
    return [schedule(taken) for taken in range(start, start + steps)]


def _named(setting: str, group: int) -> str:
    """Return what a group's setting is called as an argument."""
    return setting if group == 0 else f"{setting}_{group}"
