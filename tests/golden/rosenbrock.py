"""rosenbrock, written by adjoint."""

import numpy as np


def placed_at(x, key, shape):
    """Return zeros of a shape with x at [key]."""
    zeros = np.zeros(shape, x.dtype)
    zeros[key] = x
    return zeros


def rosenbrock(x):
    v1 = x[:-1]  # (99,)
    v2 = x[1:] - v1**2  # (99,)
    v3 = 1 - v1  # (99,)
    value = np.sum(100 * v2**2 + v3**2)  # ()
    # backward of power
    v4 = 100.0 * (2 * v2)  # (99,)
    # backward of index
    v5 = placed_at(-v4 * (2 * v1), np.s_[:-1], (100,))  # (100,)
    v6 = placed_at(-(2 * v3), np.s_[:-1], (100,)) + v5  # (100,)
    d_x = v6 + placed_at(v4, np.s_[1:], (100,))  # (100,)
    if np.isnan(d_x).any():
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return value, d_x
