"""Two threads share large products: the same bits, and nothing left behind."""

import gc
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

pytest.importorskip("llvmlite")

import adjoint as ad
from adjoint.compiler.native import team

pytestmark = pytest.mark.skipif(not team.can_share(), reason="needs a second core, and Linux")

# Columns that are no whole number of panels, a depth of more than a block, and a short last batch.
SIZES, BATCH = (1100, 530, 3), 64
RNG = np.random.default_rng(0)
X, Y = RNG.normal(size=(150, SIZES[0])), RNG.integers(0, SIZES[-1], 150)


def train(epochs=3, dtype=np.float32):
    model = ad.nn.MLP(*SIZES, rng=0, dtype=dtype)
    history = ad.fit(
        model,
        (X, Y),
        loss="cross_entropy",
        optimizer=ad.optim.Adam(model.parameters()),
        epochs=epochs,
        batch_size=BATCH,
        seed=0,
        compile=True,
        progress=False,
    )
    assert history.tier == "native"
    return history.loss, [parameter.data.tobytes() for parameter in model.parameters()]


def partners():
    return [thread for thread in threading.enumerate() if thread.name == "adjoint partner"]


@pytest.fixture
def started(monkeypatch):
    """Count the partners that begin."""
    count = []
    original = threading.Thread.start

    def start(thread):
        count.append(thread.name)
        original(thread)

    monkeypatch.setattr(threading.Thread, "start", start)
    return count


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_two_threads_compute_the_same_bits_as_one(dtype, started, monkeypatch):
    together = train(dtype=dtype)
    assert started == ["adjoint partner"]
    monkeypatch.setattr(team, "can_share", lambda: False)
    assert train(dtype=dtype) == together
    assert started == ["adjoint partner"]


def test_the_partner_goes_with_its_training():
    train(epochs=1)
    gc.collect()
    for _ in range(100):
        if not partners():
            break
        time.sleep(0.02)
    assert not partners()


def test_trainings_side_by_side_do_not_disturb_each_other():
    expected, found = train(), []
    threads = [threading.Thread(target=lambda: found.append(train())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [expected] * 3


def test_a_busy_machine_changes_no_bit():
    expected = train()
    hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(3)]
    try:
        assert train() == expected
    finally:
        for hog in hogs:
            hog.kill()
            hog.wait()


def test_an_interpreter_ends_while_an_partner_sleeps():
    code = (
        "import numpy as np, adjoint as ad\n"
        "from adjoint.training.native_run import NativeRun\n"
        "from adjoint.training.task import Task\n"
        "model = ad.nn.MLP(300, 300, 2, rng=0)\n"
        "data = np.ones((100, 300)), np.zeros(100, int)\n"
        "optimizer = ad.optim.SGD(model.parameters(), lr=0.1)\n"
        "loss = ad.nn.functional.cross_entropy\n"
        "task = Task(model, data, loss, optimizer, batch_size=100, seed=0)\n"
        "NativeRun(task, ad.History(seed=0), epochs=1).train(1)\n"
        "print('ended')\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "ended\n", "")


def test_small_products_need_no_partner(started):
    model = ad.nn.MLP(64, 128, 10, rng=0)
    data = RNG.normal(size=(100, 64)), RNG.integers(0, 10, 100)
    ad.fit(
        model,
        data,
        loss="cross_entropy",
        optimizer=ad.optim.SGD(model.parameters(), lr=0.1),
        epochs=2,
        batch_size=50,
        seed=0,
        compile=True,
        progress=False,
    )
    assert not started
