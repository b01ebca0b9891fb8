"""An MLP is the fully connected network: linear layers with activations between."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.operand import as_plain
from ..data.rows import as_numbers, check_finite
from ..errors import choose
from ..graphs.recording import no_grad
from ..ops.softmax import softmax
from .activations import ACTIVATIONS
from .initialise import BY_ACTIVATION, as_generator
from .linear import Linear
from .module import Module


class MLP(Module):
    """A fully connected network: linear layers, and an activation between each two.

    Parameters
    ----------
    *sizes : int
        Features of the input, of each hidden layer, and of the output.
    activation : str
        One of `ACTIVATIONS`, as "relu" or "tanh". Also chooses the first weights, see
        `initialise.BY_ACTIVATION`: Glorot's for sigmoid and tanh, He's for ReLU.
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    layers : list of Module
        Linear, activation, ..., Linear.

    Raises
    ------
    ValueError
        If there are fewer than two sizes, one is not a positive integer, or the activation is
        unknown.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> model = nn.MLP(2, 4, 2, rng=0)
    >>> model
    MLP(  # 22 parameters
      layers[0]: Linear(2, 4)
      layers[1]: Sigmoid()
      layers[2]: Linear(4, 2)
    )
    >>> model.predict_proba(np.ones((5, 2))).shape
    (5, 2)
    """

    def __init__(
        self,
        *sizes: int,
        activation: str = "sigmoid",
        rng: np.random.Generator | int | None = None,
        dtype: DTypeLike = float,
    ) -> None:
        if len(sizes) < 2:
            raise ValueError(f"MLP: expected at least two sizes, as MLP(2, 4, 2), got {sizes}")
        for i, size in enumerate(sizes):
            positive_size(f"MLP: size {i}", size)
        self.activation = choose("activation", activation, ACTIVATIONS)
        self.sizes = tuple(map(int, sizes))
        generator = as_generator(rng)
        initialise = BY_ACTIVATION[activation]
        self.layers: list[Module] = []
        for fan_in, fan_out in pairwise(sizes):
            if self.layers:
                self.layers.append(ACTIVATIONS[activation]())
            layer = Linear(fan_in, fan_out, rng=generator, initialise=initialise, dtype=dtype)
            self.layers.append(layer)

    def forward(self, x: ArrayLike) -> Any:
        """Return the last layer's output: logits, if the network is a classifier.

        Parameters
        ----------
        x : (..., sizes[0]) array

        Returns
        -------
        (..., sizes[-1]) Tensor
        """
        for layer in self.layers:
            x = layer(x)
        return x

    def _logits(self, X: ArrayLike) -> Array:
        """Return the outputs as a plain array, computed in the dtype of the parameters."""
        if self.sizes[-1] < 2:
            raise ValueError(
                f"a network with {self.sizes[-1]} output has no classes to choose from; "
                "call the model itself for its output"
            )
        x = X
        # Only frames, lists and arrays of objects may hold texts, or gaps that are no numbers.
        if not isinstance(X, np.ndarray) or X.dtype.kind == "O":
            x = as_numbers("X", X)
            check_finite("X", x)
        with no_grad():
            x = as_plain(x).astype(next(self.parameters()).dtype, copy=False)
            return np.asarray(self.forward(x).data)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of every class: the softmax of the outputs.

        Parameters
        ----------
        X : (..., sizes[0]) array

        Returns
        -------
        (..., sizes[-1]) float array
            Without graph; every row sums to 1.

        Raises
        ------
        TypeError, ValueError
            If an entry of a frame is no number, or missing, or the network has only one output.
        """
        return np.asarray(softmax(self._logits(X), axis=-1))

    def predict(self, X: ArrayLike) -> Array:
        """Return the index of the most probable class; of equal ones the first.

        Parameters
        ----------
        X : (..., sizes[0]) array

        Returns
        -------
        (...) integer array
        """
        return np.asarray(np.argmax(self._logits(X), axis=-1))
