"""Adaptive and global pooling: as many windows as are asked for, whatever the size of the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, Shape
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.indexing import index
from ..ops.keys import SLOT
from ..ops.piecewise import where
from ..ops.reductions import max, mean, sum
from ..ops.structural import as_array
from ..ops.windows import sliding_windows
from .module import Module


class AdaptivePool(Module):
    """Pooling of all axes after (n, channels) to sizes that are given; abstract.

    As in PyTorch window i of m, along an axis of n entries, goes from ⌊i n / m⌋ up to, not with,
    ⌈(i + 1) n / m⌉: neighbours share an entry where m does not divide n.

    Parameters
    ----------
    output_size : int, None, or tuple of them
        How many windows there are along each axis; None leaves as many as the input has entries.

    Raises
    ------
    ValueError
        If a size is no positive integer.
    ShapeError
        On a call, if the input has not these axes, or one without entries.
    """

    def __init__(self, output_size: int | Sequence[int | None] | None) -> None:
        sizes = output_size if isinstance(output_size, (tuple, list)) else (output_size,)
        if not sizes:
            raise ValueError("output_size: expected a size or several, got ()")
        checked = tuple(n if n is None else positive_size("output_size", n) for n in sizes)
        self.output_size = checked if isinstance(output_size, (tuple, list)) else checked[0]

    def forward(self, x: ArrayLike) -> Any:
        """Return one number for each window.

        Parameters
        ----------
        x : (n, channels, ...) array

        Returns
        -------
        (n, channels, *output_size) Tensor
        """
        z = as_array(x)
        sizes = self._sizes(z.shape)
        own = tuple(range(-len(sizes), 0))
        if all(n % m == 0 for n, m in zip(z.shape[2:], sizes, strict=True)):
            each = tuple(n // m for n, m in zip(z.shape[2:], sizes, strict=True))
            return self._reduced(sliding_windows(z, each, stride=each), None, own)
        return self._reduced(*_uneven_windows(z, sizes), own)

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        """Return one number for each window; subclasses define it.

        Parameters
        ----------
        found : (n, channels, *output_size, ...) array
        inside : (*output_size, ...) boolean array or None
            Which entries belong to a window; None if all do.
        own : tuple of int
            The axes of the windows themselves.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no _reduced")

    def _sizes(self, shape: Shape) -> Shape:
        """Return how many windows there are along each axis of an input of this shape."""
        axes, given = len(shape) - 2, self.output_size
        wanted = given if isinstance(given, tuple) else (given,) * axes
        if axes < 1 or len(wanted) != axes or 0 in shape[2:]:
            spaces = f"{len(given)} axes" if isinstance(given, tuple) else "axes"
            raise ShapeError(
                f"{type(self).__name__}: input of shape {shape} does not fit output_size {given}; "
                f"expected (n, channels, ...) with {spaces} that have entries"
            )
        return tuple(n if m is None else m for n, m in zip(shape[2:], wanted, strict=True))

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.output_size}"


class AdaptiveMaxPool(AdaptivePool):
    """The greatest entry of every window: see `AdaptivePool`.

    Where several entries are the greatest they share the gradient, as with `numpy.max`; PyTorch
    gives all of it to one of them.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.AdaptiveMaxPool(2)(np.array([[[1.0, 3.0, 2.0, 0.0, 1.0]]]))
    array([[[3., 2.]]])
    """

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        return max(found if inside is None else where(inside, found, -np.inf), axis=own)


class AdaptiveAvgPool(AdaptivePool):
    """The mean of every window: see `AdaptivePool`.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.AdaptiveAvgPool(2)(np.array([[[1.0, 3.0, 2.0, 0.0, 1.0]]]))
    array([[[2., 1.]]])
    """

    def _reduced(self, found: Value | Array, inside: Array | None, own: Shape) -> Any:
        if inside is None:
            return mean(found, axis=own)
        counts = inside.sum(axis=own).astype(found.dtype)
        return sum(where(inside, found, 0.0), axis=own) / counts


class GlobalPool(Module):
    """Pooling of each channel to one number; abstract.

    Raises
    ------
    ShapeError
        On a call, if the input has no axis after (n, channels), or one without entries.
    """

    def forward(self, x: ArrayLike) -> Any:
        """Return one number for each channel.

        Parameters
        ----------
        x : (n, channels, ...) array

        Returns
        -------
        (n, channels) Tensor
        """
        z = _with_entries(self, x)
        return self._reduced(z, tuple(range(2, z.ndim)))

    def _reduced(self, z: Value | Array, own: Shape) -> Any:
        """Return one number for each channel, whose entries lie along ``own``."""
        raise NotImplementedError(f"{type(self).__name__} defines no _reduced")


class GlobalMaxPool(GlobalPool):
    """The greatest entry of each channel, which share the gradient if there are several.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GlobalMaxPool()(np.ones((5, 3, 8, 8))).shape
    (5, 3)
    """

    def _reduced(self, z: Value | Array, own: Shape) -> Any:
        return max(z, axis=own)


class GlobalAvgPool(GlobalPool):
    """The mean of each channel.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.GlobalAvgPool()(np.ones((5, 3, 8, 8))).shape
    (5, 3)
    """

    def _reduced(self, z: Value | Array, own: Shape) -> Any:
        return mean(z, axis=own)


def _with_entries(module: Module, x: ArrayLike) -> Any:
    """Return the input as an array, if each channel has entries."""
    z = as_array(x)
    if z.ndim < 3 or 0 in z.shape[2:]:
        raise ShapeError(
            f"{type(module).__name__}: input of shape {z.shape}; expected (n, channels, ...) with "
            "axes that have entries"
        )
    return z


def _uneven_windows(x: Value | Array, sizes: Shape) -> tuple[Any, Array]:
    """Return windows as large as the largest one, and which of their entries belong to each.

    All axes of the windows are picked at once, because equal greatest entries of a window share the
    gradient alike only if one maximum is taken of all.
    """
    axes = len(sizes)
    places, insides = [], []
    for axis, (n, m) in enumerate(zip(x.shape[2:], sizes, strict=True)):
        starts = np.arange(m) * n // m
        ends = -(-(np.arange(1, m + 1) * n) // m)
        at = starts[:, None] + np.arange((ends - starts).max())
        shape = [1] * (2 * axes)
        shape[axis], shape[axes + axis] = at.shape
        places.append(np.minimum(at, n - 1).reshape(shape))
        insides.append((at < ends[:, None]).reshape(shape))
    key = (slice(None), slice(None), *(SLOT for _ in sizes))
    inside = math.prod(insides[1:], start=insides[0])
    return index(x, *places, key=key), inside.astype(bool)
