"""Predict a range instead of a number: three quantiles of noise that grows, by one network.

The picture shows what it found beside the quantiles that the points were drawn by.

    python examples/quantile_regression.py --out pictures
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np

import adjoint as ad
from adjoint import nn

LEVELS = (0.1, 0.5, 0.9)
# Of the standard normal distribution.
NORMAL = {0.1: -1.2815515655446004, 0.5: 0.0, 0.9: 1.2815515655446004}


def data(n=2000, seed=0):
    """Return points of a sine whose noise has a standard deviation of 0.1 + 0.3 x."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 1, n)
    return x[:, np.newaxis], truth(x, 0.5) + rng.normal(0, spread(x))


def spread(x):
    return 0.1 + 0.3 * x


def truth(x, level):
    """Return the quantile that the points were drawn by."""
    return np.sin(2 * np.pi * x) + NORMAL[level] * spread(x)


def show(history, model):
    print(f"  epoch {len(history)}: loss {history.loss[-1]:.4f}", flush=True)


def fit(X, y, *, epochs=150):
    """Return a network with an output for each level, and its history."""
    model = nn.MLP(1, 32, 32, len(LEVELS), activation="silu", rng=0)
    steps = epochs * -(-len(X) // 50)
    history = ad.fit(
        model,
        (X, y),
        loss=nn.QuantileLoss(LEVELS),
        optimizer=lambda p: ad.optim.Adam(p, lr=ad.optim.schedules.Cosine(0.01, steps=steps)),
        epochs=epochs,
        batch_size=50,
        seed=0,
        callbacks=[ad.callbacks.AtEpochs(range(50, epochs + 1, 50), show)],
        compile=True,
    )
    return model, history


def coverage(model, X, y):
    """Return the share of points below each quantile."""
    with ad.no_grad():
        return (y[:, np.newaxis] < model(X).data).mean(axis=0)


def plot(model, X, y, path):
    """Draw the points, the quantiles found, and those that are true."""
    from matplotlib.figure import Figure

    grid = np.linspace(0, 1, 200)
    with ad.no_grad():
        found = model(grid[:, np.newaxis]).data
    figure = Figure(figsize=(7, 4.5), layout="constrained")
    axes = figure.subplots()
    axes.scatter(X[:500, 0], y[:500], s=8, color="0.75", label="points, a quarter of them")
    axes.fill_between(grid, found[:, 0], found[:, -1], alpha=0.25, label="10 % to 90 %, predicted")
    axes.plot(grid, found[:, 1], label="median, predicted")
    for level in LEVELS:
        label = "true quantiles" if level == 0.5 else None
        axes.plot(grid, truth(grid, level), "k--", linewidth=1, label=label)
    axes.set(xlabel="x", ylabel="y", title="Quantiles by one network")
    axes.legend(loc="upper right")
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--out", type=Path, default=Path("pictures"), help="folder of the picture")
    path = parser.parse_args().out / "quantile_regression.png"
    begin = time.perf_counter()
    print("Training three quantiles on 2,000 points; about a second.", flush=True)
    model, history = fit(*data())
    below = coverage(model, *data(seed=1))
    for level, share in zip(LEVELS, below, strict=True):
        print(f"  below the {level:.0%} quantile: {share:.1%} of new points, {history.tier} tier")
    path.parent.mkdir(parents=True, exist_ok=True)
    plot(model, *data(), path)
    print(f"Done in {time.perf_counter() - begin:.1f} s; the picture is {path}")


if __name__ == "__main__":
    main()
