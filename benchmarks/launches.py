"""A launch is a new process that does its work once and ends; launches take turns as in a race."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from .rival import SkippedError
from .table import Row

# launch(cache) starts a process with caches in a folder; it returns what is measured and a word on
# how the work was done.
Launch = Callable[[Path], tuple[float, str]]


@dataclass(frozen=True)
class Launched:
    """A row of launches.

    Attributes
    ----------
    name : str
    launch : callable
    warm : bool
        Whether every launch but a first, which is not counted, finds what that left in its cache.
    """

    name: str
    launch: Launch
    warm: bool = False


def in_turn(launched: Sequence[Launched], *, rounds: int) -> list[Row]:
    """Return the rows of what can be launched, a value a round."""
    rows = [Row(each.name) for each in launched]
    with TemporaryDirectory() as folder:
        for turn in range(rounds):
            for i, (each, row) in enumerate(zip(launched, rows, strict=True)):
                if row.skipped:
                    continue
                cache = Path(folder, f"{i}" if each.warm else f"{i}-{turn}")
                try:
                    if each.warm and not turn:
                        each.launch(cache)
                    value, row.about = each.launch(cache)
                    row.values.append(value)
                except SkippedError as reason:
                    row.values, row.skipped = [], str(reason)
    return rows
