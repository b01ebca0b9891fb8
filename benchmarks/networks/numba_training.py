"""The training in Numba: loops for the article's network, products and loops for the larger."""

from __future__ import annotations

from typing import Any

from ..rival import Contestant
from .task import Task


def make_article(task: Task) -> Contestant:
    from .numba_article import train_epochs

    return _contestant(task, train_epochs)


def make_digits(task: Task) -> Contestant:
    from .numba_digits import train_epochs

    return _contestant(task, train_epochs)


def _contestant(task: Task, train_epochs: Any) -> Contestant:
    X, y = task.data

    def train(epochs: int, shuffled: bool) -> Any:
        return train_epochs(*task.weights(), X, y, task.batch, epochs, task.rate, shuffled)

    return task.contestant(train)
