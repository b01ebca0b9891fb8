"""`adjoint fit --minutes` beside its defaults, on the development tables of `benchmarks.tables`.

    python -m benchmarks.table_search MINUTES SCORES.json [NAME[:SPLITS] ...]

Each split holds a fifth of the rows out, as `benchmarks.tables` does, and the search sees none of
them. Its time is counted in seconds of this process's CPU, so that other work on the machine
changes nothing; with OMP_NUM_THREADS=1 they are those of a clock on an idle machine. What is in the
file already is not run again.
"""

from __future__ import annotations

import json
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
from sklearn.model_selection import train_test_split

from adjoint.tables import search as searching
from adjoint.tables.scores import measure
from adjoint.tables.search import Search
from adjoint.tables.settings import TableSettings
from adjoint.tables.training import train
from adjoint.tables.trial import prepare

from .measured_code import code
from .tables import DEVELOP, load

SPLITS = 3


class CpuClock:
    """A clock that counts seconds of this process's CPU."""

    perf_counter = staticmethod(time.process_time)


def compare(name: str, seed: int, minutes: float) -> dict[str, Any]:
    """Return the scores of the defaults and of a search on rows that neither saw."""
    source = DEVELOP[name]
    frame = load(source)
    target = frame[source.target]
    is_number = target.dtype.kind in "fiu" and target.nunique() > 10
    if not is_number:
        frame = frame.astype({source.target: str})
    strata = None if is_number else target
    kept, held = train_test_split(frame, test_size=0.2, random_state=seed, stratify=strata)
    settings = TableSettings(
        task="regression" if is_number else "classification", seed=seed, test=2 / len(kept)
    )
    table = pyarrow.Table.from_pandas(kept, preserve_index=False)
    task = prepare(table, source.target, settings)
    searching.time = CpuClock  # type: ignore[assignment]
    found = searching.search(*task, settings, Search(minutes), progress=False)
    usual = train(*task, settings, progress=False)
    asked = pyarrow.Table.from_pandas(held, preserve_index=False)
    y, known = task[1].encode(asked[source.target])
    X = task[0].encode(asked, Counter())[known]
    metric = found.searched.metric
    scores = {
        which: measure(metric, one.model.outputs(X), y[known])
        for which, one in {"defaults": usual, "search": found.trained}.items()
    }
    trials = found.searched.trials
    options = trials[found.searched.chosen].choice.options(trials[0].choice)
    return {"metric": metric, "trials": len(trials), "chosen": options, **scores}


def main(words: list[str]) -> None:
    """Run what is not in the file yet, and print the differences."""
    minutes, place = float(words[0]), Path(words[1])
    found = json.loads(place.read_text()) if place.exists() else {}
    files = Path(__file__), Path(__file__).with_name("tables.py")
    measured = f"{minutes:g} minutes, {code('scikit-learn', 'llvmlite', files=files)}"
    for word in words[2:] or [name for name in DEVELOP if name != "diamonds"]:
        name, _, splits = word.partition(":")
        keys = {seed: f"{name} {seed}, {measured}" for seed in range(int(splits or SPLITS))}
        for seed, key in keys.items():
            if key not in found:
                found[key] = compare(name, seed, minutes)
                place.write_text(json.dumps(found, indent=1))
        own = [found[key] for key in keys.values()]
        gains = [one["search"] - one["defaults"] for one in own]
        error = np.std(gains, ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else np.nan
        usual, trials = (np.mean([one[x] for one in own]) for x in ("defaults", "trials"))
        print(
            f"{name}, {own[0]['metric']}, {trials:.0f} trials: defaults {usual:.4f}, search - "
            f"defaults {np.mean(gains):+.4f} ± {error:.4f}",
            flush=True,
        )


if __name__ == "__main__":
    main(sys.argv[1:])
