"""A gradient's state is what is wrong with it, told from its numbers alone."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from ...graphs.source_line import SourceLine

# Gradients below are tiny, above huge: a step of usual size then changes nothing, or everything.
TINY, HUGE = 1e-7, 1e6
# A gradient is tiny, too, if it is below this and so much smaller than another parameter's: one
# learning rate cannot serve both.
_BESIDE = 1e-4
# The order in which a program's faults matter: a NaN hides all others.
SEVERITY = ("nan", "inf", "none", "zero", "huge", "tiny", "fine")


class Verdict(NamedTuple):
    """What one rule of the diagnosis found: a cause, the line, and what happened there."""

    cause: str
    where: SourceLine | None
    explanation: str
    details: dict[str, Any]


def state_of(gradient: Array | None, greatest: float = 0.0) -> str:
    """Return the state of a gradient, beside the greatest norm of the others'."""
    if gradient is None:
        return "none"
    if np.isnan(gradient).any():
        return "nan"
    if not np.isfinite(gradient).all():
        return "inf"
    size = norm(gradient)
    if size == 0:
        return "zero" if gradient.size else "fine"
    if size > HUGE:
        return "huge"
    # A difference of rounding errors is no zero, but it is what a zero becomes.
    return "tiny" if size < max(TINY, _BESIDE * min(greatest, 1.0)) else "fine"


def norm(x: ArrayLike) -> float:
    """Return the root of the sum of squares, NaN aside, without overflow."""
    flat = np.abs(np.asarray(x, np.float64)).ravel()
    largest = float(np.max(flat, initial=0.0))
    if largest == 0 or not math.isfinite(largest):
        return largest
    return largest * math.sqrt(float(np.sum((flat / largest) ** 2)))


def share(mask: Array) -> str:
    """Return how many entries of a mask hold, in words."""
    count, size = int(np.count_nonzero(mask)), int(np.size(mask))
    return f"all {size}" if count == size > 1 else f"{count} of {size}"
