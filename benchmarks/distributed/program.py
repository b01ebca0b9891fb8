"""What the ranks run: trainings whose digests are compared, timed, or cut short by a fault.

adjoint launch -n 2 benchmarks/distributed/program.py exact \
    '{"steps": 500, "batch_size": 50, "network": "MLP"}'
"""

import hashlib
import json
import os
import signal
import sys
import time
from collections import Counter

import numpy as np

import adjoint as ad
from adjoint import nn
from adjoint.parallel.mpi import MPIRanks, join
from adjoint.parallel.tree_sum import TreeSum
from adjoint.training.distributed_run import DistributedRun
from adjoint.training.staged_programs import StagedPrograms

X, Y = ad.datasets.make_moons(203, noise=0.1, seed=0)
IMAGES = np.random.default_rng(0).normal(size=(203, 1, 6, 6))
NETWORKS = {
    "MLP": lambda: nn.MLP(2, 16, 16, 2, rng=0),
    "batch norm": lambda: nn.Sequential(
        nn.Linear(2, 16, rng=0), nn.BatchNorm(16), nn.ReLU(), nn.Linear(16, 2, rng=1)
    ),
    "dropout": lambda: nn.Sequential(
        nn.Linear(2, 16, rng=0), nn.ReLU(), nn.Dropout(0.3, rng=2), nn.Linear(16, 2, rng=1)
    ),
    "CNN": lambda: nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0), nn.BatchNorm(4), nn.ReLU(), nn.Flatten(), nn.Linear(64, 2, rng=1)
    ),
}
OPTIMIZERS = ("sgd", "adam", "rmsprop")
SIZES = {
    "small": (20, [32], 256, 2048),
    "medium": (100, [256, 256], 512, 4096),
    "large": (784, [512, 512], 1024, 4096),
}


def digest(model, history):
    found = hashlib.sha256()
    for array in model.state_dict().values():
        found.update(array.tobytes())
    for name in history.keys():  # noqa: SIM118 - a history is no dict
        found.update(np.array(history[name]).tobytes())
    return found.hexdigest()


def exact(steps, batch_size, network):
    """Print a digest for every optimiser."""
    rows, found = IMAGES if network == "CNN" else X, {}
    for optimizer in OPTIMIZERS:
        model = NETWORKS[network]()
        history = ad.fit(
            model,
            (rows, Y),
            loss="cross_entropy",
            optimizer=optimizer,
            epochs=max(1, steps // -(-len(rows) // batch_size)),
            batch_size=batch_size,
            seed=0,
            distributed=True,
            progress=False,
        )
        found[optimizer] = digest(model, history)
    print(json.dumps(found))


def timed(size, mode, epochs, dtype="float64"):
    """Print seconds a step, and how many of them in the sums over ranks."""
    inputs, hidden, batch_size, rows = SIZES[size]
    rng = np.random.default_rng(0)
    data = rng.normal(size=(rows, inputs)).astype(dtype), rng.integers(0, 10, rows)
    model = nn.MLP(inputs, *hidden, 10, rng=0, dtype=dtype)
    ends, parts = [time.perf_counter()], [Counter()]
    _watch(MPIRanks, "exchange", parts)
    _watch(StagedPrograms, "on_stage", parts)
    _watch(StagedPrograms, "finish", parts)
    _watch(TreeSum, "__call__", parts)

    def after(history, model):
        ends.append(time.perf_counter())
        parts.append(Counter())

    ad.fit(
        model,
        data,
        loss="cross_entropy",
        epochs=epochs,
        batch_size=batch_size,
        seed=0,
        callbacks=[after],
        progress=False,
        distributed={"plain": False, "exact": True, "fast": ad.Distributed(shards=None)}[mode],
    )
    steps = rows // batch_size
    seconds = np.diff(ends)
    best = int(np.argmin(seconds))
    numbers = sum(p.size for p in model.parameters())
    facts = {"size": size, "mode": mode, "seconds": seconds[best] / steps}
    facts |= {"numbers": numbers, "batch": batch_size}
    for name in ("exchange", "on_stage", "finish", "__call__"):
        facts[name.strip("_")] = parts[best][name] / steps
    print(json.dumps(facts))


def _watch(kind, name, parts):
    """Add the seconds that a method takes up in the last of some counters."""
    original = getattr(kind, name)

    def watched(*args, **kwargs):
        start = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            parts[-1][name] += time.perf_counter() - start

    setattr(kind, name, watched)


def faulty(path, fault, victim, at, times):
    """Train with a checkpoint at every step; one rank is killed, or goes silent, at some point."""
    rank, attempt = join().rank, int(os.environ.get("ADJOINT_ATTEMPT", "0"))
    if rank == victim and attempt < times:
        _arm(fault, at)
    resume = DistributedRun.resume

    def told(self, position):
        resume(self, position)
        if rank == 0:
            print(json.dumps({"resumed": self.task.optimizer.steps, "time": time.time()}))

    DistributedRun.resume = told
    model = nn.Sequential(
        nn.Linear(2, 16, rng=0),
        nn.BatchNorm(16),
        nn.ReLU(),
        nn.Dropout(0.2, rng=1),
        nn.Linear(16, 2, rng=2),
    )
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        epochs=6,
        batch_size=32,
        seed=0,
        metrics=["accuracy"],
        validation=(X[:50], Y[:50]),
        distributed=True,
        checkpoint=ad.Saving(path, seconds=0),
        progress=False,
    )
    print(json.dumps({"digest": digest(model, history)}))


def _arm(fault, at):
    """Let this process end, or sleep, at a call of what the fault names."""
    place, name = {
        "step": (DistributedRun, "_take"),
        "sum": (MPIRanks, "exchange"),
        "validation": (DistributedRun, "_validated"),
        "save": (os, "replace"),
        "hang": (DistributedRun, "_take"),
    }[fault]
    original, calls = getattr(place, name), 0

    def fatal(*args, **kwargs):
        nonlocal calls
        calls += 1
        if calls == at:
            note = {"fault": fault, "calls": calls, "time": time.time()}
            os.write(2, (json.dumps(note) + "\n").encode())
            time.sleep(0.05)  # that the line is out
            if fault == "hang":
                time.sleep(3600)
            os.kill(os.getpid(), signal.SIGKILL)
        return original(*args, **kwargs)

    setattr(place, name, fatal)


if __name__ == "__main__":
    {"exact": exact, "timed": timed, "faulty": faulty}[sys.argv[1]](**json.loads(sys.argv[2]))
