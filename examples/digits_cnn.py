"""Train a small convolutional network on scikit-learn's handwritten digits, 8 × 8 pixels each.

It reaches a test accuracy of at least 0.985 on a fifth of the images that were held out. The
picture shows those of them that it is least sure of.

    python examples/digits_cnn.py --out pictures
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


def load(seed=0):
    """Return images to train on and to test with, (n, 1, 8, 8) each, and their digits."""
    images, digits = load_digits(return_X_y=True)
    images = (images / 16).astype(np.float32).reshape(-1, 1, 8, 8)
    return train_test_split(images, digits, test_size=0.2, stratify=digits, random_state=seed)


def network(rng=0):
    """Return two convolutions, each halving the image, and a linear layer."""
    rng = np.random.default_rng(rng)
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1, rng=rng, dtype=np.float32),
        nn.BatchNorm(16, dtype=np.float32),
        nn.ReLU(),
        nn.MaxPool(2),
        nn.Conv2d(16, 32, 3, padding=1, rng=rng, dtype=np.float32),
        nn.BatchNorm(32, dtype=np.float32),
        nn.ReLU(),
        nn.MaxPool(2),
        nn.Flatten(),
        nn.Dropout(0.3, rng=rng),
        nn.Linear(128, 10, rng=rng, dtype=np.float32),
    )


def fit(model, X, y, *, epochs=20, seed=0):
    """Train a network; returns the history."""
    steps = epochs * -(-len(X) // 32)
    rate = ad.optim.schedules.OneCycle(5e-3, steps=steps)
    return ad.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer=lambda params: ad.optim.AdamW(params, lr=rate),
        epochs=epochs,
        batch_size=32,
        seed=seed,
        compile=True,
    )


def probabilities(model, X):
    """Return how likely each image is each digit, (n, 10)."""
    with ad.no_grad():
        return ad.softmax(model.eval()(X)).data


def accuracy(model, X, y):
    """Return the share of images whose digit is told."""
    return float(np.mean(probabilities(model, X).argmax(axis=1) == y))


def plot(model, X, y, path, *, count=16):
    """Draw the images that a network is least sure of, under what it says; mistakes in red."""
    from matplotlib.figure import Figure

    sure = probabilities(model, X)
    figure = Figure(figsize=(7, 3), layout="constrained")
    figure.suptitle("The test images of which the network is least sure")
    rows = figure.subplots(2, count // 2)
    for axes, i in zip(rows.flat, np.argsort(sure.max(axis=1))[:count], strict=True):
        said = sure[i].argmax()
        axes.imshow(X[i, 0], cmap="gray_r")
        axes.set_axis_off()
        verdict = "" if said == y[i] else f"\nbut it is {y[i]}"
        color = "black" if said == y[i] else "tab:red"
        axes.set_title(f"{said}: {sure[i, said]:.0%}{verdict}", fontsize=9, color=color)
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "digits_cnn.png"
    begin = time.perf_counter()
    print("Training on 1,437 images of digits, for three splits; about three seconds.", flush=True)
    for seed in range(3):
        X, X_test, y, y_test = load(seed)
        model, start = network(seed), time.perf_counter()
        history = fit(model, X, y, seed=seed)
        seconds = time.perf_counter() - start
        reached = accuracy(model, X_test, y_test)
        print(
            f"  split {seed}: test accuracy {reached:.4f} after {seconds:.1f} s, "
            f"{history.tier} tier",
            flush=True,
        )
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(model, X_test, y_test, path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
