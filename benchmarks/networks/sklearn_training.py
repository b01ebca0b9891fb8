"""The training with scikit-learn's MLPClassifier, an epoch a call of `partial_fit`."""

from __future__ import annotations

import numpy as np

from ..rival import Contestant
from .task import Task

# The softmax of this bias is 0, and so is its gradient.
_NEVER = -1e9


def make(task: Task) -> Contestant:
    """Return the same training; of two classes a third is made that never occurs.

    With two, scikit-learn has a single logistic output and trains something else.
    """
    from sklearn.neural_network import MLPClassifier

    X, y = task.data
    classes = np.arange(max(3, task.sizes[-1]))
    spare = len(classes) - task.sizes[-1]
    activation = {"sigmoid": "logistic", "relu": "relu"}[task.activation]

    def train(epochs: int, shuffled: bool) -> list[float]:
        model = MLPClassifier(
            task.sizes[1:-1],
            activation=activation,
            solver=task.optimizer,
            alpha=0.0,
            batch_size=task.batch,
            learning_rate_init=task.rate,
            momentum=0.0,
            shuffle=shuffled,
            random_state=0,
        )
        # The only way to arrays that can be set: train once, then begin anew.
        model.partial_fit(X[: task.batch], y[: task.batch], classes=classes)
        first = task.weights()
        first[-2] = np.pad(first[-2], ((0, 0), (0, spare)))
        first[-1] = np.pad(first[-1], (0, spare), constant_values=_NEVER)
        ours = first[::2] + first[1::2]
        for array, value in zip(model.coefs_ + model.intercepts_, ours, strict=True):
            array[...] = value
        del model._optimizer
        model.loss_curve_.clear()
        for _ in range(epochs):
            model.partial_fit(X, y)
        return model.loss_curve_[-epochs:]

    return task.contestant(train)
