"""A normalisation gives entries mean 0 and variance 1, or size 1, then scales and shifts them.

The variance is that of a population, with the divisor n, as in PyTorch.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike, Shape
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.arithmetic import divide
from ..ops.exponential import sqrt, square
from ..ops.reductions import mean
from ..ops.structural import as_array, reshape
from .module import Module, Parameter


class LayerNorm(Module):
    """The last axes with mean 0 and variance 1, then scaled and shifted by feature.

    (x - m) / √(v + ε) · weight + bias, where m is the mean and v the variance of the last axis, or
    of the last axes together: Ba, Kiros & Hinton, "Layer normalization", 2016, equation (4). Equal
    entries become the bias.

    Parameters
    ----------
    features : int or tuple of int
        Size of the last axis; a tuple has the sizes of as many last axes.
    epsilon : float
        Keeps the divisor from 0.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (features,) Parameter, or of the shape ``features``
        Starts at 1.
    bias : as the weight
        Starts at 0.

    Raises
    ------
    ValueError
        If ``features`` has not positive integers, or none, or ``epsilon`` is no positive number.
    ShapeError
        On a call, if the last axes of the input have not these sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.LayerNorm(2)(np.array([[1.0, 3.0]])).data.round(4)
    array([[-1.,  1.]])
    >>> nn.LayerNorm((4, 8, 8))(np.ones((2, 4, 8, 8))).shape
    (2, 4, 8, 8)
    """

    def __init__(
        self, features: int | Shape, epsilon: float = 1e-5, *, dtype: DTypeLike = float
    ) -> None:
        self.features = _sizes(features)
        self.epsilon = positive_number("epsilon", epsilon)
        self.weight = Parameter(np.ones(self.features, dtype))
        self.bias = Parameter(np.zeros(self.features, dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return the normalised input, scaled and shifted.

        Parameters
        ----------
        x : (..., features) array, or (..., *features) for several axes

        Returns
        -------
        (..., features) Tensor
        """
        z = _with_last_axes(self, x)
        axes = tuple(range(-self.weight.ndim, 0))
        return _standardised(z, self.epsilon, axes) * self.weight + self.bias

    def extra_repr(self) -> str:
        """Return the size."""
        return f"{self.features}"


