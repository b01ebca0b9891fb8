"""A race is a benchmark whose rivals work in processes of their own and are timed in turn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Any

import numpy as np

from .process import Worker
from .rival import Rival, SkippedError
from .table import Row, Table
from .timing import Run, turns


@dataclass(frozen=True)
class Effort:
    """How much is done: rounds, the seconds of a turn, and whether only a quick run is wanted."""

    rounds: int = 9
    seconds: float = 0.3
    launches: int = 21
    quick: bool = False


QUICK = Effort(rounds=2, seconds=0.01, launches=2, quick=True)


@dataclass(frozen=True)
class Race:
    """Rivals that do the same work again and again.

    Attributes
    ----------
    title : str
    per : str
        What a time is of, as "a step".
    rivals : sequence of Rival
        Ours first.
    reference : str
        The rival whose result the others' must be.
    tolerance : float
        By which relative to the reference's a result may differ.
    parts : int
        How many of what a time is of are in the work done once.
    threads : int
    rest : float
        Seconds between turns, for threads that spin to come to rest.
    unchecked : tuple of str
        Rivals that only bound the work, and have no result.
    """

    title: str
    per: str
    rivals: Sequence[Rival]
    reference: str
    tolerance: float
    parts: int = 1
    threads: int = 1
    rest: float = 0.0
    unchecked: tuple[str, ...] = ()

    def run(self, name: str, effort: Effort) -> Table:
        """Return the times of those rivals that are there and whose results agree."""
        rivals = [rival for rival in self.rivals if rival.quick or not effort.quick]
        rows = {rival.name: Row(rival.name) for rival in rivals}
        workers: dict[str, Worker] = {}
        with TemporaryDirectory() as cache:
            try:
                for rival in rivals:
                    try:
                        workers[rival.name] = Worker(
                            name, rival.name, threads=self.threads, cache=Path(cache)
                        )
                    except SkippedError as reason:
                        rows[rival.name].skipped = str(reason)
                self._check(workers, rows)
                self._time(workers, rows, effort)
            finally:
                for worker in workers.values():
                    worker.close()
        return Table(self.title, "s", self.per, list(rows.values()))

    def _check(self, workers: dict[str, Worker], rows: dict[str, Row]) -> None:
        """Leave only the workers whose results are the reference's."""
        expected = workers[self.reference].ask("result")["result"]
        for name in [name for name in workers if name not in self.unchecked]:
            try:
                answer = workers[name].ask("result")
                rows[name].about = answer["about"]
                error = difference(answer["result"], expected)
                if not error <= self.tolerance:
                    raise SkippedError(f"its result differs by {error:.1e} from {self.reference}'s")
            except SkippedError as reason:
                rows[name].skipped = str(reason)
                workers.pop(name).close()

    def _time(self, workers: dict[str, Worker], rows: dict[str, Row], effort: Effort) -> None:
        runs = {name: self._run_of(worker, rows[name]) for name, worker in workers.items()}
        for name, times in turns(runs, rounds=effort.rounds, seconds=effort.seconds).items():
            rows[name].values = [time / self.parts for time in times]

    def _run_of(self, worker: Worker, row: Row) -> Run:
        def run(count: int) -> float:
            sleep(self.rest)
            answer = worker.ask("run", count)
            row.threads = answer["threads"]
            seconds: float = answer["seconds"]
            return seconds

        return run


def difference(result: Any, expected: Any) -> float:
    """Return by how much a result differs, relative to the greatest number expected."""
    result, expected = np.asarray(result), np.asarray(expected)
    if result.shape != expected.shape:
        return float("inf")
    return float(np.abs(result - expected).max() / np.abs(expected).max())
