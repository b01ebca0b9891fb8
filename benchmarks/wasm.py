"""`python -m benchmarks.wasm` times the article's training in node and in C, beside native code.

One process of node runs both the module of WebAssembly and a loop in JavaScript that is written by
hand; blocks of epochs of these, of exported C and of native code alternate. Unshuffled, losses in
node must agree with native code's before anything is timed. It also compares the weights after
5,000 epochs.
"""

from __future__ import annotations

import argparse
import ctypes
import hashlib
import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

import adjoint as ad

_SIZES = (2, 4, 4, 2)
_ROWS, _BATCH, _RATE = 1000, 50, 0.05
_SCRIPT = Path(__file__).parent / "js" / "article.mjs"


def model() -> Any:
    return ad.nn.MLP(*_SIZES, activation="sigmoid", dtype=np.float64, rng=0)


def optimizer(params: Any) -> Any:
    return ad.optim.SGD(params, lr=_RATE)


def task(X: np.ndarray, y: np.ndarray) -> ad.TrainingTask:
    given = {"loss": "cross_entropy", "optimizer": optimizer, "batch_size": _BATCH, "seed": 0}
    return ad.TrainingTask(model(), (X, y), **given)


class InC:
    """The training as exported C, which gcc compiles with -O2."""

    def __init__(self, folder: str, X: np.ndarray, y: np.ndarray) -> None:
        done = ad.export(task(X, y), Path(folder) / "article.c")
        print(done)
        flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
        library = str(Path(folder) / "article.so")
        subprocess.run(["gcc", *flags, f"{folder}/article.c", "-o", library], check=True)
        self.library = ctypes.CDLL(library)
        self.own = ctypes.create_string_buffer(done.sizes["memory"] + 64)
        self.arrays = [X, y.astype(np.int32)], np.zeros(len(X), np.int32)
        self.library.article_init(self.own, ctypes.c_uint64(0))

    def run(self, epochs: int) -> float:
        """Return the seconds of some epochs."""
        data, order = self.arrays
        loss = ctypes.c_double()
        pointers = [ctypes.c_void_p(array.ctypes.data) for array in data]
        given = [*pointers, len(order), ctypes.c_void_p(order.ctypes.data), ctypes.byref(loss)]
        start = time.perf_counter()
        for _ in range(epochs):
            assert self.library.article_epoch(self.own, *given) == 0
        return time.perf_counter() - start


class Node:
    """A process of node with the two trainings."""

    def __init__(self, folder: str, X: np.ndarray, y: np.ndarray) -> None:
        print(ad.export(task(X, y), Path(folder) / "article.wasm"))
        X.tofile(Path(folder) / "X.bin")
        y.astype(np.int64).tofile(Path(folder) / "y.bin")
        (Path(folder) / "sizes.json").write_text(json.dumps(_SIZES))
        self.process = subprocess.Popen(
            ["node", str(_SCRIPT), folder], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def run(self, name: str, epochs: int) -> tuple[float, float]:
        """Return the seconds of some epochs, and the last loss."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{name}:{epochs}\n")
        self.process.stdin.flush()
        seconds, loss = map(float, self.process.stdout.readline().split())
        return seconds, loss

    def close(self) -> None:
        """End the process."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


class Native:
    """Native code, timed between two epochs of one `fit`."""

    def run(self, X: np.ndarray, y: np.ndarray, epochs: int, *, shuffle: bool) -> tuple[float, Any]:
        """Return the seconds of some epochs, and the history; the first epoch is not timed."""
        marks: list[float] = []

        def note(*_: Any) -> None:
            marks.append(time.perf_counter())

        calls = ad.callbacks.AtEpochs([1, epochs + 1], note)
        network = model()
        history = ad.fit(
            network,
            (X, y),
            loss="cross_entropy",
            optimizer=optimizer,
            epochs=epochs + 1,
            batch_size=_BATCH,
            seed=0,
            shuffle=shuffle,
            callbacks=[calls],
            progress=False,
        )
        return marks[1] - marks[0], (history, network)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.wasm", description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--epochs", type=int, default=200, help="of a round")
    chosen = parser.parse_args()
    X, y = ad.datasets.make_moons(_ROWS, noise=0.1, seed=0)
    native = Native()
    with tempfile.TemporaryDirectory() as folder:
        node = Node(folder, X, y)
        expected = native.run(X, y, 4, shuffle=False)[1][0].loss[-1]
        for name in ("wasm in order", "javascript in order"):
            loss = node.run(name, 5)[1]
            assert abs(loss - expected) <= 1e-10 * expected, (name, loss, expected)
        c = InC(folder, X, y)
        runs = {
            "native": lambda epochs: native.run(X, y, epochs, shuffle=True)[0],
            "c": c.run,
            "wasm": lambda epochs: node.run("wasm", epochs)[0],
            "javascript": lambda epochs: node.run("javascript", epochs)[0],
        }
        best: dict[str, float] = {}
        for _ in range(chosen.rounds):
            for name, run in runs.items():
                seconds = run(chosen.epochs)
                best[name] = min(best.get(name, seconds), seconds)
        node.close()
    steps = chosen.epochs * -(-_ROWS // _BATCH)
    for name, seconds in best.items():
        ratio = best["javascript"] / seconds
        print(f"{name:12} {steps / seconds:>12,.0f} steps/s   {ratio:6.2f} x the loop by hand")
    _compare(X, y)


def _compare(X: np.ndarray, y: np.ndarray, epochs: int = 5000) -> None:
    """Print how far the weights after many epochs in node are from those of native code."""
    script = """
import fs from "node:fs";
const folder = process.argv[2];
const { load } = await import(`file://${folder}/article.mjs`);
const of = (name, Kind) => new Kind(new Uint8Array(fs.readFileSync(`${folder}/${name}`)).buffer);
const training = await load([of("X.bin", Float64Array), of("y.bin", BigInt64Array)]);
training.run(+process.argv[3]);
const weights = Object.values(training.parameters()).flatMap((a) => Array.from(a));
fs.writeFileSync(`${folder}/weights.bin`, Buffer.from(new Float64Array(weights).buffer));
"""
    with tempfile.TemporaryDirectory() as folder:
        node = Node(folder, X, y)
        node.close()
        (Path(folder) / "long.mjs").write_text(script)
        command = ["node", str(Path(folder) / "long.mjs"), folder, str(epochs)]
        subprocess.run(command, check=True)
        found = np.fromfile(Path(folder) / "weights.bin")
    _, network = Native().run(X, y, epochs - 1, shuffle=True)[1]
    here = np.concatenate([parameter.data.ravel() for parameter in network.parameters()])
    print(
        f"after {epochs:,} epochs: largest difference of a weight {np.abs(found - here).max():.2g}"
    )
    for name, weights in (("node", found), ("native", here)):
        print(f"{name:12} SHA-256 {hashlib.sha256(weights.tobytes()).hexdigest()[:16]}")


if __name__ == "__main__":
    main()
