"""A task is what every rival trains: the network, its first weights, the rows, the optimiser.

NumPy alone, so that a rival's process holds nothing of ours.
"""

from __future__ import annotations

import functools
import gzip
import importlib.util
from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ..rival import Contestant, contestant

Array = np.ndarray[Any, Any]
# train(epochs, shuffled) trains from the first weights and returns the loss of every epoch.
Train = Callable[[int, bool], Any]

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


@dataclass(frozen=True)
class Task:
    """A classifier's training.

    Attributes
    ----------
    sizes : tuple of int
    activation : {"sigmoid", "relu"}
    optimizer : {"sgd", "adam"}
        Plain gradient descent, or Adam as in Kingma and Ba, ICLR 2015.
    rate : float
    batch : int
        The last batch of an epoch may be smaller.
    dtype : str
    rows : callable
        Returns X and y.
    checked : int
        For how many epochs rivals are compared.
    """

    sizes: tuple[int, ...]
    activation: str
    optimizer: str
    rate: float
    batch: int
    dtype: str
    rows: Callable[[], tuple[Array, Array]]
    checked: int

    @functools.cached_property
    def data(self) -> tuple[Array, Array]:
        """X in the task's dtype and y as int64."""
        X, y = self.rows()
        return np.ascontiguousarray(X, self.dtype), np.ascontiguousarray(y, np.int64)

    def weights(self) -> list[Array]:
        """Return new first weights, as W, b, W, b and so on: Glorot's."""
        rng = np.random.default_rng(0)
        weights: list[Array] = []
        for fan_in, fan_out in pairwise(self.sizes):
            bound = np.sqrt(6 / (fan_in + fan_out))
            weights.append(rng.uniform(-bound, bound, (fan_in, fan_out)).astype(self.dtype))
            weights.append(np.zeros(fan_out, self.dtype))
        return weights

    @property
    def steps(self) -> int:
        """How many steps an epoch has."""
        return -(-len(self.data[0]) // self.batch)

    def orders(self, epochs: int, shuffled: bool) -> Array:
        """Return the order of the rows in every epoch."""
        orders = np.tile(np.arange(len(self.data[0])), (epochs, 1))
        return np.random.default_rng(0).permuted(orders, axis=1) if shuffled else orders

    def contestant(self, train: Train) -> Contestant:
        """Return a contestant whose work done once is an epoch."""
        return contestant(lambda count: train(count, True), lambda: train(self.checked, False))


def moons() -> tuple[Array, Array]:
    """Return 1,000 points on two interleaved half circles, with noise."""
    rng = np.random.default_rng(0)
    angle = np.pi * rng.uniform(size=500)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.concatenate([upper, [1.0, 0.5] - upper]) + rng.normal(scale=0.1, size=(1000, 2))
    mixed = rng.permutation(1000)
    return X[mixed], np.repeat([0, 1], 500)[mixed]


def digits() -> tuple[Array, Array]:
    """Return scikit-learn's 1,797 digits of 8 × 8, or noise of that shape where it is absent.

    The file is read without scikit-learn or `numpy.loadtxt`, whose memory would count as every
    rival's.
    """
    found = importlib.util.find_spec("sklearn")
    if found is None or found.origin is None:
        return noise(1797, 64)
    with gzip.open(Path(found.origin).parent / "datasets/data/digits.csv.gz", "rt") as lines:
        table = np.concatenate([np.fromstring(line, sep=",")[None] for line in lines])
    return table[:, :-1] / 16, table[:, -1]


def noise(rows: int, features: int) -> tuple[Array, Array]:
    """Return rows that have nothing to teach, in ten classes."""
    rng = np.random.default_rng(0)
    return rng.uniform(size=(rows, features)), rng.integers(10, size=rows)


ARTICLE = Task((2, 4, 4, 2), "sigmoid", "sgd", 0.05, 50, "float64", moons, checked=20)
ARTICLE_FLOAT32 = replace(ARTICLE, dtype="float32")
DIGITS = Task((64, 128, 10), "relu", "adam", 1e-3, 64, "float32", digits, checked=3)
WIDE = Task(
    (784, 512, 512, 10), "relu", "adam", 1e-3, 128, "float32", lambda: noise(2560, 784), checked=1
)
