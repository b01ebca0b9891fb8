"""A comparison says whether two gradients agree, and where they differ most."""

from __future__ import annotations

import numpy as np

from ...core.annotations import Array

# Relative to the greatest entry of a gradient. Two right formulas in float64 differ by rounding, a
# few hundred units for deep ones (1e-13); small constants such as the ε inside of a logarithm are
# allowed to be left out of one of them (1e-8). float32 carries seven digits and loses some in sums.
TOLERANCE = {"float64": 1e-6, "float32": 2e-3, "float16": 5e-2}
# For derivatives by numerical differences: their own error, with a margin.
NUMERICAL = 1e-5
# An entry that should be zero may be what rounding leaves of terms that cancel.
SMALLEST = 1e-10


def agree(got: Array, expected: Array, tolerance: float) -> bool:
    """Return whether all entries agree, relative to the greatest."""
    if got.shape != expected.shape:
        return False
    greatest = float(np.max(np.abs(expected), initial=0.0))
    if not np.isfinite(greatest):
        return bool(np.array_equal(got, expected, equal_nan=True))
    with np.errstate(all="ignore"):
        error = np.abs(got - expected)
    return bool(np.all(error <= tolerance * greatest + SMALLEST))


def worst_entry(got: Array, expected: Array) -> tuple[int, ...]:
    """Return the index of the entry with the greatest error; NaN is the greatest of all."""
    if got.shape != expected.shape or expected.size == 0:
        return ()
    with np.errstate(all="ignore"):
        error = np.abs(got - expected)
    error = np.where(np.isnan(error), np.inf, error)
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(error)), error.shape))