class RMSNorm(Module):
    """The last axis with a mean square of 1, then scaled by feature.

    x / √(mean x² + ε) · weight: Zhang & Sennrich, "Root mean square layer normalization",
    NeurIPS 2019, equation (4). It has no bias.

    Parameters
    ----------
    features : int
        Size of the last axis.
    epsilon : float
        Keeps the divisor from 0. PyTorch's default is the dtype's own rounding unit instead.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (features,) Parameter
        Starts at 1.

    Raises
    ------
    ValueError
        If ``features`` is not a positive integer, or ``epsilon`` no positive number.
    ShapeError
        On a call, if the last axis of the input has not ``features`` entries.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.RMSNorm(2)(np.array([[1.0, 7.0]])).data.round(4)
    array([[0.2, 1.4]])
    """

    def __init__(self, features: int, epsilon: float = 1e-5, *, dtype: DTypeLike = float) -> None:
        self.features = positive_size("features", features)
        self.epsilon = positive_number("epsilon", epsilon)
        self.weight = Parameter(np.ones(self.features, dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return the normalised input, scaled.

        Parameters
        ----------
        x : (..., features) array

        Returns
        -------
        (..., features) Tensor
        """
        z = _with_last_axes(self, x)
        return _over_root(z, mean(square(z), axis=-1, keepdims=True), self.epsilon) * self.weight

    def extra_repr(self) -> str:
        """Return the size."""
        return f"{self.features}"


class GroupNorm(Module):
    """Each group of channels with mean 0 and variance 1, then scaled and shifted by channel.

    Mean and variance are those of a group's channels and all positions within one example: Wu & He,
    "Group normalization", ECCV 2018, equations (1) to (7).

    Parameters
    ----------
    groups : int
        A divisor of ``channels``.
    channels : int
        Size of the second axis.
    epsilon : float
        Keeps the divisor from 0.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (channels,) Parameter
        Starts at 1.
    bias : (channels,) Parameter
        Starts at 0.

    Raises
    ------
    ValueError
        If a size is not a positive integer, ``groups`` does not divide ``channels``, or ``epsilon``
        is no positive number.
    ShapeError
        On a call, if the second axis of the input has not ``channels`` entries.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GroupNorm(2, 4)(np.array([[1.0, 3.0, 5.0, 5.0]])).data.round(4)
    array([[-1.,  1.,  0.,  0.]])
    """

    def __init__(
        self, groups: int, channels: int, epsilon: float = 1e-5, *, dtype: DTypeLike = float
    ) -> None:
        self.groups = positive_size("groups", groups)
        self.channels = positive_size("channels", channels)
        if self.channels % self.groups:
            raise ValueError(
                f"GroupNorm: {channels} channels do not make {groups} groups of equal size; "
                "expected a divisor of the number of channels"
            )
        self.epsilon = positive_number("epsilon", epsilon)
        self.weight = Parameter(np.ones(self.channels, dtype))
        self.bias = Parameter(np.zeros(self.channels, dtype))

    def forward(self, x: ArrayLike) -> Any:
        """Return the normalised input, scaled and shifted.

        Parameters
        ----------
        x : (n, channels, ...) array

        Returns
        -------
        (n, channels, ...) Tensor
        """
        z = as_array(x)
        if z.shape[1:2] != (self.channels,):
            raise ShapeError(
                f"GroupNorm: input of shape {z.shape} does not fit the weight of shape "
                f"{self.weight.shape}; expected (n, {self.channels}, ...)"
            )
        size = math.prod(z.shape[1:]) // self.groups
        grouped = reshape(z, shape=(z.shape[0], self.groups, size))
        normal = reshape(_standardised(grouped, self.epsilon), shape=z.shape)
        # Trailing axes of size 1 let the channels meet the second axis of the input.
        by_channel = (self.channels, *(1 for _ in z.shape[2:]))
        weight = reshape(self.weight, shape=by_channel)
        return normal * weight + reshape(self.bias, shape=by_channel)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.groups}, {self.channels}"


def _sizes(features: int | Shape) -> int | Shape:
    """Return the size of an axis, or those of several."""
    if not isinstance(features, (tuple, list)):
        return positive_size("features", features)
    if not features:
        raise ValueError("features: expected a positive integer or several, got ()")
    return tuple(positive_size("features", size) for size in features)


def _standardised(x: Value | Array, epsilon: float, axis: int | Shape = -1) -> Any:
    """Return x with mean 0 and variance 1 along an axis, or along several together."""
    axis = axis[0] if isinstance(axis, tuple) and len(axis) == 1 else axis
    centred = x - mean(x, axis=axis, keepdims=True)
    return _over_root(centred, mean(square(centred), axis=axis, keepdims=True), epsilon)


def _over_root(x: Value | Array, squares: Value | Array, epsilon: float) -> Any:
    return divide(x, sqrt(squares + epsilon))


def _with_last_axes(module: LayerNorm | RMSNorm, x: ArrayLike) -> Any:
    """Return the input as an array, if its last axes are the module's."""
    z, shape = as_array(x), module.weight.shape
    if z.shape[-len(shape) :] == shape:
        return z
    expected = f"a last axis of {shape[0]}" if len(shape) == 1 else f"last axes of {shape}"
    raise ShapeError(
        f"{type(module).__name__}: input of shape {z.shape} does not fit the weight of shape "
        f"{shape}; expected {expected}"
    )


def positive_number(name: str, number: object) -> float:
    """Return a number as a float, or say that it is not a positive one."""
    if isinstance(number, (int, float, np.number)) and 0 < number < math.inf:
        return float(number)
    raise ValueError(f"{name}: expected a positive number, got {number!r}")
