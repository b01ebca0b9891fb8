"""A scaling brings numbers of any size near 0, and keeps those far out from going farther."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..core.annotations import Array

# A scaled value nears this bound and never passes it.
CLIP = 3.0


def scaling_of(quantiles: Sequence[float]) -> tuple[float, float, float]:
    """Return what `scaled` needs of rising numbers: the largest size, and by it median and range.

    The range is that of the middle half, or half of the whole one if that is 0.
    """
    largest = float(np.abs(quantiles).max())
    found = np.asarray(quantiles) / largest
    low, median, high = np.quantile(found, [0.25, 0.5, 0.75]).tolist()
    return largest, median, (high - low) or float(found[-1] - found[0]) / 2 or 1.0


def scaled(numbers: Array, scaling: tuple[float, float, float]) -> Array:
    """Return numbers less the median, by the range, and smoothly within ±3.

    As RealMLP does it: Holzmüller, Grinsztajn and Steinwart, "Better by default", NeurIPS 2024.
    """
    # By the largest, as differences of values near the largest float would be infinite.
    largest, median, scale = scaling
    with np.errstate(over="ignore"):
        z = np.clip((numbers / largest - median) / scale, -1e6, 1e6)
    return np.asarray(z / np.sqrt(1 + (z / CLIP) ** 2))
