"""A score's text has enough digits for errors in a target's unit, which may have any size."""

from __future__ import annotations

import math

# Errors in the target's unit; other small scores are as good as 0.
_IN_UNIT = ("mae", "rmse", "pinball_loss")


def score_text(name: str, value: float, *, sign: str = "") -> str:
    """Return a score, or a difference of scores, as people read it; nothing for NaN.

    Parameters
    ----------
    name : str
        That of the score, see `settings.METRICS`.
    value : float
    sign : {"", "+"}
        Whether a positive one has a sign, as `format` has it.

    Examples
    --------
    >>> score_text("r2", 2e-7), score_text("mae", 2e-7), score_text("mae", 123456.7)
    ('0.0000', '2e-07', '1.2346e+05')
    """
    if math.isnan(value):
        return ""
    size = abs(value)
    if name in _IN_UNIT and 0 < size < 1e-2:
        return format(value, f"{sign}.3g")
    return format(value, f"{sign}.5g" if size >= 1e4 else f"{sign}.4f")
