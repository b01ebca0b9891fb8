"""loss, written by adjoint."""

import numpy as np


def softmax(x, *, axis=-1):
    """Return eˣ / Σ eˣ along an axis, without overflow."""
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def loss(q, k, v):
    scores = q @ k.T / 2.0  # (6, 6)
    weights = softmax(scores)  # (6, 6)
    # backward of power
    v1 = 2 * (weights @ v)  # (6, 4)
    # affine map: (13) ∂L/∂z = ∂L/∂a Wᵀ, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_weights = v1 @ v.T  # (6, 6)
    d_v = weights.T @ v1  # (6, 4)
    # backward of softmax
    v2 = np.sum(d_weights * weights, axis=-1, keepdims=True)  # (6, 1)
    d_scores = weights * (d_weights - v2)  # (6, 6)
    # backward of divide
    v3 = d_scores * 0.5  # (6, 6)
    # affine map: (13) ∂L/∂z = ∂L/∂a Wᵀ
    d_q = v3 @ k  # (6, 4)
    # backward of transpose
    d_k = (q.T @ v3).T  # (6, 4)
    if any(np.isnan(x).any() for x in (d_v, d_q, d_k)):
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return d_q, d_k, d_v
