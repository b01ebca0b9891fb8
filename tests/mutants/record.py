"""Run one file of tests and keep which lines each test executes: `record FILE TARGET`.

Beside the database of coverage, a JSON file keeps how long each test that passed took.
"""

from __future__ import annotations

import json
import os
import sys

import pytest


class Recorder:
    """A plugin that tells coverage which test is running, and takes the time."""

    def __init__(self, coverage):
        self.coverage = coverage
        self.seconds = {}
        self.passed = set()
        self.test = ""

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item, nextitem):
        self.test = item.nodeid
        self.coverage.switch_context(self.test)
        started = seconds_of_processor()
        result = yield
        self.seconds[self.test] = seconds_of_processor() - started
        self.coverage.switch_context("")
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef):
        """What several tests share is not run by one of them alone: it is kept for the file."""
        if fixturedef.scope == "function":
            return (yield)
        self.coverage.switch_context("")
        result = yield
        self.coverage.switch_context(self.test)
        return result

    def pytest_runtest_logreport(self, report):
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)


def seconds_of_processor() -> float:
    """Return the time that this process and those that it has started have computed."""
    return sum(os.times()[:4])


def main(file: str, target: str) -> None:
    from coverage import Coverage

    coverage = Coverage(data_file=target, config_file=False, source=["src/adjoint"])
    coverage.set_option("run:relative_files", True)
    recorder = Recorder(coverage)
    coverage.start()
    pytest.main([file, "-n", "0", "-p", "no:cacheprovider"], plugins=[recorder])
    coverage.stop()
    coverage.save()
    tests = {test: recorder.seconds[test] for test in recorder.seconds if test in recorder.passed}
    with open(f"{target}.json", "w", encoding="utf-8") as out:
        json.dump(tests, out)


if __name__ == "__main__":
    main(*sys.argv[1:])
