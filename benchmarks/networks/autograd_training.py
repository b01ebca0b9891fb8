"""The training with autograd's gradient and the hand-written update."""

from __future__ import annotations

from typing import Any

from ..rival import Contestant
from .by_hand import UPDATES
from .task import Task


def make(task: Task) -> Contestant:
    import autograd.numpy as np
    from autograd import value_and_grad

    X, y = task.data

    def sigmoid(a: Any) -> Any:
        return 1 / (1 + np.exp(-a))

    def relu(a: Any) -> Any:
        return np.maximum(a, 0)

    activate = {"sigmoid": sigmoid, "relu": relu}[task.activation]

    def loss_of(weights: Any, x: Any, y: Any) -> Any:
        for W, b in zip(weights[:-2:2], weights[1:-2:2], strict=True):
            x = activate(np.dot(x, W) + b)
        a = np.dot(x, weights[-2]) + weights[-1]
        a = a - np.max(a, axis=1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(a), axis=1)) - a[np.arange(len(y)), y])

    gradient = value_and_grad(loss_of)

    def train(epochs: int, shuffled: bool) -> list[float]:
        weights = task.weights()
        update = UPDATES[task.optimizer](weights, task.rate)
        losses = []
        for order in task.orders(epochs, shuffled):
            total = 0.0
            for start in range(0, len(X), task.batch):
                rows = order[start : start + task.batch]
                loss, gradients = gradient(weights, X[rows], y[rows])
                update(gradients)
                total += float(loss) * len(rows)
            losses.append(total / len(X))
        return losses

    return task.contestant(train)
