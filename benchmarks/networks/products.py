"""The matrix products of a step alone: no step that makes them with NumPy's BLAS is faster."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from ..rival import Contestant, repeated
from .task import Array, Task


def make(task: Task) -> Contestant:
    """Return the products of an epoch, all but the gradient of the first layer's input."""
    rng = np.random.default_rng(0)

    def some(*shape: int) -> Array:
        return rng.uniform(size=shape).astype(task.dtype)

    rows = task.batch
    products: list[tuple[Array, Array, Array]] = []
    for i, (n, m) in enumerate(pairwise(task.sizes)):
        z, W, d = some(rows, n), some(n, m), some(rows, m)
        products += [(z, W, some(rows, m)), (z.T, d, some(n, m))]
        if i:
            products.append((d, W.T, some(rows, n)))

    def epoch() -> None:
        for _ in range(task.steps):
            for left, right, out in products:
                np.matmul(left, right, out=out)

    return task.contestant(lambda epochs, shuffled: repeated(epoch)(epochs))
