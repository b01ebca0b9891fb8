"""The two moons of the programs, 1,000 rows, with NumPy alone."""

import numpy as np


def make_moons():
    rng = np.random.default_rng(0)
    angle = np.pi * rng.uniform(size=500)
    upper = np.column_stack([np.cos(angle), np.sin(angle)])
    X = np.concatenate([upper, [1.0, 0.5] - upper]) + rng.normal(scale=0.1, size=(1000, 2))
    return X, np.repeat([0, 1], 500)
