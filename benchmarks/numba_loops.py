"""What Numba compiles, as loops."""

from __future__ import annotations

import numba
import numpy as np


@numba.njit(cache=True)
def descend(w, b, X, y, count, rate):
    """Return the losses of a logistic regression's iterations."""
    losses = np.zeros(count)
    d_w = np.empty_like(w)
    for iteration in range(count):
        d_w[:] = 0
        d_b, loss = 0.0, 0.0
        for r in range(len(X)):
            a = b
            for i in range(len(w)):
                a += X[r, i] * w[i]
            e = np.exp(-abs(a))
            loss += max(a, 0.0) + np.log1p(e) - y[r] * a
            d = (1 / (1 + e) if a >= 0 else e / (1 + e)) - y[r]
            d_b += d
            for i in range(len(w)):
                d_w[i] += d * X[r, i]
        losses[iteration] = loss / len(X)
        for i in range(len(w)):
            w[i] -= rate * d_w[i] / len(X)
        b -= rate * d_b / len(X)
    return losses


@numba.njit(cache=True)
def rosenbrock(x):
    """Return the value and the gradient."""
    d_x = np.zeros_like(x)
    value = 0.0
    for i in range(len(x) - 1):
        u, v = x[i + 1] - x[i] * x[i], 1 - x[i]
        value += 100 * u * u + v * v
        d_x[i] -= 400 * x[i] * u + 2 * v
        d_x[i + 1] += 200 * u
    return value, d_x


@numba.njit(cache=True)
def euler(x, y, h, rounds):
    """Return the sum after all rounds, and its gradients."""
    states = np.empty((rounds + 1, len(x)))
    states[0] = x
    for n in range(rounds):
        for i in range(len(x)):
            states[n + 1, i] = states[n, i] + h * (y[i] - states[n, i] * states[n, i])
    d_x, d_y = np.ones_like(x), np.zeros_like(y)
    for n in range(rounds - 1, -1, -1):
        for i in range(len(x)):
            d_y[i] += h * d_x[i]
            d_x[i] -= 2 * h * states[n, i] * d_x[i]
    return states[rounds].sum(), d_x, d_y
