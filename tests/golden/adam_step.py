import numpy as np


def step(parameters, memory, X, y, lr, beta1, beta2, epsilon):
    """Return the new parameters, any new memory, and the loss before the step."""
    # weight, bias
    W1, b1 = parameters
    W1_first_moment = memory[0]["first_moment"]  # (2, 1)
    W1_second_moment = memory[0]["second_moment"]  # (2, 1)
    W1_steps = memory[0]["steps"]  # ()
    b1_first_moment = memory[1]["first_moment"]  # (1,)
    b1_second_moment = memory[1]["second_moment"]  # (1,)
    b1_steps = memory[1]["steps"]  # ()
    a1 = X @ W1 + b1  # (50, 1)
    v1 = a1 - y  # (50, 1)
    loss = np.mean(np.square(v1))  # ()
    # backward of square
    d_a1 = 2 * v1 / 50  # (50, 1)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_b1 = np.sum(d_a1, axis=0)  # (1,)
    d_W1 = X.T @ d_a1  # (2, 1)
    # Adam: (17) m ← β₁m + (1-β₁)g, v ← β₂v + (1-β₂)g², w ← w - η m̂ / (√v̂ + ε)
    W1_steps_new = W1_steps + 1.0  # ()
    v2 = 1.0 - beta1  # ()
    W1_first_moment_new = beta1 * W1_first_moment + v2 * d_W1  # (2, 1)
    v3 = 1.0 - beta2  # ()
    W1_second_moment_new = beta2 * W1_second_moment + v3 * (d_W1 * d_W1)  # (2, 1)
    v4 = np.log(beta2)  # ()
    v5 = np.sqrt(-np.expm1(W1_steps_new * v4))  # ()
    v6 = np.log(beta1)  # ()
    v7 = lr * v5 / -np.expm1(W1_steps_new * v6)  # ()
    v8 = np.sqrt(W1_second_moment_new) + epsilon * v5  # (2, 1)
    W1_new = W1 - v7 * W1_first_moment_new / v8  # (2, 1)
    b1_steps_new = b1_steps + 1.0  # ()
    b1_first_moment_new = beta1 * b1_first_moment + v2 * d_b1  # (1,)
    b1_second_moment_new = beta2 * b1_second_moment + v3 * (d_b1 * d_b1)  # (1,)
    v9 = np.sqrt(-np.expm1(b1_steps_new * v4))  # ()
    v10 = lr * v9 / -np.expm1(b1_steps_new * v6)  # ()
    v11 = np.sqrt(b1_second_moment_new) + epsilon * v9  # (1,)
    b1_new = b1 - v10 * b1_first_moment_new / v11  # (1,)
    if np.isnan(W1_new).any():
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    result_1 = [W1_new, b1_new]
    result_2 = [
        {
            "first_moment": W1_first_moment_new,
            "second_moment": W1_second_moment_new,
            "steps": W1_steps_new,
        },
        {
            "first_moment": b1_first_moment_new,
            "second_moment": b1_second_moment_new,
            "steps": b1_steps_new,
        },
    ]
    return result_1, result_2, loss
