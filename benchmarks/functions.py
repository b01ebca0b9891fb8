"""The cost and the error of every native elementary function, beside NumPy's and SciPy's.

Nanoseconds for one element of arrays that fit in the cache, and the greatest error found on a
sample of the whole range, in units in the last place, against extended precision. Run it by itself:
``python -m benchmarks.functions [NAME ...] [--json]``; arguments are what programs meet.
"""

from __future__ import annotations

import json
import statistics
import sys
from pathlib import Path

import numpy as np

sys.path.append(str(Path(__file__).parent.parent / "tests"))

import adjoint.special  # noqa: F401 - its cards are measured too
from adjoint.compiler.native.formats import SIZES
from adjoint.compiler.native.machine import this_machine
from adjoint.core import PRIMITIVES
from lane_loops import DTYPES, vectorised
from true_values import (
    BINARY,
    CANCELLING,
    RANGES,
    UNARY,
    arguments,
    pairs_of_arguments,
    true_values,
    ulps,
)

from .rival import repeated, timed
from .timing import turns

COUNT = 16384
# Where arguments are drawn from: what programs meet, not what is hardest.
DOMAINS = {
    **dict.fromkeys(("arcsin", "arccos", "arctanh"), (-0.99, 0.99)),
    **dict.fromkeys(("log", "log2", "log10", "entr"), (0.01, 10)),
    "log1p": (-0.9, 10),
    "arccosh": (1, 10),
    "logit": (0.01, 0.99),
}
POSITIVE_FIRST = ("power", "rel_entr", "kl_div")
POSITIVE_SECOND = ("xlogy", "xlog1py", "rel_entr", "kl_div")
OTHERS = ("copysign", "fmax", "fmin", "heaviside", "remainder", "floor_divide", "kl_div")


def timings(name: str, kind: str) -> dict[str, float]:
    """Return nanoseconds for an element."""
    dtype, rng = DTYPES[kind], np.random.default_rng(0)
    args = [rng.uniform(*DOMAINS.get(name, (-5, 5)), COUNT).astype(dtype)]
    if name in BINARY or name in OTHERS:
        args.append(rng.uniform(-5, 5, COUNT).astype(dtype))
    args[0] = np.abs(args[0]) if name in POSITIVE_FIRST else args[0]
    args[-1] = np.abs(args[-1]) if name in POSITIVE_SECOND else args[-1]
    width = this_machine().target.width(SIZES[kind])
    native = vectorised(name, (kind,) * len(args), width)
    y = np.empty(COUNT, dtype)
    forward = PRIMITIVES[name].forward
    rivals = {"native": native.prepared(y, *args), "NumPy": lambda: forward(*args)}
    runs = {rival: timed(repeated(call)) for rival, call in rivals.items()}
    times = turns(runs, rounds=7, seconds=0.01)
    return {rival: statistics.median(each) * 1e9 / COUNT for rival, each in times.items()}


def greatest_error(name: str, kind: str) -> float:
    """Return the greatest error on a sample, in ulp, or NaN where it is not measured."""
    if name in OTHERS:
        return float("nan")
    dtype, size = DTYPES[kind], None
    if name in RANGES:
        args = [np.random.default_rng(0).uniform(*RANGES[name], 3000).astype(dtype)]
    elif name in BINARY:
        args = list(pairs_of_arguments(name, dtype, 100_000))
        size = np.nan_to_num(np.maximum(*map(np.abs, args))) if name in CANCELLING else None
    else:
        args = [arguments(dtype, 100_000)]
    if name == "sigmoid":
        args = [args[0][args[0] > (-709.78 if kind == "f64" else -88.72)]]
    width = this_machine().target.width(SIZES[kind])
    y = vectorised(name, (kind,) * len(args), width)(*args)
    return float(ulps(y, true_values(name, *args), size=size).max())


def main() -> None:
    names = [arg for arg in sys.argv[1:] if not arg.startswith("-")]
    rows = []
    for name in names or sorted([*UNARY, *BINARY, *RANGES, *OTHERS, "sinc"]):
        for kind in ("f64", "f32"):
            times = timings(name, kind)
            rows.append(
                {"function": name, "kind": kind, **times, "ulp": greatest_error(name, kind)}
            )
    if "--json" in sys.argv:
        print(json.dumps({"title": "elementary functions, ns an element", "rows": rows}))
        return
    print("function      kind  native ns  NumPy ns    ratio   ulp")
    for row in rows:
        ratio = row["NumPy"] / row["native"]
        print(
            f"{row['function']:12}  {row['kind']}  {row['native']:9.2f} {row['NumPy']:9.2f} "
            f"{ratio:7.1f}x  {row['ulp']:5.2f}"
        )


if __name__ == "__main__":
    with np.errstate(all="ignore"):
        main()
