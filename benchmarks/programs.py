"""A program is a script that a user might start; it is run whole, again and again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .launches import Launch, Launched, in_turn
from .process import environment, run_to_end
from .race import Effort
from .rival import SkippedError, is_installed
from .table import Row, Table

# read(output, seconds) returns what is measured of a program from what it printed and took.
Read = Callable[[str, float], float]


@dataclass(frozen=True)
class Program:
    """A row: Python's arguments, and the modules without which it is skipped.

    Attributes
    ----------
    warm : bool
        Whether the caches are filled before.
    """

    name: str
    arguments: tuple[str, ...]
    needs: tuple[str, ...] = ()
    quick: bool = False
    warm: bool = False


@dataclass(frozen=True)
class Programs:
    """Programs, ours first, and how to read what they print.

    Attributes
    ----------
    unit : {"s", "B"}
    most : int
        How often each is run at most.
    """

    title: str
    programs: Sequence[Program]
    read: Read
    unit: str = "s"
    most: int = 100

    def run(self, name: str, effort: Effort) -> Table:
        """Return what was read of every program, a number a round."""
        launched = [
            Launched(program.name, self._launch(program), program.warm)
            for program in self.programs
            if program.quick or not effort.quick
        ]
        rows: list[Row] = in_turn(launched, rounds=min(effort.launches, self.most))
        return Table(self.title, self.unit, "in all", rows)

    def _launch(self, program: Program) -> Launch:
        def launch(cache: Path) -> tuple[float, str]:
            if missing := [need for need in program.needs if not is_installed(need)]:
                raise SkippedError(f"{', '.join(missing)} is not installed")
            output = run_to_end(program.arguments, environment(threads=None, cache=cache))
            return self.read(*output), ""

        return launch
