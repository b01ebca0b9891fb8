"""The article's training as Numba's loops, row by row."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def layer(x, W, b, out):
    for j in range(len(out)):
        a = b[j]
        for i in range(len(x)):
            a += x[i] * W[i, j]
        out[j] = a


@numba.njit(cache=True)
def sigmoid(z):
    for j in range(len(z)):
        z[j] = 1 / (1 + np.exp(-z[j]))


@numba.njit(cache=True)
def back(z, d, W, dW, db, d_z):
    """Add a layer's gradients, and set its input's."""
    for j in range(len(d)):
        db[j] += d[j]
    for i in range(len(z)):
        total = 0.0
        for j in range(len(d)):
            dW[i, j] += z[i] * d[j]
            total += W[i, j] * d[j]
        d_z[i] = total * z[i] * (1 - z[i])


@numba.njit(cache=True)
def step(W1, b1, W2, b2, W3, b3, X, y, rows, rate):
    dW1, db1 = np.zeros_like(W1), np.zeros_like(b1)
    dW2, db2 = np.zeros_like(W2), np.zeros_like(b2)
    dW3, db3 = np.zeros_like(W3), np.zeros_like(b3)
    z1, z2, d3 = np.empty_like(b1), np.empty_like(b2), np.empty_like(b3)
    d1, d2 = np.empty_like(b1), np.empty_like(b2)
    total = 0.0
    for row in rows:
        x = X[row]
        layer(x, W1, b1, z1)
        sigmoid(z1)
        layer(z1, W2, b2, z2)
        sigmoid(z2)
        layer(z2, W3, b3, d3)
        largest = max(d3[0], d3[1])
        e0, e1 = np.exp(d3[0] - largest), np.exp(d3[1] - largest)
        total += np.log(e0 + e1) + largest - d3[y[row]]
        d3[0] = (e0 / (e0 + e1) - (y[row] == 0)) / len(rows)
        d3[1] = (e1 / (e0 + e1) - (y[row] == 1)) / len(rows)
        back(z2, d3, W3, dW3, db3, d2)
        back(z1, d2, W2, dW2, db2, d1)
        for j in range(len(d1)):
            db1[j] += d1[j]
            for i in range(len(x)):
                dW1[i, j] += x[i] * d1[j]
    for parameter, gradient in ((W1, dW1), (W2, dW2), (W3, dW3)):
        for i in range(parameter.shape[0]):
            for j in range(parameter.shape[1]):
                parameter[i, j] -= rate * gradient[i, j]
    for parameter, gradient in ((b1, db1), (b2, db2), (b3, db3)):
        for j in range(len(parameter)):
            parameter[j] -= rate * gradient[j]
    return total


@numba.njit(cache=True)
def train_epochs(W1, b1, W2, b2, W3, b3, X, y, batch, epochs, rate, shuffled):
    losses = np.zeros(epochs)
    for epoch in range(epochs):
        rows = np.arange(len(X))
        if shuffled:
            np.random.shuffle(rows)  # noqa: NPY002 - Numba's own, seeded or not
        for start in range(0, len(X), batch):
            chosen = rows[start : start + batch]
            losses[epoch] += step(W1, b1, W2, b2, W3, b3, X, y, chosen, rate) / len(X)
    return losses
