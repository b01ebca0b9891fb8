"""Dropout and batch normalisation against labels of which a third are wrong.

A plain network learns the wrong ones by heart; one that may not rely on any single unit cannot. The
picture shows how the plain one is better before it is worse.

    python examples/noisy_labels.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

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


def train(*, is_regular, seed, epochs=40):
    """Train a network; ``val_accuracy`` of the history is its share of right answers.

    It is counted after each epoch, on rows that were not trained on and whose labels are right.
    """
    X, y, X_test, y_test = load(seed)
    return ad.fit(
        network(is_regular=is_regular, rng=seed),
        (X, y),
        validation=(X_test, y_test),
        metrics=["accuracy"],
        loss="cross_entropy",
        optimizer=lambda p: ad.optim.Adam(p, lr=1e-3),
        epochs=epochs,
        batch_size=64,
        seed=seed,
        compile=True,
    )


def plot(histories, path):
    """Draw the accuracy after each epoch, a line for each split; by the name of the network."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    for (name, runs), color in zip(histories.items(), ("tab:orange", "tab:blue"), strict=True):
        for i, history in enumerate(runs):
            label = None if i else name
            axes.plot(history.epochs, history["val_accuracy"], color=color, label=label)
    axes.set(xlabel="epoch", ylabel="accuracy on right labels")
    axes.set_title("A third of the labels trained on are wrong")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "noisy_labels.png"
    begin = time.perf_counter()
    print("Training two networks on three splits of noisy digits; about ten seconds.", flush=True)
    plain, regular = [], []
    for seed in range(3):
        plain.append(train(is_regular=False, seed=seed))
        regular.append(train(is_regular=True, seed=seed))
        before, after = (runs[-1]["val_accuracy"][-1] for runs in (plain, regular))
        print(f"  split {seed}: plain {before:.3f}, dropout and batch norm {after:.3f}", flush=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    plot({"plain": plain, "with dropout and batch norm": regular}, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
