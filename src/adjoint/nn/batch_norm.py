"""Batch normalisation gives each channel mean 0 and variance 1 over a batch."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.arithmetic import divide
from ..ops.exponential import sqrt, square
from ..ops.shards import count_of_batch, mean_of_batch
from ..ops.structural import as_array, reshape
from .module import Buffer, Module, Parameter
from .normalisation import positive_number


class BatchNorm(Module):
    """Each channel with mean 0 and variance 1 over the batch, then scaled and shifted.

    (x - m) / √(v + ε) · weight + bias. In training mode m and v are mean and variance of the
    channel over the batch and all places, v with the divisor n, and the running statistics go a
    share ``momentum`` of the way to m and to the unbiased n v / (n - 1), as PyTorch's do; in
    evaluation mode they stand for m and v: Ioffe & Szegedy, "Batch normalization: accelerating deep
    network training by reducing internal covariate shift", ICML 2015, algorithms 1 and 2.

    Parameters
    ----------
    features : int
        Size of axis 1, the channels.
    epsilon : float
        Keeps the divisor from 0.
    momentum : float
        From 0 to 1; the weight of the newest batch.
    dtype : dtype
        The dtype of parameters and buffers.

    Attributes
    ----------
    weight : (features,) Parameter
        Starts at 1.
    bias : (features,) Parameter
        Starts at 0.
    running_mean : (features,) Buffer
        Starts at 0.
    running_variance : (features,) Buffer
        Starts at 1.

    Raises
    ------
    ValueError
        If a number is out of range.
    ShapeError
        On a call, if axis 1 of the input has not ``features`` entries; in training mode if there is
        one value a channel, which has no variance.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> layer = nn.BatchNorm(1)
    >>> layer(np.array([[1.0], [3.0]])).data.round(4)
    array([[-1.],
           [ 1.]])
    >>> layer.running_mean, layer.running_variance
    (tensor([0.2]), tensor([1.1]))
    """

    def __init__(
        self,
        features: int,
        epsilon: float = 1e-5,
        *,
        momentum: float = 0.1,
        dtype: DTypeLike = float,
    ) -> None:
        self.features = positive_size("features", features)
        self.epsilon = positive_number("epsilon", epsilon)
        if not 0 <= momentum <= 1:
            raise ValueError(f"momentum: expected a number from 0 to 1, got {momentum!r}")
        self.momentum = float(momentum)
        self.weight = Parameter(np.ones(self.features, dtype))
        self.bias = Parameter(np.zeros(self.features, dtype))
        self.running_mean = Buffer(np.zeros(self.features, dtype))
        self.running_variance = Buffer(np.ones(self.features, dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return the normalised input, scaled and shifted.

        Parameters
        ----------
        x : (n, features, ...) array

        Returns
        -------
        (n, features, ...) Tensor
        """
        z = as_array(x)
        if z.ndim < 2 or z.shape[1] != self.features:
            raise ShapeError(f"BatchNorm: got shape {z.shape}; expected (n, {self.features}, ...)")
        across = (1, self.features, *(1,) * (z.ndim - 2))
        if self.training:
            centred, variance = self._measured(z, across)
        else:
            centred = z - reshape(self.running_mean, shape=across)
            variance = reshape(self.running_variance, shape=across)
        scale = divide(reshape(self.weight, shape=across), sqrt(variance + self.epsilon))
        return centred * scale + reshape(self.bias, shape=across)

    def _measured(self, x: Value | Array, across: tuple[int, ...]) -> tuple[Any, Any]:
        """Return the input without its mean, and its variance; both enter the running ones."""
        count = count_of_batch(math.prod(x.shape) // self.features)
        # The unbiased variance divides by count - 1.
        if count < 2:
            raise ShapeError(
                f"BatchNorm: one value a channel, input of shape {x.shape}, has no variance; "
                "train on larger batches, or call .eval()"
            )
        axes = (0, *range(2, x.ndim))
        mean_ = mean_of_batch(x, axes)
        centred = x - mean_
        # The squares are of centred entries. mean(x²) - mean(x)² is a difference of large numbers,
        # which rounding could take below 0.
        variance = mean_of_batch(square(centred), axes)
        kept = 1 - self.momentum
        new_mean = reshape(mean_, shape=(self.features,))
        unbiased = reshape(variance, shape=(self.features,)) * (count / (count - 1))
        self.running_mean = kept * self.running_mean + self.momentum * new_mean
        self.running_variance = kept * self.running_variance + self.momentum * unbiased
        return centred, variance

    def extra_repr(self) -> str:
        """Return the size."""
        return f"{self.features}"
