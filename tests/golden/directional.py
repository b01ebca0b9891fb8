"""function, written by adjoint."""

import numpy as np


def strong_multiply(x, y):
    """Return x * y, where a product with 0 is 0, even 0·∞ and 0·NaN."""
    product = np.multiply(x, y)
    decided = (np.equal(x, 0) | np.equal(y, 0)) & np.isnan(product)
    return np.where(decided, 0, product)[()]


def function(x, t):
    v1 = -x  # (3,)
    v2 = np.exp(v1 * x)  # (3,)
    v3 = 1 + x  # (3,)
    value = v2 / v3  # (3,)
    v4 = (-t * x + t * v1) * v2  # (3,)
    v5 = strong_multiply(t, -(value / v3))  # (3,)
    v6 = strong_multiply(v4, 1.0 / v3) + v5  # (3,)
    if np.isnan(v4).any():
        raise FloatingPointError("NaN, perhaps of 0·∞, which counts as 0: see ad.write_source")
    return value, v6
