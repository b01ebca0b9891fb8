"""A value is told by its entries where these have room, else by its shape and its norm."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from ..derivation.numbers import nested

# So many letters fit on one line of a card.
WIDEST = 27


def _short(entries: object, digits: int) -> Any:
    """Return nested lists of numbers with so many significant digits."""
    if isinstance(entries, list):
        return [_short(entry, digits) for entry in entries]
    return float(f"{entries:.{digits}g}") if isinstance(entries, float) else entries


def brief(x: ArrayLike, most: int = WIDEST - 2) -> str:
    """Return the entries of a small array; of a large one its norm, or range if of integers.

    Where there is room, the shape stands before.
    """
    x = np.asarray(x)
    for digits in (4, 3, 2) if x.size <= most else ():
        text = nested(_short(x.tolist(), digits))
        if len(text) <= most:
            return text
    if x.dtype.kind == "b" or x.size == 0:
        return f"{_shape(x)} {x.dtype}"
    if x.dtype.kind != "f":
        return f"{_shape(x)}  {x.min()} … {x.max()}"
    with np.errstate(all="ignore"):
        norm = f"‖·‖ {float(np.linalg.norm(x.astype(float).ravel())):.3g}"
    return norm if most < WIDEST - 2 else f"{_shape(x)}  {norm}"


def _shape(x: Array) -> str:
    return "×".join(map(str, x.shape)) if x.ndim > 1 else f"({x.size},)"
