"""Networks that are exported to every target, their rows, and how results are compared."""

import numpy as np

import adjoint as ad
from adjoint import nn


def rng():
    return np.random.default_rng(0)


def convolutional():
    parts = nn.Conv2d(1, 4, 3, padding=1, rng=0), nn.ReLU(), nn.MaxPool(2), nn.Flatten()
    return nn.Sequential(*parts, nn.Linear(64, 3, rng=1))


def rows(shape, dtype, count):
    """Return rows of which some hold zeros, huge numbers, infinities and NaN."""
    x = rng().normal(size=(count, *shape)).astype(dtype)
    special = [0.0, -0.0, 1e30, -1e30, np.inf, -np.inf, np.nan, 1e-30]
    for n, value in enumerate(special):
        x[n].flat[n % x[n].size] = value
    return x


F64, F32 = np.float64, np.float32
NETWORKS = {
    "article": lambda: (nn.MLP(2, 4, 4, 2, activation="sigmoid", dtype=F64, rng=0), (2,), F64),
    "gelu": lambda: (nn.MLP(5, 16, 3, activation="gelu", dtype=F64, rng=0), (5,), F64),
    "float32": lambda: (nn.MLP(5, 64, 64, 32, 2, activation="tanh", dtype=F32, rng=0), (5,), F32),
    "digits": lambda: (nn.MLP(64, 32, 10, activation="relu", dtype=F64, rng=0), (64,), F64),
    "lstm": lambda: (nn.GRU(3, 4, dtype=F64, rng=0), (5, 3), F64),
    "convolution": lambda: (convolutional(), (1, 8, 8), F64),
    "norms": lambda: (
        nn.Sequential(nn.BatchNorm(5, dtype=F64), nn.LayerNorm(5, dtype=F64), nn.Softmax()),
        (5,),
        F64,
    ),
    "transformer": lambda: (nn.TransformerEncoderLayer(8, 2, 16, rng=0), (4, 8), F64),
}


def outputs(model, x):
    """Return a network's first result, row by row as C computes it."""
    model.eval()
    with ad.no_grad(), np.errstate(all="ignore"):
        found = [model(x[n : n + 1]) for n in range(len(x))]
    first = [one if not isinstance(one, (tuple, list)) else one[0] for one in found]
    return np.concatenate([np.asarray(getattr(y, "data", y)) for y in first])


def assert_like(found, expected, *, narrow=1e-6):
    """Compare with a tolerance that is relative to the largest number of a row.

    That of float32 is ``narrow``.
    """
    tolerance = 1e-12 if expected.dtype == F64 else narrow
    flat = np.where(np.isfinite(expected), np.abs(expected), 1).reshape(len(expected), -1)
    scale = np.maximum(flat.max(axis=1), 1).reshape(-1, *[1] * (expected.ndim - 1))
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    with np.errstate(invalid="ignore"):
        near = np.abs(found - expected) <= tolerance * scale
    assert (near | (found == expected) | np.isnan(expected)).all()
