"""predict, written by adjoint."""

import numpy as np


def sigmoid(x):
    """Return 1 / (1 + e⁻ˣ), without overflow."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def softmax(x, *, axis=-1):
    """Return eˣ / Σ eˣ along an axis, without overflow."""
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def predict(X, state):
    # model.layers[0].weight, model.layers[0].bias, model.layers[2].weight,
    # model.layers[2].bias
    W1, b1, W2, b2 = state
    a1 = X @ W1 + b1  # (50, 3)
    z1 = sigmoid(a1)  # (50, 3)
    a2 = z1 @ W2 + b2  # (50, 2)
    return softmax(a2)
