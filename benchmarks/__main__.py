"""`python -m benchmarks [NAME ...]` runs benchmarks, prints tables and writes them as JSON."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from . import machine
from .catalogue import BENCHMARKS
from .race import QUICK, Effort


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    parser.add_argument("--quick", action="store_true", help="ours and NumPy, hardly repeated")
    parser.add_argument("--rounds", type=int, default=Effort.rounds, help="turns of each rival")
    parser.add_argument("--seconds", type=float, default=Effort.seconds, help="of a turn, about")
    parser.add_argument("--launches", type=int, default=Effort.launches, help="of each process")
    parser.add_argument("--out", type=Path, default=Path("benchmarks.json"), help="the JSON file")
    chosen = parser.parse_args()
    if unknown := [name for name in chosen.names if name not in BENCHMARKS]:
        parser.error(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}")
    return chosen


def main() -> None:
    chosen = arguments()
    effort = replace(
        Effort(), rounds=chosen.rounds, seconds=chosen.seconds, launches=chosen.launches
    )
    effort = QUICK if chosen.quick else effort
    record = {
        "command": " ".join(["python -m benchmarks", *sys.argv[1:]]),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": machine.describe(),
        "benchmarks": {},
    }
    for name in chosen.names or BENCHMARKS:
        table = BENCHMARKS[name]().run(name, effort)
        print(f"{name}: {table}\n", flush=True)
        record["benchmarks"][name] = table.record()
        # Written after each, so that a run that is cut short is not lost.
        chosen.out.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
