"""A matrix is a small array as mathematics: with brackets, rows and columns."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .formula import Formula, number, words
from .numbers import WHOLE, numbers, round_text


def matrix(x: ArrayLike) -> Formula | None:
    """Return a number, row or matrix as a formula; None for what is printed as a summary.

    >>> matrix(np.array([[1.0, 2.0], [3.0, 0.5]])).latex
    '\\\\begin{bmatrix} 1 & 2 \\\\\\\\ 3 & 0.5 \\\\end{bmatrix}'
    """
    x = np.asarray(x)
    if not 0 < x.size <= WHOLE or x.ndim > 2:
        return None
    if x.ndim == 0:
        return _entry(x.item())
    rows = [[_entry(entry) for entry in row] for row in np.atleast_2d(x).tolist()]
    latex = r" \\ ".join(" & ".join(entry.latex for entry in row) for row in rows)
    return Formula(numbers(x), rf"\begin{{bmatrix}} {latex} \end{{bmatrix}}")


def _entry(entry: float) -> Formula:
    text = round_text(entry)
    return number(text) if not isinstance(entry, bool) else words(text)
