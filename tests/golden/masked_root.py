"""masked_root, written by adjoint."""

import numpy as np


def strong_multiply(x, y):
    """Return x * y, where a product with 0 is 0, even 0·∞ and 0·NaN."""
    product = np.multiply(x, y)
    decided = (np.equal(x, 0) | np.equal(y, 0)) & np.isnan(product)
    return np.where(decided, 0, product)[()]


def masked_root(x):
    # backward of sqrt
    return strong_multiply(1.0 * (x > 0), 0.5 / np.sqrt(x))  # (4,)
