"""`python -m benchmarks.exported_c` times exported C beside emlearn's of the same network.

Both are of float32, compiled alike, and called in one program, in blocks that alternate; the least
time of a block counts. Their probabilities must agree before anything is timed. Code and constants
are those of an object compiled with -Os; emlearn calls expf of the C library besides, which is not
counted. It needs emlearn, scikit-learn and a C compiler. m2cgen 0.10 has no neural networks.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

import adjoint as ad

# The numbers that come in, the hidden layers, and the classes.
_NETWORKS = {
    "2-8-8-3": (2, (8, 8), 3),
    "5-64-64-32-4": (5, (64, 64, 32), 4),
    "64-32-10": (64, (32,), 10),
}
_PROGRAM = """
#include <stdio.h>
#include <time.h>
#include "ours.h"
int theirs_run(const float *x, float *y);
static const float rows[64][%(width)d] = {%(rows)s};
static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + 1e-9 * t.tv_nsec;
}
static volatile float sink;
int main(void) {
    double best[2] = {1e9, 1e9}, apart = 0;
    for (int n = 0; n < 64; n++) {
        float a[%(classes)d], b[%(classes)d];
        ours(rows[n], a);
        theirs_run(rows[n], b);
        for (int k = 0; k < %(classes)d; k++) {
            const double d = a[k] > b[k] ? a[k] - b[k] : b[k] - a[k];
            apart = d > apart ? d : apart;
        }
    }
    for (int block = 0; block < %(blocks)d; block++) {
        for (int which = 0; which < 2; which++) {
            const double start = now();
            for (int n = 0; n < %(calls)d; n++) {
                float y[%(classes)d];
                if (which) {
                    theirs_run(rows[n & 63], y);
                } else {
                    ours(rows[n & 63], y);
                }
                sink = y[0];
            }
            const double time = (now() - start) / %(calls)d;
            best[which] = time < best[which] ? time : best[which];
        }
    }
    printf("%%.9g %%.9g %%.3g\\n", best[0], best[1], apart);
    return 0;
}
"""
_THEIRS = """
#include "theirs_net.h"
int theirs_run(const float *x, float *y) {
    return eml_net_predict_proba(&theirs, x, %(width)d, y, %(classes)d);
}
"""


def main() -> None:
    """Print a table with a line for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="gcc")
    parser.add_argument("--blocks", type=int, default=15)
    parser.add_argument("--calls", type=int, default=20_000)
    options = parser.parse_args()
    print(
        f"{'':14}{'adjoint':>12}{'emlearn':>12}{'ratio':>8}{'bytes':>10}{'bytes':>10}{'apart':>10}"
    )
    for name, sizes in _NETWORKS.items():
        with tempfile.TemporaryDirectory() as folder:
            ours, theirs, apart, own, other = race(*sizes, Path(folder), options)
        times = f"{1e9 * ours:9.0f} ns{1e9 * theirs:9.0f} ns{theirs / ours:8.2f}"
        print(f"{name:14}{times}{own:10,}{other:10,}{apart:10.1e}", flush=True)


def race(
    width: int, hidden: tuple[int, ...], classes: int, folder: Path, options: argparse.Namespace
) -> tuple[float, float, float, int, int]:
    """Return seconds a row of each, how far they are apart, and the bytes of each."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(400, width))
    model = fitted(X, rng.integers(0, classes, 400), hidden)
    _write(model, hidden, width, classes, folder)
    rows = ",\n".join("{" + ", ".join(f"{v:.9g}f" for v in row) + "}" for row in X[:64])
    facts = {"width": width, "classes": classes, "rows": rows}
    facts |= {"blocks": options.blocks, "calls": options.calls}
    (folder / "race.c").write_text(_PROGRAM % facts)
    (folder / "theirs.c").write_text(_THEIRS % facts)
    flags = [options.compiler, "-std=gnu99", "-O2", "-ffp-contract=off", f"-I{_headers()}"]
    sources = ["race.c", "ours.c", "theirs.c"]
    subprocess.run([*flags, *sources, "-o", "race", "-lm"], cwd=folder, check=True)
    done = subprocess.run([str(folder / "race")], capture_output=True, text=True, check=True)
    ours, theirs, apart = map(float, done.stdout.split())
    if apart > 1e-4:  # emlearn writes six decimals of each weight
        raise SystemExit(f"the probabilities differ by {apart}")
    small = [options.compiler, "-std=gnu99", "-Os", "-ffp-contract=off", f"-I{_headers()}", "-c"]
    bytes_of = [_bytes(small, f"{which}.c", folder) for which in ("ours", "theirs")]
    return ours, theirs, apart, *bytes_of


def fitted(X: np.ndarray, y: np.ndarray, hidden: tuple[int, ...]) -> Any:
    """Return scikit-learn's network, hardly trained."""
    from sklearn.neural_network import MLPClassifier

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return MLPClassifier(hidden, activation="relu", max_iter=5, random_state=0).fit(X, y)


def _write(model: Any, hidden: tuple[int, ...], width: int, classes: int, folder: Path) -> None:
    import emlearn

    network = ad.nn.MLP(width, *hidden, classes, activation="relu", dtype=np.float32, rng=0)
    weights = [w for pair in zip(model.coefs_, model.intercepts_, strict=True) for w in pair]
    for parameter, weight in zip(network.parameters(), weights, strict=True):
        parameter.data = weight.astype(np.float32)
    whole = ad.nn.Sequential(network, ad.nn.Softmax())
    ad.export(whole, folder / "ours.c", np.zeros((1, width), np.float32))
    emlearn.convert(model, method="inline").save(file=str(folder / "theirs_net.h"), name="theirs")


def _headers() -> str:
    import emlearn

    return str(Path(emlearn.__file__).parent)


def _bytes(command: list[str], source: str, folder: Path) -> int:
    """Return the bytes of code, constants and data of an object."""
    subprocess.run([*command, source, "-o", "one.o"], cwd=folder, check=True)
    done = subprocess.run(["size", "one.o"], cwd=folder, capture_output=True, text=True, check=True)
    return sum(map(int, re.findall(r"\d+", done.stdout.splitlines()[1])[:3]))


if __name__ == "__main__":
    main()
