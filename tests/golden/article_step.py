import numpy as np


def sigmoid(x):
    """Return 1 / (1 + e⁻ˣ), without overflow."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


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
    # layers[0].weight, layers[0].bias, layers[2].weight, layers[2].bias,
    # layers[4].weight, layers[4].bias
    W1, b1, W2, b2, W3, b3 = parameters
    a1 = X @ W1 + b1  # (50, 4)
    z1 = sigmoid(a1)  # (50, 4)
    a2 = z1 @ W2 + b2  # (50, 4)
    z2 = sigmoid(a2)  # (50, 4)
    a3 = z2 @ W3 + b3  # (50, 2)
    loss = np.mean(softmax_cross_entropy(a3, y))  # ()
    # softmax with cross-entropy: (14) ∂L/∂a = (softmax(a) - onehot(y)) / B
    d_a3 = (softmax(a3) - (y[..., None] == np.arange(2))) / 50  # (50, 2)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (13) ∂L/∂z = ∂L/∂a Wᵀ, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b3 = np.sum(d_a3, axis=0)  # (2,)
    d_z2 = d_a3 @ W3.T  # (50, 4)
    d_W3 = z2.T @ d_a3  # (4, 2)
    # activation: (5) ∂L/∂a = ∂L/∂z' ⊙ σ'(a)
    d_a2 = d_z2 * (z2 * (1 - z2))  # (50, 4)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (13) ∂L/∂z = ∂L/∂a Wᵀ, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b2 = np.sum(d_a2, axis=0)  # (4,)
    d_z1 = d_a2 @ W2.T  # (50, 4)
    d_W2 = z1.T @ d_a2  # (4, 4)
    # activation: (5) ∂L/∂a = ∂L/∂z' ⊙ σ'(a)
    d_a1 = d_z1 * (z1 * (1 - z1))  # (50, 4)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b1 = np.sum(d_a1, axis=0)  # (4,)
    d_W1 = X.T @ d_a1  # (2, 4)
    # gradient descent: (15) w ← w - η ∂L/∂w
    W1_new = W1 - lr * d_W1  # (2, 4)
    b1_new = b1 - lr * d_b1  # (4,)
    W2_new = W2 - lr * d_W2  # (4, 4)
    b2_new = b2 - lr * d_b2  # (4,)
    W3_new = W3 - lr * d_W3  # (4, 2)
    b3_new = b3 - lr * d_b3  # (2,)
    if any(np.isnan(x).any() for x in (W1_new, W2_new, W3_new)):
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return [W1_new, b1_new, W2_new, b2_new, W3_new, b3_new], loss
