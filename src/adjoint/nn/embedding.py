"""An embedding gives each of so many things a vector of its own, which is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..ops.indexing import index
from ..ops.keys import SLOT
from ..ops.logic import not_equal
from ..ops.piecewise import where
from ..ops.requirement import require_that
from ..ops.structural import as_array, reshape, stop_gradient
from .initialise import as_generator, normal
from .module import Module, Parameter


class Embedding(Module):
    """Rows of a weight by their numbers; a row picked several times gets all the gradients.

    Parameters
    ----------
    count : int
        How many things there are, numbered from 0.
    features : int
        Entries of each vector.
    padding_idx : int, optional
        The number that fills up short rows; a negative one counts from the end. Its vector starts
        at 0 and gets no gradient, so it stays as it is.
    rng : numpy.random.Generator, int or None
        Where the weights come from: they start as standard normal numbers.
    dtype : dtype
        The dtype of the weight.

    Attributes
    ----------
    weight : (count, features) Parameter

    Raises
    ------
    ValueError
        If a size is not a positive integer, or ``padding_idx`` is none of the numbers.
    TypeError
        On a call, if the input is not one of integers.
    IndexError
        On a call, if an entry is not in range(count), a negative one included.

    Examples
    --------
    >>> from adjoint import nn
    >>> layer = nn.Embedding(10, 3, rng=0)
    >>> layer([[1, 2, 1, 9]]).shape
    (1, 4, 3)
    >>> nn.Embedding(10, 3, padding_idx=0, rng=0)([0]).data
    array([[0., 0., 0.]])
    """

    # Layers that were pickled before there was padding have no attribute of this name.
    padding_idx: int | None = None

    def __init__(
        self,
        count: int,
        features: int,
        *,
        padding_idx: int | None = None,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.count = positive_size("count", count)
        self.features = positive_size("features", features)
        self.padding_idx = self._padding(padding_idx)
        weight = normal(as_generator(rng), 1.0, (self.count, self.features))
        if self.padding_idx is not None:
            weight[self.padding_idx] = 0
        self.weight = Parameter(weight.astype(dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return the row of the weight for each entry.

        Parameters
        ----------
        x : (...) integer array

        Returns
        -------
        (..., features) Tensor
        """
        z = as_array(x)
        if z.dtype.kind not in "iu":
            raise TypeError(
                f"Embedding: expected integers in range({self.count}), got dtype {z.dtype} and "
                f"shape {z.shape}; pass x.astype(int)"
            )
        rows = require_that(
            z,
            lambda numbers: (numbers >= 0) & (numbers < self.count),
            f"Embedding: a number is not in range({self.count}); the weight of shape "
            f"{self.weight.shape} has rows 0 to {self.count - 1}",
            "IndexError",
        )
        found = index(self.weight, rows, key=(SLOT,))
        if self.padding_idx is None:
            return found
        counts = reshape(not_equal(rows, self.padding_idx), shape=(*rows.shape, 1))
        return where(counts, found, stop_gradient(found))

    def _padding(self, number: int | None) -> int | None:
        """Return the number of the padding, counted from the start."""
        if number is None:
            return None
        is_whole = isinstance(number, (int, np.integer)) and not isinstance(number, bool)
        if not is_whole or not -self.count <= number < self.count:
            raise ValueError(
                f"padding_idx: expected an integer from {-self.count} to {self.count - 1}, "
                f"got {number!r}"
            )
        return int(number) % self.count

    def extra_repr(self) -> str:
        """Return the sizes, and the padding if there is one."""
        padding = "" if self.padding_idx is None else f", padding_idx={self.padding_idx}"
        return f"{self.count}, {self.features}{padding}"
