"""Trainings that give one SHA-256 wherever they run: the article's, and digits with Adam."""

import hashlib

import numpy as np

import adjoint as ad
from adjoint import nn

SEED = 5


def article():
    """Return what makes a model, its rows, and the options of `fit`."""
    rows = ad.datasets.make_moons(1000, noise=0.2, seed=0)

    def make():
        return nn.MLP(2, 4, 4, 2, activation="sigmoid", rng=0, dtype=np.float64)

    sgd = lambda params: ad.optim.SGD(params, lr=0.5)  # noqa: E731
    return make, rows, {"optimizer": sgd, "loss": "cross_entropy", "batch_size": 50}


def digits():
    """Return the same of a network for scikit-learn's digits, on as many rows."""
    generator = np.random.default_rng(1)
    images, labels = generator.integers(17, size=(1797, 64)) / 16, generator.integers(10, size=1797)

    def make():
        return nn.MLP(64, 128, 10, activation="relu", rng=0, dtype=np.float32)

    rows = images.astype(np.float32), labels
    return make, rows, {"optimizer": "adam", "loss": "cross_entropy", "batch_size": 50}


def digest_of_fit(make, epochs):
    """Return the SHA-256 of the weights that `fit` gives, the losses, and how many weights."""
    network, rows, options = make()
    model, options = network(), options | {"reproducible": True, "progress": False}
    history = ad.fit(model, rows, epochs=epochs, seed=SEED, **options)
    weights = np.concatenate([parameter.data.ravel() for parameter in model.parameters()])
    return hashlib.sha256(weights.tobytes()).hexdigest(), history.loss, weights.size
