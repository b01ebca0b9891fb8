"""Pooling takes the greatest entry or the mean of every window."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, Shape
from ..core.value import Value
from ..errors import ShapeError
from ..ops.piecewise import where
from ..ops.reductions import max, mean
from ..ops.structural import as_array
from ..ops.windows import sliding_windows
from .convolution import Sizes, padded_with_zeros, pairs_of, sizes_of
from .module import Module


class Pool(Module):
    """Pooling over all axes after (n, channels); abstract.

    Parameters
    ----------
    size : int or tuple of int
        The size of a window; a tuple has a size for each axis.
    stride : int or tuple of int, optional
        How far apart windows are; by default ``size``, so that they do not overlap.
    padding : int or tuple of int
        Entries added at both ends of each axis.

    Raises
    ------
    ValueError
        If a size is no positive integer, or the padding negative or above half the size.
    ShapeError
        On a call, if the input has no axis to pool over, or no window fits.
    """

    def __init__(
        self,
        size: int | Sizes,
        stride: int | Sizes | None = None,
        padding: int | Sizes = 0,
    ) -> None:
        self.size = size
        self.stride = size if stride is None else stride
        self.padding = padding
        # How many axes the input has is not known yet, so that each is checked for the axes that it
        # names itself, if it is a tuple.
        axes = len(size) if isinstance(size, (tuple, list)) else 1
        sizes = sizes_of("size", size, axes)
        sizes_of("stride", self.stride, axes)
        for (before, _), length in zip(pairs_of(padding, axes), sizes, strict=True):
            if before > length // 2:
                raise ValueError(f"padding: {padding} is above half the size {size}")

    def forward(self, x: ArrayLike) -> Any:
        """Return one number for each window.

        Parameters
        ----------
        x : (n, channels, ...) array

        Returns
        -------
        (n, channels, ...) Tensor
        """
        return self._reduced(*self._windows(as_array(x)))

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        """Return one number for each window; subclasses define it.

        Parameters
        ----------
        found : (n, channels, ..., *size) array
        inside : (..., *size) boolean array or None
            What is not padding; None if all is.
        own : tuple of int
            The axes of the windows themselves.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no _reduced")

    def _windows(self, x: Value | Array) -> tuple[Value | Array, Array | None, Shape]:
        """Return the windows, those of a mask of what is not padding, and their own axes."""
        axes = x.ndim - 2
        if axes < 1:
            raise ShapeError(
                f"{type(self).__name__}: input of shape {x.shape}; expected (n, channels, ...)"
            )
        size, stride = sizes_of("size", self.size, axes), sizes_of("stride", self.stride, axes)
        padding = pairs_of(self.padding, axes)
        found = sliding_windows(padded_with_zeros(x, padding), size, stride=stride)
        own = tuple(range(-axes, 0))
        if not any(map(any, padding)):
            return found, None, own
        inside = np.pad(np.ones(x.shape[2:], bool), padding)
        return found, np.asarray(sliding_windows(inside, size, stride=stride)), own

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.size}, stride={self.stride}, padding={self.padding}"


class MaxPool(Pool):
    """The greatest entry of every window; padding counts as -∞.

    Where several entries are the greatest they share the gradient, as with `numpy.max`; PyTorch
    gives all of it to the first.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.MaxPool(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
    array([[[3., 2.]]])
    """

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        return max(found if inside is None else where(inside, found, -np.inf), axis=own)


class AvgPool(Pool):
    """The mean of every window; padding counts as zeros, as in PyTorch.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.AvgPool(2)(np.array([[[1.0, 3.0, 2.0, 0.0]]]))
    array([[[2., 1.]]])
    """

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        return mean(found, axis=own)
