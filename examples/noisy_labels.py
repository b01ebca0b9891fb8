"""Dropout and batch normalisation against labels of which a third are wrong.

A plain network learns the wrong ones by heart; one that may not rely on any single unit cannot.

    python examples/noisy_labels.py
"""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import adjoint as ad
from adjoint import nn

WRONG = 1 / 3


def load(seed=0):
    """Return digits to train on, a third of them under a random label, and right ones to test."""
    images, digits = load_digits(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        images / 16, digits, test_size=0.5, stratify=digits, random_state=seed
    )
    rng = np.random.default_rng(seed)
    wrong = rng.random(len(y)) < WRONG
    return X, np.where(wrong, rng.integers(0, 10, len(y)), y), X_test, y_test


def network(*, is_regular, rng=0, width=256):
    """Return two hidden layers, with or without what keeps them from learning by heart."""
    rng = np.random.default_rng(rng)
    layers = []
    for fan_in in (64, width):
        layers.append(nn.Linear(fan_in, width, rng=rng, initialise="he_normal"))
        layers += [nn.BatchNorm(width)] * is_regular
        layers.append(nn.ReLU())
        layers += [nn.Dropout(0.5, rng=rng)] * is_regular
    return nn.Sequential(*layers, nn.Linear(width, 10, rng=rng))


def accuracy(*, is_regular, seed, epochs=40):
    """Train a network, and return its share of right answers on the right labels."""
    X, y, X_test, y_test = load(seed)
    model = network(is_regular=is_regular, rng=seed)
    ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.Adam(p, lr=1e-3),
        epochs=epochs,
        batch_size=64,
        seed=seed,
        compile=True,
    )
    with ad.no_grad():
        return float(np.mean(np.argmax(model.eval()(X_test).data, axis=1) == y_test))


def main() -> None:
    for seed in range(3):
        plain, regular = (accuracy(is_regular=kind, seed=seed) for kind in (False, True))
        print(f"split {seed}: plain {plain:.3f}, with dropout and batch norm {regular:.3f}")


if __name__ == "__main__":
    main()
