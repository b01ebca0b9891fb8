"""Plant small faults in the package, one at a time, and see whether the tests notice.

Which tests execute which line is recorded once, with coverage. Then each fault is planted in a copy
of the project, and the tests that execute its place are run until one fails. The report and the
records are written to a folder that is not under version control.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from functools import partial
from pathlib import Path

from . import report
from .equivalent import reasons
from .lines import LineMap
from .sample import NOUNS, drawn, with_keys
from .tree import ROOT, Trees
from .trial import attempt


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("nouns", nargs="*", help=f"of {', '.join(NOUNS)}, or modules; else all")
    parser.add_argument("--count", type=int, default=300, help="mutants, the same share of each")
    parser.add_argument("--seed", type=int, default=0, help="of the sample")
    parser.add_argument("--seconds", type=float, default=40.0, help="of tests for one mutant")
    parser.add_argument("--workers", type=int, default=2, help="trials at the same time")
    parser.add_argument("--again", action="store_true", help="try the last survivors once more")
    parser.add_argument("--tests", nargs="*", metavar="FILE", help="files of tests, else all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "mutants", help="a folder")
    return parser.parse_args()


def main() -> int:
    chosen = arguments()
    try:
        if chosen.again:
            mutants = with_keys(json.loads((chosen.out / "survivors.json").read_text()))
        else:
            mutants = drawn(chosen.nouns, chosen.count, chosen.seed)
    except (ValueError, OSError) as error:
        print(f"python -m tests.mutants: {error}", file=sys.stderr)
        return 2
    kept = reasons()
    left_out = {mutant: kept[mutant.key] for mutant in mutants if mutant.key in kept}
    mutants = [mutant for mutant in mutants if mutant.key not in kept]
    line_map = LineMap(chosen.out.resolve() / "map", chosen.tests or files_of_tests())
    with tempfile.TemporaryDirectory(prefix="mutants-") as folder:
        trees = Trees(Path(folder), chosen.workers)
        for file in trees.each(line_map.record, line_map.missing()):
            print(f"recorded {file}", flush=True)
        trials = []
        for trial in trees.each(partial(attempt, line_map, chosen.seconds), mutants):
            trials.append(trial)
            print(report.line(trial), flush=True)
            # Written after each, so that a run that is cut short is not lost.
            report.write(chosen.out, trials, left_out)
    print(report.summary(trials, len(left_out)))
    return 0


def files_of_tests() -> list[str]:
    """Return all files of tests, and the package, whose examples are tests too."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    return ["src", *(file.relative_to(ROOT).as_posix() for file in files)]


if __name__ == "__main__":
    sys.exit(main())
