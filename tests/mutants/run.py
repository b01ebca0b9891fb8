"""Run chosen tests until one fails: `run CHOICE RESULT`, two JSON files.

The first holds a list of [file, [[test, seconds] ...]]. The second is written anew at every test,
so that it tells which test was running if the process did not survive.
"""

from __future__ import annotations

import json
import resource
import signal
import sys
from pathlib import Path

import pytest

MEMORY = 12 << 30  # of addresses, which native code and threads reserve generously
LEAST_SECONDS = 20.0


class Chosen:
    """A plugin that runs some tests of a file only, in their order, with a limit for each.

    A test that takes ten times as long as it should, in time of the processor, is running for ever:
    the signal ends the process, since neither native code nor a lock would listen to an exception.
    """

    def __init__(self, tests: dict[str, float], result: Path):
        self.tests, self.result = tests, result

    def pytest_collection_modifyitems(self, items):
        items[:] = [item for item in items if item.nodeid in self.tests]

    def pytest_collection_finish(self, session):
        """A test that is no longer there cannot pass: cases are often read off the package."""
        gone = self.tests.keys() - {item.nodeid for item in session.items}
        if gone:
            tell(self.result, "gone", min(gone))
            pytest.exit("a chosen test is gone", returncode=1)

    def pytest_collectreport(self, report):
        if report.failed:
            tell(self.result, "failed", report.nodeid)

    def pytest_runtest_logstart(self, nodeid):
        tell(self.result, "died", nodeid)
        signal.setitimer(signal.ITIMER_PROF, LEAST_SECONDS + 10 * self.tests[nodeid])

    def pytest_runtest_logreport(self, report):
        if report.failed:
            tell(self.result, "failed", report.nodeid)


def tell(result: Path, outcome: str, test: str) -> None:
    """Write what happened, and in which test."""
    result.write_text(json.dumps([outcome, test]), encoding="utf-8")


def main(choice: str, result: str) -> int:
    """Run the tests, and return what pytest returned for the last file."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    for file, tests in json.loads(Path(choice).read_text(encoding="utf-8")):
        tell(Path(result), "died", file)
        signal.setitimer(signal.ITIMER_PROF, 10 * LEAST_SECONDS)
        plugin = Chosen(dict(tests), Path(result))
        code = pytest.main([file, "-x", "-n", "0", "-p", "no:cacheprovider"], plugins=[plugin])
        if code:
            return int(code)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
