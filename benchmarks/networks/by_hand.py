"""The training as a person would write it in NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..rival import Contestant
from .task import BETA1, BETA2, EPSILON, Array, Task


def make(task: Task) -> Contestant:
    X, y = task.data

    def train(epochs: int, shuffled: bool) -> list[float]:
        weights = task.weights()
        update = UPDATES[task.optimizer](weights, task.rate)
        rng, losses = np.random.default_rng(0), []
        for _ in range(epochs):
            order = rng.permutation(len(X)) if shuffled else np.arange(len(X))
            total = 0.0
            for start in range(0, len(X), task.batch):
                rows = order[start : start + task.batch]
                loss, gradients = loss_and_gradients(weights, X[rows], y[rows], task.activation)
                update(gradients)
                total += loss * len(rows)
            losses.append(total / len(X))
        return losses

    return task.contestant(train)


def loss_and_gradients(
    weights: list[Array], x: Array, y: Array, activation: str
) -> tuple[float, list[Array]]:
    activate, slope = ACTIVATIONS[activation]
    z, inputs = x, []
    for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
        inputs.append(z)
        z = activate(z @ W + b)
    inputs.append(z)
    a = z @ weights[-2] + weights[-1]
    rows = np.arange(len(y))
    a -= a.max(axis=1, keepdims=True)
    p = np.exp(a)
    totals = p.sum(axis=1, keepdims=True)
    loss = float((np.log(totals[:, 0]) - a[rows, y]).mean())
    d = p / totals
    d[rows, y] -= 1
    d /= len(y)
    gradients: list[Array] = []
    for layer in reversed(range(len(inputs))):
        z = inputs[layer]
        gradients[:0] = [z.T @ d, d.sum(axis=0)]
        if layer:
            d = d @ weights[2 * layer].T * slope(z)
    return loss, gradients


# Each activation with its slope, as a function of its output.
ACTIVATIONS: dict[str, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    "sigmoid": (lambda a: 1 / (1 + np.exp(-a)), lambda z: z * (1 - z)),
    "relu": (lambda a: np.maximum(a, 0), lambda z: z > 0),
}


def sgd(weights: list[Array], rate: float) -> Callable[[list[Array]], None]:
    def update(gradients: list[Array]) -> None:
        for w, g in zip(weights, gradients, strict=True):
            w -= rate * g

    return update


def adam(weights: list[Array], rate: float) -> Callable[[list[Array]], None]:
    means = [np.zeros_like(w) for w in weights]
    squares = [np.zeros_like(w) for w in weights]
    step = 0

    def update(gradients: list[Array]) -> None:
        nonlocal step
        step += 1
        scaled, root = rate / (1 - BETA1**step), (1 - BETA2**step) ** 0.5
        for w, g, m, v in zip(weights, gradients, means, squares, strict=True):
            m *= BETA1
            m += (1 - BETA1) * g
            v *= BETA2
            v += (1 - BETA2) * g * g
            w -= scaled * m / (np.sqrt(v) / root + EPSILON)

    return update


UPDATES = {"sgd": sgd, "adam": adam}
