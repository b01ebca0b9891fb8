import numpy as np


def step(parameters, memory, X, y, lr, momentum, weight_decay):
    """Return the new parameters, any new memory, and the loss before the step."""
    # layers[0].weight, layers[0].bias, layers[2].weight, layers[2].bias
    W1, b1, W2, b2 = parameters
    W1_velocity = memory[0]["velocity"]  # (2, 3)
    b1_velocity = memory[1]["velocity"]  # (3,)
    W2_velocity = memory[2]["velocity"]  # (3, 1)
    b2_velocity = memory[3]["velocity"]  # (1,)
    a1 = X @ W1 + b1  # (50, 3)
    z1 = np.tanh(a1)  # (50, 3)
    a2 = z1 @ W2 + b2  # (50, 1)
    v1 = a2 - y  # (50, 1)
    loss = np.mean(np.square(v1))  # ()
    # backward of square
    d_a2 = 2 * v1 / 50  # (50, 1)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (13) ∂L/∂z = ∂L/∂a Wᵀ, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b2 = np.sum(d_a2, axis=0)  # (1,)
    d_z1 = d_a2 @ W2.T  # (50, 3)
    d_W2 = z1.T @ d_a2  # (3, 1)
    # activation: (5) ∂L/∂a = ∂L/∂z' ⊙ σ'(a)
    d_a1 = d_z1 * (1 - z1 * z1)  # (50, 3)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b1 = np.sum(d_a1, axis=0)  # (3,)
    d_W1 = X.T @ d_a1  # (2, 3)
    # momentum: (16) v ← μv + ∂L/∂w, w ← w - ηv
    v2 = d_W1 + weight_decay * W1  # (2, 3)
    W1_velocity_new = momentum * W1_velocity + v2  # (2, 3)
    W1_new = W1 - lr * (v2 + momentum * W1_velocity_new)  # (2, 3)
    v3 = d_b1 + weight_decay * b1  # (3,)
    b1_velocity_new = momentum * b1_velocity + v3  # (3,)
    b1_new = b1 - lr * (v3 + momentum * b1_velocity_new)  # (3,)
    v4 = d_W2 + weight_decay * W2  # (3, 1)
    W2_velocity_new = momentum * W2_velocity + v4  # (3, 1)
    W2_new = W2 - lr * (v4 + momentum * W2_velocity_new)  # (3, 1)
    v5 = d_b2 + weight_decay * b2  # (1,)
    b2_velocity_new = momentum * b2_velocity + v5  # (1,)
    b2_new = b2 - lr * (v5 + momentum * b2_velocity_new)  # (1,)
    if any(np.isnan(x).any() for x in (W1_new, W2_new)):
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    result_1 = [W1_new, b1_new, W2_new, b2_new]
    result_2 = [
        {"velocity": W1_velocity_new},
        {"velocity": b1_velocity_new},
        {"velocity": W2_velocity_new},
        {"velocity": b2_velocity_new},
    ]
    return result_1, result_2, loss
