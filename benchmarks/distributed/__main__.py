"""Measure distributed training: ``python -m benchmarks.distributed exact | kills | speed``."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from ..measured_code import code
from . import model

PROGRAM = Path(__file__).parent / "program.py"


def run(what, ranks, facts, *options):
    """Return the lines of JSON that rank 0 prints, standard error, and the status."""
    command = [sys.executable, "-m", "adjoint", "launch", "-n", str(ranks), *options]
    command += [str(PROGRAM), what, json.dumps(facts)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=None if what == "exact" else 7200
    )
    return [json.loads(x) for x in done.stdout.splitlines() if x[:1] == "{"], done.stderr, done


def exact(full, kept):
    """Compare digests on 1, 2, 3 and 4 ranks, for batches that make shards of several sizes."""
    wrong = 0
    for batch_size in (50, 5):
        for network in ("MLP", "batch norm", "dropout", "CNN"):
            facts = {"steps": 5000 if full else 100, "batch_size": batch_size, "network": network}
            tables = {ranks: digests(ranks, facts, kept) for ranks in (1, 2, 3, 4)}
            for optimizer, expected in tables[1].items():
                same = [ranks for ranks, table in tables.items() if table[optimizer] == expected]
                wrong += same != [1, 2, 3, 4]
                name = f"{network}, {optimizer}"
                print(f"{name:20} batch {batch_size:3} {expected[:12]} equal on ranks {same}")
                sys.stdout.flush()
    print(f"{facts['steps']} steps; {wrong} rows differ")
    return wrong


def digests(ranks, facts, kept):
    """Return the digests that some ranks come to, from a file if this code found them before."""
    key = {"ranks": ranks, **facts, "code": code("llvmlite", files=(PROGRAM,))}
    for known, table in read(kept) if kept else []:
        if known == key:
            return table
    found, errors, _ = run("exact", ranks, facts, "--timeout", "0")
    if not found:
        sys.exit(errors)
    if kept:
        with kept.open("a") as file:
            file.write(json.dumps({"key": key, "digests": found[0]}) + "\n")
    return found[0]


def read(kept):
    """Return the keys and digests in a file; that it cannot be written is said now, not later."""
    try:
        kept.touch()
        lines = [json.loads(line) for line in kept.read_text().splitlines()]
        return [(line["key"], line["digests"]) for line in lines]
    except (OSError, ValueError, TypeError, KeyError) as error:
        sys.exit(f"--kept {kept}: {error!r}; if its last line is cut off, remove this line")


def kills(full, kept):
    """Kill ranks in all sorts of moments, and compare what the restarted job comes to."""
    rng, rows = np.random.default_rng(0), []
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "checkpoint")
        none = {"path": path, "fault": "step", "victim": 0, "at": 0, "times": 0}
        expected = run("faulty", 1, none)[0][-1]["digest"]
        cases = [
            (fault, victim, ranks, times)
            for ranks in (2, 3)
            for victim in range(ranks)
            for fault in ("step", "sum", "validation", "save", "hang")
            for times in (1, 2)
            if (fault != "save" or victim == 0) and (fault != "sum" or ranks == 2)
        ]
        # A job with a hung rank takes as long as the timeout; so these come last.
        cases.sort(key=lambda case: case[0] == "hang")
        for fault, victim, ranks, times in cases if full else cases[::4]:
            at = int(rng.integers(1, 7 if fault == "validation" else 14))
            Path(path).unlink(missing_ok=True)
            facts = {"path": path, "fault": fault, "victim": victim, "at": at, "times": times}
            start = time.time()
            found, errors, done = run("faulty", ranks, facts, "--restarts", "2", "--timeout", "15")
            faults = [json.loads(x) for x in errors.splitlines() if x[:1] == "{"]
            back = [x for x in found if "resumed" in x]
            waits = [
                b["time"] - f["time"] for f, b in zip(faults[-len(back) :], back, strict=False)
            ]
            rows.append(
                {
                    **{k: v for k, v in facts.items() if k != "path"},
                    "ranks": ranks,
                    "kills": len(faults),
                    "resumed_at": [x["resumed"] for x in back],
                    "restart_seconds": [round(x, 2) for x in waits],
                    "equal": bool(found) and found[-1].get("digest") == expected,
                    "status": done.returncode,
                    "seconds": round(time.time() - start, 1),
                    "said": [x for x in errors.splitlines() if x.startswith("adjoint launch")],
                }
            )
            print(json.dumps(rows[-1]), flush=True)
    total, equal = sum(row["kills"] for row in rows), sum(row["equal"] for row in rows)
    print(f"{total} ranks lost in {len(rows)} jobs, {equal} of which came to the expected bits")
    return len(rows) - equal


def speed(full, kept):
    """Time a step of three sizes: one process, and 1 and 2 ranks; fit the model of the costs."""
    best = {}
    cases = [("plain", 1, 2), ("exact", 1, 2)]
    cases += [(mode, ranks, 1) for mode in ("exact", "fast") for ranks in (1, 2)]
    for _ in range(6 if full else 2):
        for size, epochs in (("small", 40), ("medium", 8), ("large", 3)):
            for mode, ranks, threads in cases:
                os.environ["OMP_NUM_THREADS"] = str(threads)
                facts = {"size": size, "mode": mode, "epochs": epochs}
                found, errors, _ = run("timed", ranks, facts)
                if not found:
                    sys.exit(errors)
                key = size, mode, ranks, threads
                if key not in best or found[0]["seconds"] < best[key]["seconds"]:
                    best[key] = found[0]
    for (size, mode, ranks, threads), row in best.items():
        print(
            f"{size:7} {mode:6} ranks {ranks}, threads {threads}: {row['seconds'] * 1e6:8.0f} µs a "
            f"step, {row['exchange'] * 1e6:6.0f} in exchanges; {row['numbers']:,} numbers"
        )
    print()
    model.report([(row, key[2]) for key, row in best.items() if key[3] == 1])
    return 0


def main():
    parser = argparse.ArgumentParser(prog="python -m benchmarks.distributed", description=__doc__)
    parser.add_argument("what", choices=["exact", "kills", "speed"])
    parser.add_argument(
        "--full", action="store_true", help="all cases, and steps as many as stated"
    )
    parser.add_argument(
        "--kept",
        type=Path,
        metavar="FILE",
        help="of exact: where digests are kept, to go on later; those of other code are left",
    )
    given = parser.parse_args()
    sys.exit({"exact": exact, "kills": kills, "speed": speed}[given.what](given.full, given.kept))


if __name__ == "__main__":
    main()
