"""A trial: one fault, planted in a copy of the project, and the tests that execute its place."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import groupby

from .mutant import Mutant

PATIENCE = 8  # a machine with other work to do, in times of the tests' own seconds
START = 240.0


@dataclass(frozen=True)
class Trial:
    """What became of a mutant.

    Attributes
    ----------
    mutant : Mutant
    caught_by : str
        The test that failed, or "" if all passed.
    how : str
        "failed", "gone", "died" or "late" of that test; "survived"; "not executed".
    ran, executing : int
        How many tests were chosen, and how many execute the place.
    """

    mutant: Mutant
    caught_by: str
    how: str
    ran: int
    executing: int

    @property
    def is_caught(self) -> bool:
        """Whether a test noticed the fault."""
        return bool(self.caught_by)


def attempt(line_map, seconds: float, tree, mutant: Mutant) -> Trial:
    """Plant a fault in a copy of the project and run tests until one fails.

    Parameters
    ----------
    line_map : LineMap
    seconds : float
        How long the chosen tests take together, when nothing is wrong.
    tree : Tree
    mutant : Mutant
    """
    tests, executing = line_map.choose(mutant, seconds)
    if not tests:
        return Trial(mutant, "", "not executed", 0, executing)
    with tree.planted(mutant):
        caught_by, how = _run(tree, tests)
    return Trial(mutant, caught_by, how, len(tests), executing)


def _run(tree, tests):
    choice, result = tree.folder / "choice.json", tree.folder / "result.json"
    result.unlink(missing_ok=True)
    choice.write_text(json.dumps(_by_file(tests)), encoding="utf-8")
    limit = START + PATIENCE * sum(test.seconds for test in tests)
    code = tree.run("run", str(choice), str(result), seconds=limit)
    if code == 0:
        return "", "survived"
    how, test = json.loads(result.read_text(encoding="utf-8"))
    return test, "late" if code is None else how


def _by_file(tests):
    """Group tests by file, the files that are quick to be done with first."""
    ordered = sorted(tests, key=lambda test: test.file)
    groups = [(file, [(t.name, t.seconds) for t in row]) for file, row in _grouped(ordered)]
    return sorted(groups, key=lambda group: sum(seconds for _, seconds in group[1]))


def _grouped(tests):
    return ((file, list(row)) for file, row in groupby(tests, key=lambda test: test.file))
