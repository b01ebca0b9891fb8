"""The greatest memory of a process that trains twenty epochs on digits, Python included."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from .launches import Launch, Launched, in_turn
from .networks.races import DIGITS_RIVALS
from .once import run_once
from .race import Effort
from .rival import Rival
from .table import Table

EPOCHS = 20


@dataclass(frozen=True)
class Memory:
    """The rivals of a training, weighed."""

    rivals: list[Rival]

    def run(self, name: str, effort: Effort) -> Table:
        """Return every rival's bytes; the code it compiles is compiled in that process."""
        launched = [
            Launched(rival.name, _launch(name, rival.name))
            for rival in self.rivals
            if rival.quick or not effort.quick
        ]
        title = f"Peak memory of {EPOCHS} epochs on digits, Python and NumPy included"
        return Table(title, "B", "in all", in_turn(launched, rounds=min(effort.launches, 3)))


def _launch(benchmark: str, rival: str) -> Launch:
    def launch(cache: Path) -> tuple[float, str]:
        answer = run_once(benchmark, rival, EPOCHS, cache, threads=1)
        return answer["memory"], answer["about"]

    return launch


def digits() -> Memory:
    return Memory(DIGITS_RIVALS)
