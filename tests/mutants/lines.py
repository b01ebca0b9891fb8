"""Which tests execute a line, and how long they take: recorded once for each file of tests."""

from __future__ import annotations

import functools
import hashlib
import json
import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from .tree import PACKAGE, ROOT

LONGEST_FILE = 3600.0


@dataclass(frozen=True, order=True)
class Test:
    """A test: the name that pytest knows it by, its file, and its seconds."""

    __test__ = False

    name: str
    file: str
    seconds: float


class LineMap:
    """The tests that execute each line of the package.

    Parameters
    ----------
    folder : Path
        Where the records are kept. A record is made anew when the package, or the file of tests,
        has changed.
    files : list of str
        The files of tests, from the root of the project on.
    root : Path
        The project.
    """

    def __init__(self, folder: Path, files: list[str], root: Path = ROOT):
        folder.mkdir(parents=True, exist_ok=True)
        package = _digest(sorted((root / PACKAGE).rglob("*.py")))[:12]
        self.records = {
            file: folder / f"{file.replace('/', '-')}-{package}-{_version(root / file)}"
            for file in files
        }

    def missing(self) -> list[str]:
        """Return the files of tests that have no record."""
        return [file for file, record in self.records.items() if not _times(record).exists()]

    def record(self, tree, file: str) -> str:
        """Run a file of tests in a copy of the project, keep what it executes, return its name."""
        tree.run("record", file, str(self.records[file]), seconds=LONGEST_FILE)
        return file

    def choose(self, mutant, seconds: float) -> tuple[list[Test], int]:
        """Choose tests that execute a mutant's place, and say how many there are.

        The files of tests take turns, the fastest tests first, until the time is used up. A test
        that executes the place itself goes before those that share with others what does.
        """
        alone, shared = self._executing(mutant)
        chosen, left = in_turns(alone, seconds)
        more, _ = in_turns(shared - alone, left)
        return chosen + more, len(alone | shared)

    def _executing(self, mutant):
        """Return the tests that execute the place, by themselves and together with others."""
        tests = self._tests_by_line(mutant.file)
        for lines in mutant.lines:
            rows = [tests[line] for line in lines if line in tests]
            alone = {test for row in rows for test in row[0]}
            shared = {test for row in rows for test in row[1]}
            if alone or (shared and not mutant.at_import):
                return alone, shared
        return set(), set()

    @functools.cache  # noqa: B019 - there is one map
    def _tests_by_line(self, source):
        found = defaultdict(lambda: (set(), set()))
        for file, record in self.records.items():
            if not _times(record).exists():
                continue
            tests = self._tests(file)
            for line, names in _contexts(record, f"{PACKAGE}/{source}").items():
                alone, shared = found[line]
                alone.update(tests[name] for name in names if name in tests)
                if "" in names:
                    shared.update(tests.values())
        return found

    @functools.cache  # noqa: B019 - there is one map
    def _tests(self, file):
        times = json.loads(_times(self.records[file]).read_text(encoding="utf-8"))
        return {name: Test(name, file, seconds) for name, seconds in times.items()}


def in_turns(tests: set[Test], seconds: float) -> tuple[list[Test], float]:
    """Take the fastest test of each file, then the second of each, until the time is used up.

    Returns
    -------
    chosen : list of Test
    left : float
        The seconds that are left.
    """
    by_file = defaultdict(list)
    for test in sorted(tests, key=lambda test: (test.seconds, test)):
        by_file[test.file].append(test)
    turns = [(turn, test) for row in by_file.values() for turn, test in enumerate(row)]
    chosen = []
    for _, test in sorted(turns, key=lambda pair: (pair[0], pair[1].seconds, pair[1])):
        if test.seconds <= seconds:
            chosen.append(test)
            seconds -= test.seconds
    return chosen, seconds


def _contexts(record, source):
    from coverage import CoverageData

    data = CoverageData(str(record))
    data.read()
    return data.contexts_by_lineno(source)


def _times(record):
    return record.with_name(record.name + ".json")


def _version(path):
    """Return what changes with a file of tests, or with what it imports from beside it."""
    return _digest([path, *_imported(path)] if path.is_file() else [])[:12]


def _imported(path):
    """Return what a file of tests imports from beside it."""
    text = path.read_text(encoding="utf-8")
    for name in sorted(set(re.findall(r"^(?:from|import) (\w+)", text, re.MULTILINE))):
        beside = path.with_name(f"{name}.py")
        yield from [beside] if beside.exists() else sorted(path.with_name(name).rglob("*.py"))


def _digest(paths):
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()
