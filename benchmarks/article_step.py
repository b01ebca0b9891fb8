"""The article's training step: adjoint's eager graph beside the same step written by hand.

2-4-4-2 with sigmoids, softmax cross-entropy, a batch of 50 rows in float64, plain gradient descent.
"""

from __future__ import annotations

import numpy as np
from timing import race, report

import adjoint as ad

RATE = 0.05
X, Y = ad.datasets.make_moons(50, noise=0.1, seed=0)


def eager_step():
    """Return adjoint's step: forward, backward, update."""
    model = ad.nn.MLP(2, 4, 4, 2, rng=0)
    optimizer = ad.optim.SGD(model.parameters(), lr=RATE)

    def step():
        optimizer.zero_grad()
        loss = ad.nn.functional.cross_entropy(model(X), Y)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def numpy_step():
    """Return the same step as a person would write it."""
    state = [np.array(p) for p in ad.nn.MLP(2, 4, 4, 2, rng=0).state_dict().values()]
    rows = np.arange(len(X))

    def step():
        W1, b1, W2, b2, W3, b3 = state
        z1 = 1 / (1 + np.exp(-(X @ W1 + b1)))
        z2 = 1 / (1 + np.exp(-(z1 @ W2 + b2)))
        a3 = z2 @ W3 + b3
        exponentials = np.exp(a3 - a3.max(axis=1, keepdims=True))
        p = exponentials / exponentials.sum(axis=1, keepdims=True)
        loss = -np.log(p[rows, Y]).mean()
        d_a3 = p
        d_a3[rows, Y] -= 1
        d_a3 /= len(X)
        d_a2 = d_a3 @ W3.T * z2 * (1 - z2)
        d_a1 = d_a2 @ W2.T * z1 * (1 - z1)
        state[:] = [
            W1 - RATE * (X.T @ d_a1),
            b1 - RATE * d_a1.sum(axis=0),
            W2 - RATE * (z1.T @ d_a2),
            b2 - RATE * d_a2.sum(axis=0),
            W3 - RATE * (z2.T @ d_a3),
            b3 - RATE * d_a3.sum(axis=0),
        ]
        return float(loss)

    return step


def check() -> None:
    """Both must do the same work."""
    ours, theirs = eager_step(), numpy_step()
    for _ in range(100):
        np.testing.assert_allclose(ours(), theirs(), rtol=1e-12)


if __name__ == "__main__":
    check()
    times = race({"hand-written NumPy": numpy_step(), "adjoint, eager": eager_step()})
    report("A training step of the article's network (2-4-4-2, batch 50)", times, unit="a step")
