"""A magnitude is a power of two: numbers divided by it have squares that do not overflow."""

from __future__ import annotations

import numpy as np

from .annotations import Array


def magnitude(*numbers: Array) -> int:
    """Return the exponent of the least power of two that is above all numbers.

    Divided by it, as by ``np.ldexp(numbers, -exponent)``, they lie between -1 and 1 and have the
    digits that they had.
    """
    return int(np.frexp(max(np.abs(array).max(initial=0) for array in numbers))[1])
