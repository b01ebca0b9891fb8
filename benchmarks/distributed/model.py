"""What a step costs, as a model fitted to the small and the large size, tried on the medium one.

Seconds of a step, for a rank that computes s shards with one thread:

    c + (a s + e W) + (m s P) + (v + u P) + ⌈log₂ n⌉ (l + b B)

in this order: what surrounds a step, the shards, their sums, the update, the exchanges. W are the
operations of the rank's rows, P the numbers of the network, B their bytes. Each bracket is fitted
to its own part of the time. Where several ranks share this machine's memory and clock an operation
takes f e instead of e.
"""

import math

import numpy as np
from scipy.optimize import nnls


def shards_of(row, ranks):
    """Return how many shards a rank has."""
    return (8 if row["mode"] == "exact" else ranks) / ranks


def work_of(row, ranks):
    """Return the operations of a rank's rows."""
    return 6 * row["batch"] * row["numbers"] / ranks


def sums_of(row):
    """Return the seconds of the sums alone, without what is computed and sent in between."""
    return row["call"] - row["on_stage"] - row["exchange"]


def line(columns, seconds):
    """Return the coefficients, not below 0, that fit seconds best, each by its relative error."""
    A, t = np.array(columns, float), np.array(seconds)
    scale = np.abs(A).max(axis=0)
    return nnls(A / t[:, None] / scale, np.ones(len(t)))[0] / scale


def fitted(rows):
    """Return the constants."""
    alone = [row for row, ranks in rows if ranks == 1]
    paired = [row for row, ranks in rows if ranks == 2]
    k = {}
    k["a"], k["e"] = line(
        [(shards_of(row, 1), work_of(row, 1)) for row in alone], [r["on_stage"] for r in alone]
    )
    k["f"] = np.median(
        [
            (row["on_stage"] - k["a"] * shards_of(row, 2)) / work_of(row, 2) / k["e"]
            for row in paired
            if row["size"] == "large"
        ]
    )
    k["m"] = line(
        [(shards_of(row, ranks) * row["numbers"],) for row, ranks in rows],
        [sums_of(row) for row, _ in rows],
    )[0]
    k["v"], k["u"] = line([(1, r["numbers"]) for r, _ in rows], [r["finish"] for r, _ in rows])
    k["l"], k["b"] = line([(1, 8 * r["numbers"]) for r in paired], [r["exchange"] for r in paired])
    k["c"] = np.median(
        [r["seconds"] - r["call"] - r["finish"] for r in alone if r["size"] == "small"]
    )
    return k


def predicted(k, row, ranks, *, shared=True):
    """Return the seconds of a step; of ranks on one machine, or each on one of its own."""
    shards = shards_of(row, ranks)
    e = k["e"] * (k["f"] if shared and ranks > 1 else 1.0)
    own = k["c"] + k["a"] * shards + e * work_of(row, ranks)
    own += k["m"] * shards * row["numbers"] + k["v"] + k["u"] * row["numbers"]
    return own + math.ceil(math.log2(ranks)) * (k["l"] + k["b"] * row["numbers"] * 8)


def report(rows):
    """Print the constants, the trial on the medium size, and what more ranks would make of it."""
    constants = fitted([(row, ranks) for row, ranks in rows if row["size"] != "medium"])
    print("  ".join(f"{name} = {value:.3g}" for name, value in constants.items()))
    for row, ranks in rows:
        guess = predicted(constants, row, ranks)
        print(
            f"{row['size']:7}{row['mode']:6} ranks {ranks}: {row['seconds'] * 1e6:8.0f} µs, "
            f"the model says {guess * 1e6:8.0f}: {guess / row['seconds'] - 1:+.0%}"
            + ("  (not fitted)" if row["size"] == "medium" else "")
        )
    print(
        "\nspeedup over one rank, by the model, where an operation takes as long as for one alone"
    )
    for batch in (256, 4096):
        for numbers in (1_000, 10_000, 100_000, 1_000_000):
            row = {"mode": "exact", "numbers": numbers, "batch": batch}
            one = predicted(constants, row, 1)
            gains = [
                f"{n}: {one / predicted(constants, row, n, shared=False):.2f}" for n in (2, 4, 8)
            ]
            print(f"batch {batch:5} {numbers:>9,} numbers  " + "  ".join(gains))
