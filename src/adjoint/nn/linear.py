"""A linear layer is an affine map of the last axis: z' = z W + b."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.operand import as_plain
from ..core.value import Value
from ..errors import ShapeError
from ..ops.products import matmul
from .initialise import Initialiser, first_weight, glorot_uniform
from .module import Module, Parameter


class Linear(Module):
    """An affine map of the last axis, z' = z W + b.

    Parameters
    ----------
    in_features, out_features : int
        Sizes of the last axis of input and output.
    bias : bool
        Without it the attribute ``bias`` is None.
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    initialise : callable or str
        ``initialise(shape, generator)`` returns the weights, as does one of
        `initialise.INITIALISERS` by its name; the bias starts at zero.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (in_features, out_features) Parameter
    bias : (out_features,) Parameter or None

    Raises
    ------
    ValueError
        If a size is not a positive integer, or ``initialise`` an unknown name.
    ShapeError
        If ``initialise`` returns another shape; on a call, if the last axis of the input has not
        ``in_features`` entries.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> layer = nn.Linear(2, 3, rng=0)
    >>> layer(np.ones((5, 2))).shape
    (5, 3)
    """

    def __init__(
        self,
        in_features: int,
        out_features: int,
        bias: bool = True,
        *,
        rng: np.random.Generator | int | None = None,
        initialise: Initialiser | str = glorot_uniform,
        dtype: DTypeLike = float,
    ) -> None:
        self.in_features = positive_size("in_features", in_features)
        self.out_features = positive_size("out_features", out_features)
        shape = (self.in_features, self.out_features)
        self.weight = Parameter(first_weight(initialise, shape, rng).astype(dtype))
        self.bias = Parameter(np.zeros(self.out_features, dtype)) if bias else None

    def forward(self, x: ArrayLike) -> Any:
        """Return x W + b.

        Parameters
        ----------
        x : (..., in_features) array

        Returns
        -------
        (..., out_features) Tensor
        """
        try:
            product = matmul(x, self.weight)
        except ShapeError:
            shape = x.shape if isinstance(x, Value) else as_plain(x).shape
            raise ShapeError(
                f"Linear: input of shape {shape} does not fit the weight of shape "
                f"{self.weight.shape}; expected a last axis of {self.in_features}"
            ) from None
        return product if self.bias is None else product + self.bias

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_features}, {self.out_features}" + ", bias=False" * (self.bias is None)
