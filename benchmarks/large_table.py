"""Write a large table of Parquet in pieces, to fit and predict it in little memory.

``python -m benchmarks.large_table FOLDER --rows 10_000_000`` writes files of a million rows in row
groups of 100,000, each a function of its number. Then, each with its peak of memory:

    /usr/bin/time -v adjoint fit FOLDER --target bought --stream --checkpoint run --out model
    /usr/bin/time -v adjoint predict model FOLDER --out predictions.parquet

With ``--read`` it reads the folder and says how many rows a second that is.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import pyarrow
from pyarrow import parquet

GROUP, FILE = 100_000, 1_000_000
CITIES = [f"city {i}" for i in range(40)]


def rows_of(number, count):
    """Return a row group: numbers, one with gaps, a category, a moment, and what to predict."""
    rng = np.random.default_rng([7, number])
    income, age = rng.lognormal(10, 0.5, count), rng.integers(18, 90, count)
    visits = np.where(rng.random(count) < 0.05, np.nan, rng.poisson(3.0, count))
    city = rng.integers(0, len(CITIES), count)
    score = np.log(income) - 10 + 0.03 * (age - 50) + 0.2 * np.nan_to_num(visits) + 0.02 * city - 1
    bought = rng.random(count) < 1 / (1 + np.exp(-2 * score))
    when = np.datetime64("2024-01-01", "ms") + rng.integers(0, 3 * 10**10, count).astype("m8[ms]")
    noise = {f"measure_{i}": rng.normal(size=count) for i in range(4)}
    names = pyarrow.DictionaryArray.from_arrays(city.astype(np.int32), CITIES)
    columns = {"income": income, "age": age, "visits": visits, "city": names, "when": when}
    return pyarrow.table({**columns, **noise, "bought": np.where(bought, "yes", "no")})


def write(folder, rows):
    """Write so many rows."""
    folder.mkdir(parents=True)
    for start in range(0, rows, FILE):
        with parquet.ParquetWriter(
            folder / f"part-{start // FILE:04}.parquet", rows_of(0, 0).schema
        ) as writer:
            for at in range(start, min(start + FILE, rows), GROUP):
                writer.write_table(rows_of(at // GROUP, min(GROUP, rows - at)))


def main():
    """Write or read the folder."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--read", action="store_true", help="read it, and say how fast")
    chosen = parser.parse_args()
    if not chosen.read:
        write(chosen.folder, chosen.rows)
        size = sum(path.stat().st_size for path in chosen.folder.iterdir())
        print(f"{chosen.rows:,} rows, {size / 1e6:,.0f} MB")
        return
    from adjoint.data.stream import parquet_batches

    names = ["income", "age", *(f"measure_{i}" for i in range(4))]
    batches = parquet_batches(chosen.folder, X=names, y="measure_0", batch_size=256, seed=0)
    start = time.perf_counter()
    count = sum(len(X) for X, _ in batches(0))
    print(f"{count:,} rows shuffled, {count / (time.perf_counter() - start):,.0f} a second")


if __name__ == "__main__":
    main()
