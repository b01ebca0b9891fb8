"""A scaling brings numbers of any size near 0, and keeps those far out from going farther."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array

# A scaled value nears this bound and never passes it.
CLIP = 3.0


def interpolated(numbers: Array, places: Sequence[float], values: Sequence[float]) -> Array:
    """Return what `numpy.interp` returns, in operations that no compiler rounds together.

    Where the slope between two places over- or underflows, it is the value of the first of them.

    Parameters
    ----------
    numbers : (n,) array
    places : (k,) rising numbers, at least two
    values : (k,) numbers

    Examples
    --------
    >>> interpolated(np.array([-1.0, 0.25, 9.0]), [0.0, 1.0], [2.0, 4.0])
    array([2. , 2.5, 4. ])
    """
    x, y = np.asarray(places, float), np.asarray(values, float)
    step = np.clip(np.searchsorted(x, numbers, side="right") - 1, 0, len(x) - 2)
    with np.errstate(over="ignore", invalid="ignore"):
        slope = np.diff(y) / np.diff(x)
        between = slope[step] * (numbers - x[step]) + y[step]
    # Places as near as the least floats, or as far apart as the largest, have no slope between.
    between = np.where(np.isfinite(between) | np.isnan(numbers), between, y[step])
    inside = np.where(numbers < x[0], y[0], between)
    return np.asarray(np.where(numbers >= x[-1], y[-1], inside))


def scaling_of(quantiles: Sequence[float]) -> tuple[float, float, float]:
    """Return what `scaled` needs of rising numbers: the largest size, and by it median and range.

    The range is that of the middle half, or half of the whole one if that is 0.
    """
    largest = float(np.abs(quantiles).max())
    found = np.asarray(quantiles) / largest
    low, median, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
    return largest, median, (high - low) or float(found[-1] - found[0]) / 2 or 1.0


def scaled(numbers: Any, scaling: tuple[float, float, float]) -> Any:
    """Return numbers less the median, by the range, and smoothly within ±3.

    As RealMLP does it: Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024.
    """
    # By the largest, as differences of values near the largest float would be infinite.
    largest, median, scale = scaling
    with np.errstate(over="ignore"):
        z = np.clip((numbers / largest - median) / scale, -1e6, 1e6)
    return z / np.sqrt(1 + (z / CLIP) ** 2)
