"""scores, written by adjoint."""

import numpy as np

constant_1 = """
0.0 0.125 0.25 0.375
0.5 0.625 0.75 0.875
1.0 1.125 1.25 1.375
"""
constant_1 = np.array(constant_1.split(), dtype=float).reshape((3, 4))


def scores(x):
    v1 = (x @ constant_1)[:, np.array([0, 2])]  # (2, 2)
    return v1 * np.array([1.0, -0.5]) + 3.0
