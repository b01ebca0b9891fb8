"""A piecewise linear encoding lets a straight line through its numbers be any curve of one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array
from ..core.value import Value
from ..ops.piecewise import clip
from ..ops.structural import reshape

# Numbers of a table have their ranks between these bounds, see `tables.column`.
_WIDEST = 3**0.5


def piecewise_linear(x: Value | Array, bins: int) -> Any:
    """Return how far each number is past each of equal bins: 0 before it, 1 behind it.

    Gorishniy, Rubachev and Babenko, "On embeddings for numerical features in tabular deep
    learning", NeurIPS 2022. Their bins are quantiles; equal bins of ranks are the same.

    Parameters
    ----------
    x : (n, columns) array
    bins : int
        How many bins part the numbers between -√3 and √3.

    Returns
    -------
    (n, columns * bins) array, those of a column together
    """
    dtype = x.dtype.type
    edges = np.linspace(-_WIDEST, _WIDEST, bins + 1)
    n, columns = x.shape
    past = reshape(x, shape=(n, columns, 1)) - edges[:-1].astype(dtype)
    found = clip(past * dtype(bins / (2 * _WIDEST)), dtype(0), dtype(1))
    return reshape(found, shape=(n, columns * bins))
