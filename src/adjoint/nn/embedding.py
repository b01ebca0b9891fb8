"""An embedding gives each of so many things a vector of its own, which is trained."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..ops.indexing import SLOT, index
from ..ops.requirement import require_that
from ..ops.structural import as_array
from .initialise import as_generator
from .module import Module, Parameter


class Embedding(Module):
    """Rows of a weight by their numbers; a row picked several times gets all the gradients.

    Parameters
    ----------
    count : int
        How many things there are, numbered from 0.
    features : int
        Entries of each vector.
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
        If a size is not a positive integer.
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
    """

    def __init__(
        self,
        count: int,
        features: int,
        *,
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        self.count = positive_size("count", count)
        self.features = positive_size("features", features)
        weight = as_generator(rng).normal(size=(self.count, self.features))
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
        return index(self.weight, rows, key=(SLOT,))

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.count}, {self.features}"
