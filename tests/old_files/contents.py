"""What the old files hold: the models, optimisers and data that they were written from.

Both the writer and the test build from here, so this page uses public names only, and those that
were there when the files were written.
"""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

import adjoint as ad
from adjoint import cli, nn, optim

FOLDER = Path(__file__).parent / "0.1.0"
LEARNING_RATE = 0.05


def normal(*shape, seed=0):
    """Return numbers of the normal distribution; NumPy keeps this generator's stream for ever."""
    return np.random.RandomState(seed).normal(size=shape)


# Twelve rows of three classes, and a number for each.
X = normal(12, 4)
CLASSES = np.arange(12) % 3
TARGETS = X[:, 0] - 2 * X[:, 1] + 0.1 * normal(12, seed=1)


def dense():
    """Return a network of the layers for vectors."""
    return nn.Sequential(
        nn.Linear(4, 6, rng=0),
        nn.BatchNorm(6),
        nn.PReLU(),
        nn.Linear(6, 6, rng=1),
        nn.LayerNorm(6),
        nn.GELU(),
        nn.Dropout(0.5, rng=0),
        nn.RMSNorm(6),
        nn.Residual(nn.Sequential(nn.Linear(6, 6, rng=2), nn.Softplus(), nn.Softsign())),
        nn.GLU(),
        nn.Sequential(nn.LeakyReLU(0.1), nn.ELU(), nn.SELU(), nn.SiLU(), nn.Mish(), nn.Hardtanh()),
        nn.Linear(3, 3, rng=3),
        nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid(), nn.Softmax()),
    )


def image():
    """Return a network of the layers for pictures and signals."""
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1, rng=0),
        nn.GroupNorm(2, 4),
        nn.MaxPool(2),
        nn.AvgPool(2),
        nn.Flatten(2),
        nn.Conv1d(4, 2, 3, rng=1),
        nn.Flatten(),
        nn.Linear(4, 2, rng=2),
    )


def sequence():
    """Return a network of the layers for sequences of which each gives an array alone."""
    return nn.Sequential(
        nn.Embedding(5, 4, rng=0),
        nn.TransformerEncoderLayer(4, 2, 8, rng=1),
        nn.Linear(4, 2, rng=2),
    )


def mlp():
    """Return a small network of classes."""
    return nn.MLP(4, 5, 3, activation="tanh", rng=0)


# A network and what it is called with.
MODELS = {
    "dense": (dense, X),
    "image": (image, normal(2, 1, 8, 8)),
    "sequence": (sequence, np.array([[0, 1, 2], [4, 3, 3]])),
    "mlp": (mlp, X),
    "rnn": (partial(nn.RNN, 4, 3, rng=0), normal(2, 3, 4)),
    "gru": (partial(nn.GRU, 4, 3, bidirectional=True, rng=0), normal(2, 3, 4)),
    "lstm": (partial(nn.LSTM, 4, 3, layers=2, rng=0), normal(2, 3, 4)),
    "attention": (partial(nn.MultiheadAttention, 4, 2, rng=0), normal(2, 3, 4)),
}


def outputs(model, x):
    """Return what a model gives in evaluation mode, as a list of arrays."""
    with ad.no_grad():
        found = model.eval()(x)
    return arrays(found)


def arrays(tree):
    """Return the arrays in nested tuples, lists and dicts."""
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, (tuple, list)):
        return [array for item in tree for array in arrays(item)]
    return [np.asarray(tree.data if isinstance(tree, ad.Tensor) else tree)]


def as_json(tree):
    """Return nested tuples, lists and dicts of arrays as JSON has them, each number exactly."""
    if isinstance(tree, dict):
        return {"dict": {name: as_json(item) for name, item in tree.items()}}
    if isinstance(tree, (tuple, list)):
        return {type(tree).__name__: [as_json(item) for item in tree]}
    (array,) = arrays(tree)
    return {"dtype": str(array.dtype), "shape": array.shape, "entries": array.tolist()}


def from_json(found):
    """Return what `as_json` was given, with arrays in the place of numbers and tensors."""
    if "dict" in found:
        return {name: from_json(item) for name, item in found["dict"].items()}
    if "tuple" in found:
        return tuple(map(from_json, found["tuple"]))
    if "list" in found:
        return list(map(from_json, found["list"]))
    return np.array(found["entries"], found["dtype"]).reshape(found["shape"])


OPTIMIZERS = {
    "SGD": lambda p: optim.SGD(p, lr=optim.Cosine(LEARNING_RATE, 20), momentum=0.9, nesterov=True),
    "Adam": lambda p: optim.Adam(p, lr=LEARNING_RATE),
    "AdamW": lambda p: optim.AdamW(p, lr=optim.Warmup(optim.Exponential(LEARNING_RATE, 0.9), 3)),
    "AMSGrad": lambda p: optim.AMSGrad(p, lr=LEARNING_RATE),
    "NAdam": lambda p: optim.NAdam(p, lr=LEARNING_RATE),
    "RAdam": lambda p: optim.RAdam(p, lr=LEARNING_RATE),
    "RMSprop": lambda p: optim.RMSprop(p, lr=LEARNING_RATE, momentum=0.5, centered=True),
    "Adagrad": lambda p: optim.Adagrad(p, lr=LEARNING_RATE),
    "Adadelta": lambda p: optim.Adadelta(p, lr=1.0),
    "Lion": lambda p: optim.Lion(p, lr=0.01),
    "EMA": lambda p: optim.EMA(optim.Adam(p, lr=LEARNING_RATE), decay=0.9),
}


def step(model, optimizer):
    """Take a step on all rows."""
    optimizer.zero_grad()
    nn.functional.cross_entropy(model.train()(X), CLASSES).backward()
    optimizer.step()


def train(name, **settings):
    """Train the small network with an optimiser for a few steps of its second epoch, and stop."""
    steps = iter(range(7))

    def interrupted_loss(prediction, target):
        if next(steps, None) is None:
            raise KeyboardInterrupt
        return nn.functional.cross_entropy(prediction, target)

    return ad.fit(
        mlp(),
        (X, CLASSES),
        loss=interrupted_loss,
        optimizer=OPTIMIZERS[name],
        epochs=5,
        batch_size=3,
        seed=0,
        metrics=["accuracy"],
        callbacks=[ad.callbacks.EarlyStopping(monitor="loss", patience=3)],
        compile=False,
        **settings,
    )


# The commands that wrote the folders of models, after `adjoint fit`.
TABLE_MODELS = {
    "table-of-classes": ("--target", "town"),
    "table-of-numbers": ("--target", "income"),
}


def table():
    """Return a table of numbers, words and gaps as CSV."""
    rng = np.random.RandomState(0)
    lines = ["age,weight,town,income,member"]
    for n in range(60):
        age, weight = rng.randint(18, 80), round(float(rng.normal(70, 9)), 1)
        town = ("Oslo", "Rome", "Kyiv")[(age // 15 + n % 2) % 3]
        income = 30 * age + 100 * (town == "Rome") + rng.randint(100)
        lines.append(f"{age if n % 9 else ''},{weight},{town},{income},{('yes', 'no')[n % 2]}")
    return "\n".join(lines) + "\n"


def predictions(folder):
    """Return what `adjoint predict` says of the table, a dict for each row."""
    with TemporaryDirectory() as scratch:
        out = Path(scratch) / "predictions.json"
        table = str(folder.parent / "table.csv")
        assert cli.main(["predict", str(folder), table, "--json", "--out", str(out)]) == 0
        return [json.loads(line) for line in out.read_text().splitlines()]
