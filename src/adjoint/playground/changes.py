"""Changes are settings of the optimiser that were set by hand from some step on.

They are part of the settings, and make of a number a function of the steps taken. So the way back
leads over them, and a training that is begun anew comes by the same bits.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..optim.optimizer import Schedule
from ..optim.schedules import number_at
from .values import SettingsError, listed, number

MOST_CHANGES = 200
# The settings that may change while it trains; all others are the structure of a training.
CHANGEABLE = ("lr", "options", "schedule", "schedule_options")
# Adagrad's memory begins with it, so that it means nothing later.
FIRST_ONLY = ("initial",)


@dataclass(frozen=True)
class Change:
    """What was set by hand after so many steps; ``given`` has names of `CHANGEABLE`."""

    step: int
    given: Mapping[str, Any]


def read_changes(given: object) -> list[tuple[int, dict[str, Any]]]:
    """Return steps, in their order, with what JSON gave for each; the latter is not checked."""
    found: list[tuple[int, dict[str, Any]]] = []
    for each in listed("changes", given, most=MOST_CHANGES):
        if not isinstance(each, dict) or each.keys() != {"step", "given"}:
            raise SettingsError("changes: expected a step, and what is given, of each")
        step = int(number("changes", each["step"], 0, 2**53, whole=True))
        if found and step <= found[-1][0]:
            raise SettingsError("changes: expected steps that grow")
        if not isinstance(each["given"], dict) or not each["given"].keys() <= set(CHANGEABLE):
            raise SettingsError(f"changes: expected {', '.join(CHANGEABLE)}")
        found.append((step, each["given"]))
    return found


@dataclass(frozen=True)
class ByHand:
    """A number that was set by hand: each of the parts holds from its start on.

    Attributes
    ----------
    starts : tuple of int
        Steps that grow, from 0 on.
    parts : tuple of float or Schedule
        A schedule is asked for its number after all steps taken, not after those since its start.

    Examples
    --------
    >>> rate = ByHand((0, 3), (0.5, 0.25))
    >>> [rate(step) for step in (0, 2, 3, 9)]
    [0.5, 0.5, 0.25, 0.25]
    """

    starts: tuple[int, ...]
    parts: tuple[float | Schedule, ...]

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        return number_at(self.parts[bisect_right(self.starts, step) - 1], step)

    def table(self, start: int, steps: int) -> Array:
        """Return the numbers of many steps at once, as calls would."""
        end, found = start + steps, np.empty(steps)
        for begin, until, part in zip(
            self.starts, (*self.starts[1:], end), self.parts, strict=True
        ):
            first, last = max(begin, start), min(until, end)
            if last > first:
                numbers = [part(step) for step in range(first, last)] if callable(part) else part
                found[first - start : last - start] = numbers
        return found


def by_hand(pieces: Sequence[tuple[int, Any]]) -> Any:
    """Return the one number that all pieces have, or a `ByHand` of those that differ."""
    pieces = list(dict(pieces).items())  # what is set anew before it held for a step is forgotten
    kept = [piece for n, piece in enumerate(pieces) if not n or piece[1] != pieces[n - 1][1]]
    starts, parts = zip(*kept, strict=True)
    return parts[0] if len(parts) == 1 else ByHand(starts, parts)
