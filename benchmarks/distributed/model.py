"""What a step costs, as a model fitted to the small and the large size, tried on the medium one.

Seconds of a step, for a rank that computes s shards with one thread:

    c + a s + e W + m P s + u P + [several ranks] ⌈log₂ n⌉ (l + b B)

where W are the operations of the rank's rows, P the numbers of the network and B their bytes.
"""

import math

import numpy as np
from scipy.optimize import nnls

NAMES = ("c", "a", "e", "m", "u")


def terms(row, ranks):
    """Return what each constant is multiplied by."""
    shards = (8 if row["mode"] == "exact" else ranks) / ranks
    work = 6 * row["batch"] * row["numbers"] / ranks
    return np.array([1.0, shards, work, row["numbers"] * shards, row["numbers"]])


def fitted(rows):
    """Return the constants, of the rows of two sizes; of each row relative errors count."""
    A = np.array([terms(row, ranks) for row, ranks in rows])
    t = np.array([row["seconds"] - row["exchange"] for row, _ in rows])
    scale = np.abs(A).max(axis=0)
    found, _ = nnls(A / t[:, None] / scale, np.ones(len(t)))
    together = [(row["numbers"] * 8.0, row["exchange"]) for row, ranks in rows if ranks == 2]
    lines = np.array([[1.0, size] for size, _ in together])
    seconds = np.array([seconds for _, seconds in together])
    l_and_b, _ = nnls(lines / seconds[:, None], np.ones(len(seconds)))
    return dict(zip((*NAMES, "l", "b"), [*(found / scale), *l_and_b], strict=True))


def predicted(constants, row, ranks):
    """Return the seconds of a step."""
    own = float(terms(row, ranks) @ [constants[name] for name in NAMES])
    rounds = math.ceil(math.log2(ranks))
    return own + rounds * (constants["l"] + constants["b"] * row["numbers"] * 8)


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
    print("\nspeedup over one rank with one thread, by the model; batch 1024")
    for numbers in (1_000, 10_000, 100_000, 1_000_000):
        row = {"mode": "exact", "numbers": numbers, "batch": 1024}
        one = predicted(constants, row, 1)
        gains = [f"{n}: {one / predicted(constants, row, n):.2f}" for n in (2, 4, 8)]
        print(f"{numbers:>9,} numbers  " + "  ".join(gains))
