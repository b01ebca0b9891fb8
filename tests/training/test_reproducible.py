"""Trainings with reproducible=True: one SHA-256, whatever the processor's registers are like."""

import ctypes
import shutil
import subprocess

import numpy as np
import pytest

pytest.importorskip("llvmlite")

from adjoint.datasets import make_moons

import adjoint as ad
from adjoint import nn, optim
from emulated import PROCESSORS, emulating
from sampled import for_full
from x86_levels import LEVELS, compiling_for, machine_of

CLASSES = 3
rng = np.random.default_rng(0)
ROWS = rng.normal(size=(57, 6))
LABELS = rng.integers(CLASSES, size=57)
HELD = rng.normal(size=(23, 6)), rng.integers(CLASSES, size=23)
IMAGES = rng.normal(size=(26, 1, 8, 8))
CODES = rng.integers(11, size=(40, 4))
SERIES = rng.normal(size=(26, 5, 3))


def trained(model, data, **settings):
    """Return the digest of a training, and the losses."""
    chosen = {"loss": "cross_entropy", "epochs": 3, "batch_size": 16, "seed": 5} | settings
    chosen |= {"progress": False, "reproducible": True}
    history = ad.fit(model, data, **chosen)
    assert history.tier == "native"
    return history.sha256(model), history.loss


def article(dtype, epochs=20):
    X, y = make_moons(1000, noise=0.2, seed=0)
    model = nn.MLP(2, 4, 4, 2, activation="sigmoid", rng=0, dtype=dtype)
    sgd = lambda p: optim.SGD(p, lr=0.5)  # noqa: E731
    return trained(model, (X, y), optimizer=sgd, epochs=epochs, batch_size=50)


def digits(dtype, epochs=2):
    # The sizes of scikit-learn's digits, and as many rows.
    generator = np.random.default_rng(1)
    X, y = generator.integers(17, size=(1797, 64)) / 16, generator.integers(10, size=1797)
    model = nn.MLP(64, 128, 10, activation="relu", rng=0, dtype=dtype)
    return trained(model, (X, y), epochs=epochs, batch_size=50)


def early(dtype):
    stop = ad.callbacks.EarlyStopping(patience=2)
    return trained(
        nn.MLP(6, 9, CLASSES, activation="tanh", rng=0, dtype=dtype),
        (ROWS, LABELS),
        validation=HELD,
        metrics=["accuracy"],
        callbacks=[stop],
        epochs=40,
        optimizer=lambda p: optim.Adam(p, lr=0.05),
    )


def dropout(dtype):
    layers = [nn.Linear(6, 40, rng=0, dtype=dtype), nn.GELU(), nn.Dropout(0.3, rng=1)]
    return trained(
        nn.Sequential(*layers, nn.Linear(40, CLASSES, rng=2, dtype=dtype)), (ROWS, LABELS)
    )


def batch_norm(dtype):
    layers = [nn.Linear(6, 40, rng=0, dtype=dtype), nn.BatchNorm(40, dtype=dtype), nn.ReLU()]
    model = nn.Sequential(*layers, nn.Linear(40, CLASSES, rng=2, dtype=dtype))
    return trained(model, (ROWS, LABELS), validation=HELD, optimizer="adamw")


def images(dtype):
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3, rng=0, dtype=dtype),
        nn.SiLU(),
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Linear(36, CLASSES, rng=1, dtype=dtype),
    )
    return trained(model, (IMAGES, LABELS[:26]), batch_size=7)


def recurrent(dtype):
    class Last(nn.Module):
        def __init__(self):
            self.inner, self.out = (
                nn.LSTM(3, 7, rng=0, dtype=dtype),
                nn.Linear(7, CLASSES, rng=1, dtype=dtype),
            )

        def forward(self, x):
            return self.out(self.inner(x)[0][:, -1])

    return trained(Last(), (SERIES, LABELS[:26]))


def attention(dtype):
    class Encoder(nn.Module):
        def __init__(self):
            self.layer = nn.TransformerEncoderLayer(4, 2, 8, rng=0, dtype=dtype)
            self.first, self.out = (
                nn.Linear(3, 4, rng=1, dtype=dtype),
                nn.Linear(4, CLASSES, rng=1, dtype=dtype),
            )

        def forward(self, x):
            return self.out(np.mean(self.layer(self.first(x)), axis=1))

    return trained(Encoder(), (SERIES, LABELS[:26]))


