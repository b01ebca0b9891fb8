"""The digits' training in Numba: BLAS for the products, loops for all between them."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def hidden(a, b):
    """Add the bias and apply ReLU, in place."""
    for i in range(a.shape[0]):
        for j in range(a.shape[1]):
            a[i, j] = max(a[i, j] + b[j], np.float32(0))


@numba.njit(cache=True)
def error(a, b, y):
    """Replace the products of the last layer by the loss's gradient; return the sum of losses."""
    total = 0.0
    for i in range(a.shape[0]):
        largest = a[i, 0] + b[0]
        for j in range(a.shape[1]):
            a[i, j] += b[j]
            largest = max(largest, a[i, j])
        chosen, exponentials = a[i, y[i]], np.float32(0)
        for j in range(a.shape[1]):
            a[i, j] = np.exp(a[i, j] - largest)
            exponentials += a[i, j]
        total += np.log(exponentials) + largest - chosen
        for j in range(a.shape[1]):
            a[i, j] = (a[i, j] / exponentials - np.float32(j == y[i])) / np.float32(a.shape[0])
    return total


@numba.njit(cache=True)
def column_sums(d):
    sums = np.zeros(d.shape[1], d.dtype)
    for i in range(d.shape[0]):
        for j in range(d.shape[1]):
            sums[j] += d[i, j]
    return sums


@numba.njit(cache=True)
def adam(p, g, m, v, scaled, root):
    for i in range(p.size):
        m[i] = np.float32(0.9) * m[i] + np.float32(0.1) * g[i]
        v[i] = np.float32(0.999) * v[i] + np.float32(0.001) * g[i] * g[i]
        p[i] -= scaled * m[i] / (np.sqrt(v[i]) / root + np.float32(1e-8))


@numba.njit(cache=True)
def train_epochs(W1, b1, W2, b2, X, y, batch, epochs, rate, shuffled):
    parameters = (W1.ravel(), b1, W2.ravel(), b2)
    means = [np.zeros_like(p) for p in parameters]
    squares = [np.zeros_like(p) for p in parameters]
    losses = np.zeros(epochs)
    n = 0
    for epoch in range(epochs):
        order = np.arange(len(X))
        if shuffled:
            np.random.shuffle(order)  # noqa: NPY002 - Numba's own, seeded or not
        for start in range(0, len(X), batch):
            rows = order[start : start + batch]
            x, labels = X[rows], y[rows]
            z = x @ W1
            hidden(z, b1)
            d2 = z @ W2
            losses[epoch] += error(d2, b2, labels) / len(X)
            d1 = d2 @ W2.T
            for i in range(d1.shape[0]):
                for j in range(d1.shape[1]):
                    d1[i, j] *= z[i, j] > 0
            gradients = ((x.T @ d1).ravel(), column_sums(d1), (z.T @ d2).ravel(), column_sums(d2))
            n += 1
            scaled = np.float32(rate / (1 - 0.9**n))
            root = np.float32(np.sqrt(1 - 0.999**n))
            for i in range(4):
                adam(parameters[i], gradients[i], means[i], squares[i], scaled, root)
    return losses
