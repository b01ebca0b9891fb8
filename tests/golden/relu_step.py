import numpy as np


def softmax_cross_entropy(logits, labels):
    """Return -log softmax(logits)[label] of every row."""
    label = np.ravel_multi_index([labels[..., None]], logits.shape[-1:])  # raises if it is none
    shifted = logits - np.minimum(logits.max(axis=-1, keepdims=True), np.finfo(logits.dtype).max)
    return np.log(np.exp(shifted).sum(axis=-1)) - np.take_along_axis(shifted, label, -1)[..., 0]


def softmax(x, *, axis=-1):
    """Return eˣ / Σ eˣ along an axis, without overflow."""
    exponentials = np.exp(x - x.max(axis=axis, keepdims=True))
    return exponentials / exponentials.sum(axis=axis, keepdims=True)


def step(parameters, X, y, lr):
    """Return the new parameters, any new memory, and the loss before the step."""
    # layers[0].weight, layers[0].bias, layers[2].weight, layers[2].bias
    W1, b1, W2, b2 = parameters
    a1 = X @ W1 + b1  # (50, 3)
    z1 = np.maximum(a1, 0)  # (50, 3)
    a2 = z1 @ W2 + b2  # (50, 2)
    loss = np.mean(softmax_cross_entropy(a2, y))  # ()
    # softmax with cross-entropy: (14) ∂L/∂a = (softmax(a) - onehot(y)) / B
    v1 = softmax(a2) - (y[..., None] == np.arange(2))  # (50, 2)
    d_a2 = 0.019999999552965164 * v1  # (50, 2)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (13) ∂L/∂z = ∂L/∂a Wᵀ, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b2 = np.sum(d_a2, axis=0)  # (2,)
    d_z1 = d_a2 @ W2.T  # (50, 3)
    d_W2 = z1.T @ d_a2  # (3, 2)
    # activation: (5) ∂L/∂a = ∂L/∂z' ⊙ σ'(a)
    d_a1 = d_z1 * (a1 > 0)  # (50, 3)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b1 = np.sum(d_a1, axis=0)  # (3,)
    d_W1 = X.T @ d_a1  # (2, 3)
    # gradient descent: (15) w ← w - η ∂L/∂w
    W1_new = W1 - lr * d_W1  # (2, 3)
    b1_new = b1 - lr * d_b1  # (3,)
    W2_new = W2 - lr * d_W2  # (3, 2)
    b2_new = b2 - lr * d_b2  # (2,)
    if any(np.isnan(x).any() for x in (W1_new, W2_new)):
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return [W1_new, b1_new, W2_new, b2_new], loss
