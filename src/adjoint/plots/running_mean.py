"""A running mean shows where a record leads that rises and falls too often to be seen as a line."""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array

# A longer line that rises and falls through the whole picture more often than this fills an area.
MOST_LEGIBLE = 500
MOST_CROSSINGS = 10


def running_mean(values: Array, window: int) -> Array:
    """Return the mean of the ``window`` values around each one, fewer near the ends.

    The window is odd. NaN counts as absent; where all are, the mean is NaN.

    >>> import numpy as np
    >>> running_mean(np.array([0.0, 3.0, 6.0, 9.0]), 3)
    array([1.5, 3. , 6. , 7.5])
    """
    reach = window // 2
    present = np.isfinite(values)
    # By cumulative sums, so that a wide window costs no more than a narrow one.
    total = np.concatenate([[0.0], np.cumsum(np.where(present, values, 0.0))])
    count = np.concatenate([[0], np.cumsum(present)])
    place = np.arange(len(values))
    start, stop = np.maximum(place - reach, 0), np.minimum(place + reach + 1, len(values))
    number = count[stop] - count[start]
    return np.where(number > 0, (total[stop] - total[start]) / np.maximum(number, 1), np.nan)


def is_tangled(loss: Array, scale: str) -> bool:
    """Return whether the line would go up and down so often that it fills an area."""
    shown = loss[np.isfinite(loss)]
    if scale == "log":
        shown = np.log(shown[shown > 0])
    if len(shown) <= MOST_LEGIBLE:
        return False
    return bool(np.abs(np.diff(shown)).sum() > MOST_CROSSINGS * np.ptp(shown))
