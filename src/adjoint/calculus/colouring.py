"""A colouring lets one sweep find many columns, or rows, of a sparse matrix.

Columns of one colour have no row in common, so that their sum holds each of their entries
unchanged. A few dense rows would give every column a colour of its own; these are found by sweeps
in the other direction, one for each, and the colours serve the rest.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ..core.annotations import Array


class Colouring(NamedTuple):
    """In which sweep each entry of a matrix is found.

    Attributes
    ----------
    columns : (n,) integer array
        The push forward in which each column is found; -1 for a column that is in none.
    rows : (m,) integer array
        The pull back in which each row is found; -1 for a row that is in none.
    by_rows : (number of entries,) bool array
        Whether an entry is found by a pull back, in the order of the pattern's entries.
    """

    columns: Array
    rows: Array
    by_rows: Array

    @property
    def sweeps(self) -> int:
        """How many sweeps there are, in both directions."""
        return int(self.columns.max(initial=-1) + self.rows.max(initial=-1)) + 2


def coloured(pattern: Any, mode: str = "auto") -> Colouring:
    """Return a colouring of a pattern.

    Parameters
    ----------
    pattern : (m, n) sparse array
        In compressed rows.
    mode : {"auto", "forward", "reverse"}
        "forward" finds all by columns, "reverse" all by rows, "auto" most by columns and the
        densest rows by rows, or the other way round, whichever takes fewer sweeps.
    """
    if mode == "forward":
        return _by_columns(pattern, 0)
    if mode == "reverse":
        return _turned(_by_columns(_transposed(pattern), 0), pattern)
    forward = _by_columns(pattern, _dense_rows(pattern))
    turned = _transposed(pattern)
    reverse = _turned(_by_columns(turned, _dense_rows(turned)), pattern)
    return forward if forward.sweeps <= reverse.sweeps else reverse


def _transposed(pattern: Any) -> Any:
    return pattern.T.tocsr()


def _turned(colouring: Colouring, pattern: Any) -> Colouring:
    """Return the colouring of a matrix, given that of its transpose, whose pattern differs."""
    rows, columns = colouring.columns, colouring.rows
    return Colouring(columns, rows, columns[pattern.indices] < 0)


def _dense_rows(pattern: Any) -> int:
    """Return how many of the densest rows to leave out, for the fewest sweeps in all.

    The columns in one row differ in colour: there are at least as many as the longest row has.
    """
    lengths = np.sort(np.diff(pattern.indptr))[::-1]
    return int(np.argmin(np.append(lengths, 0) + np.arange(len(lengths) + 1)))


def _by_columns(pattern: Any, dense: int) -> Colouring:
    """Return the colouring by columns, with a sweep of its own for each of the densest rows."""
    lengths = np.diff(pattern.indptr)
    rows = np.full(len(lengths), -1)
    rows[np.argsort(-lengths, kind="stable")[:dense]] = np.arange(dense)
    by_rows = np.repeat(rows >= 0, lengths)
    rest = pattern.indices[~by_rows], np.repeat(np.arange(len(lengths)), lengths)[~by_rows]
    left = sparse.csc_array((np.ones(rest[0].size, bool), rest[::-1]), shape=pattern.shape)
    return Colouring(_greedy(left), rows, by_rows)


def _greedy(pattern: Any) -> Array:
    """Give each column the first colour that no column with a row in common has.

    The colours met in a row are the bits of one Python integer, so that the time is that of going
    through the entries twice.
    """
    starts, rows = pattern.indptr.tolist(), pattern.indices.tolist()
    met = [0] * pattern.shape[0]
    colours = np.full(pattern.shape[1], -1)
    for column in np.flatnonzero(np.diff(pattern.indptr)).tolist():
        own = rows[starts[column] : starts[column + 1]]
        taken = 0
        for row in own:
            taken |= met[row]
        free = ~taken & (taken + 1)
        colours[column] = free.bit_length() - 1
        for row in own:
            met[row] |= free
    return colours
