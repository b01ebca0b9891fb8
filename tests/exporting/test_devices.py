"""Exported C on an emulated Cortex-M4 and AArch64: golden vectors, golden trainings, and sizes."""

import shutil
import subprocess

import numpy as np
import pytest

import adjoint as ad
from adjoint import nn
from cortex_m4 import code_size, needs_tools, run

pytestmark = pytest.mark.full
F32, F64 = np.float32, np.float64
rng = np.random.default_rng(0)
X, Y = ad.datasets.make_moons(64, noise=0.1, seed=0)


class Last(nn.Module):
    def __init__(self):
        self.cell = nn.LSTM(3, 8, rng=0, dtype=F32)
        self.out = nn.Linear(8, 2, rng=1, dtype=F32)

    def forward(self, x):
        return self.out(self.cell(x)[0][:, -1])


def article(dtype=F32):
    return nn.MLP(2, 4, 4, 2, activation="sigmoid", rng=0, dtype=dtype)


def regression():
    return nn.MLP(5, 64, 64, 32, 2, activation="tanh", rng=0, dtype=F32)


NETWORKS = {"article": (article, (2,)), "regression": (regression, (5,)), "lstm": (Last, (8, 3))}
SERIES = rng.normal(size=(24, 8, 3)).astype(F32), rng.normal(size=(24, 2)).astype(F32)
ROWS = rng.normal(size=(20, 5)).astype(F32), rng.normal(size=(20, 2)).astype(F32)
SGD = lambda params: ad.optim.SGD(params, lr=0.05)  # noqa: E731
TRAININGS = {
    "article": (article, (X.astype(F32), Y), SGD, "cross_entropy"),
    "article in float64": (lambda: article(F64), (X, Y), SGD, "cross_entropy"),
    "regression": (regression, ROWS, "adam", "mse_loss"),
    "lstm": (Last, SERIES, "adam", "mse_loss"),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_golden_vectors_hold_on_a_cortex_m4(name, tmp_path):
    needs_tools()
    make, shape = NETWORKS[name]
    ad.export(make(), tmp_path / "net.c", np.ones((1, *shape), F32))
    assert run(tmp_path, "net.c", flags=["-DNET_MAIN"]) == "8 golden vectors: ok"


def test_the_articles_network_takes_less_than_two_kilobytes(tmp_path):
    needs_tools()
    ad.export(article(), tmp_path / "net.c", np.ones((1, 2), F32))
    assert code_size(tmp_path, "net.c") <= 2048


@pytest.mark.parametrize("is_same", [False, True])
@pytest.mark.parametrize("name", TRAININGS)
def test_a_cortex_m4_learns_with_the_bits_of_native_code(name, is_same, tmp_path):
    pytest.importorskip("llvmlite")
    needs_tools()
    make, data, optimizer, loss = TRAININGS[name]
    options = {"loss": loss, "optimizer": optimizer, "batch_size": 8, "reproducible": is_same}
    ad.export(ad.TrainingTask(make(), data, **options), tmp_path / "net.c")
    told = run(tmp_path, "net.c", flags=["-DNET_MAIN"])
    assert told == "2 golden epochs, to the last bit: ok"


@pytest.mark.parametrize("name", NETWORKS)
def test_golden_vectors_hold_on_an_aarch64(name, tmp_path):
    compiler, emulator = "aarch64-linux-gnu-gcc", "qemu-aarch64"
    for tool in (compiler, emulator):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")
    make, shape = NETWORKS[name]
    ad.export(make(), tmp_path / "net.c", np.ones((1, *shape), F32))
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-static", "-DNET_MAIN"]
    subprocess.run([compiler, *flags, "net.c", "-o", "run"], cwd=tmp_path, check=True)
    done = subprocess.run([emulator, "./run"], cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout == "8 golden vectors: ok\n"