def embedding(dtype):
    table = nn.Sequential(
        nn.Embedding(11, 5, rng=0, dtype=dtype),
        nn.Flatten(),
        nn.Linear(20, CLASSES, rng=1, dtype=dtype),
    )
    return trained(table, (CODES, LABELS[:40]))


def weighted_regression(dtype):
    y = np.sin(ROWS[:, :1]) + ROWS[:, 1:2] ** 2
    return trained(
        nn.MLP(6, 30, 1, activation="softplus", rng=0, dtype=dtype),
        (ROWS, y),
        loss=nn.HuberLoss(delta=0.7),
        sample_weight=np.linspace(0, 2, 57),
        metrics=["r2", "rmse", "mae"],
        validation=(HELD[0], HELD[0][:, :1]),
        optimizer=lambda p: optim.SGD(
            p, lr=optim.Cosine(0.1, steps=12), momentum=0.9, nesterov=True
        ).clip_gradients(norm=0.5),
    )


def all_at_once(dtype):
    """Convolution, batch normalisation, dropout, a short last batch, validation, early stopping."""
    model = nn.Sequential(
        nn.Conv2d(1, 3, 3, rng=0, dtype=dtype),
        nn.BatchNorm(3, dtype=dtype),
        nn.SiLU(),
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Dropout(0.2, rng=1),
        nn.Linear(27, CLASSES, rng=1, dtype=dtype),
    )
    return trained(
        model,
        (IMAGES[:18], LABELS[:18]),
        validation=(IMAGES[18:], LABELS[18:26]),
        metrics=["accuracy"],
        batch_size=7,
        epochs=20,
        callbacks=[ad.callbacks.EarlyStopping(patience=2)],
        optimizer=lambda p: optim.Adam(p, lr=0.03),
    )


CASES = [(article, np.float64), (all_at_once, np.float32)]
OTHERS = [
    *(
        (case, dtype)
        for case in (early, dropout, images, batch_norm, recurrent, attention, embedding)
        for dtype in (np.float64, np.float32)
    ),
    (article, np.float32),
    (digits, np.float64),
    (digits, np.float32),
    (all_at_once, np.float64),
    (weighted_regression, np.float64),
    (weighted_regression, np.float32),
]


@pytest.mark.parametrize(("case", "dtype"), [*CASES, *for_full(OTHERS)])
def test_the_digest_is_the_same_for_registers_of_every_width(case, dtype):
    found = set()
    for level in LEVELS:
        with compiling_for(machine_of(level)):
            found.add(case(dtype)[0])
    assert len(found) == 1


@pytest.mark.full
@pytest.mark.parametrize("processor", sorted(PROCESSORS))
@pytest.mark.parametrize("case", [article, digits, all_at_once, attention])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_the_digest_is_that_of_an_emulated_processor(processor, case, dtype, tmp_path):
    expected = case(dtype)
    with emulating(processor, tmp_path):
        assert case(dtype) == expected


@pytest.mark.full
@pytest.mark.parametrize("activation", ["relu", "tanh", "sigmoid", "gelu"])
@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_exported_c_gives_the_same_bits(activation, dtype, tmp_path):
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no compiler of C")
    model = nn.MLP(6, 64, 33, 2, activation=activation, rng=0, dtype=dtype).eval()
    x = ROWS.astype(dtype)
    ad.export(model, tmp_path / "net.c", x[:1])
    files = [tmp_path / "net.c", "-o", tmp_path / "net.so"]
    flags = ["-std=c99", "-O2", "-ffp-contract=off", "-shared", "-fPIC"]
    subprocess.run([compiler, *flags, *files], check=True)
    net = ctypes.CDLL(str(tmp_path / "net.so")).net
    found = np.zeros((len(x), 2), dtype)
    for row, y in zip(x, found, strict=True):
        net(ctypes.c_void_p(row.ctypes.data), ctypes.c_void_p(y.ctypes.data))
    assert found.tobytes() == ad.compile(model, reproducible=True)(x).tobytes()


@pytest.mark.full
def test_the_articles_training_has_one_digest_to_its_end():
    found = set()
    for level in LEVELS:
        with compiling_for(machine_of(level)):
            found.add(article(np.float64, epochs=5000)[0])
    assert len(found) == 1
