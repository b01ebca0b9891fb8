"""loss, written by adjoint."""

import numpy as np


def loss(parameters, X, y):
    parameters_weight = parameters["weight"]  # (20,)
    parameters_offset = parameters["offset"]  # ()
    margin = y * (X @ parameters_weight + parameters_offset)  # (1000,)
    v1 = 0.01 * np.sum(parameters_weight**2)  # ()
    value = np.mean(np.logaddexp(0, -margin)) + v1  # ()
    # backward of negative
    d_margin = -(np.exp(-np.logaddexp(margin, 0)) / 1000)  # (1000,)
    # backward of multiply
    v2 = d_margin * y  # (1000,)
    # affine map: (9) ∂L/∂b = Σ ∂L/∂a, (7) ∂L/∂W = zᵀ ∂L/∂a
    d_parameters_offset = np.sum(v2, axis=0)  # ()
    d_parameters_weight = 0.01 * (2 * parameters_weight) + X.T @ v2  # (20,)
    if np.isnan(d_parameters_weight).any():
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return value, {"weight": d_parameters_weight, "offset": d_parameters_offset}
