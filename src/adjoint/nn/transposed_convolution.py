"""A transposed convolution spreads each entry of its input over a window of its output."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.products import matmul
from ..ops.structural import concatenate, reshape, transpose
from ..ops.windows import overlay
from .convolution import Sizes, groups_of, padded_with_zeros, pairs_of, sizes_of, with_channels
from .initialise import Initialiser, first_weight, he_uniform
from .module import Module, Parameter


class TransposedConvolution(Module):
    """The transpose of a convolution over some axes; abstract: a subclass says over how many.

    Each entry of the input is multiplied by the kernel, and the windows so made are added where a
    convolution with the same settings would have read them. So it makes an input of a convolution's
    size again of its output's. An axis of n entries becomes one of
    (n - 1) stride - 2 padding + dilation (kernel_size - 1) + output_padding + 1.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of axis 1 of input and output.
    kernel_size : int or tuple of int
    stride : int or tuple of int
        How far apart the windows of neighbouring entries are.
    padding : int or tuple of int
        Entries cut off at both ends of each axis.
    output_padding : int or tuple of int
        Entries more at the end of each axis, less than stride or dilation: where a stride is above
        1, a convolution makes the same size of several, and this says which it was.
    dilation : int or tuple of int
        How far apart a window's entries are.
    groups : int
        Each group of output channels is made of its own group of input channels.
    bias : bool
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    initialise : callable or str
        ``initialise(shape, generator)`` of the shape (in_channels / groups · entries of a window,
        out_channels), or one of `initialise.INITIALISERS` by its name; the bias starts at zero.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (in_channels, *kernel_size, out_channels / groups) Parameter
    bias : (out_channels,) Parameter or None

    Raises
    ------
    ValueError
        If a size is no positive integer, groups do not divide the channels, or the output padding
        is neither below the stride nor below the dilation.
    ShapeError
        On a call, if the input has not these axes and channels, or no output is left.
    """

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sizes,
        stride: int | Sizes = 1,
        padding: int | Sizes = 0,
        output_padding: int | Sizes = 0,
        *,
        dilation: int | Sizes = 1,
        groups: int = 1,
        bias: bool = True,
        rng: np.random.Generator | int | None = None,
        initialise: Initialiser | str = he_uniform,
        dtype: DTypeLike = float,
    ) -> None:
        self.in_channels = positive_size("in_channels", in_channels)
        self.out_channels = positive_size("out_channels", out_channels)
        self.kernel_size = sizes_of("kernel_size", kernel_size, self.axes)
        self.stride = sizes_of("stride", stride, self.axes)
        self.dilation = sizes_of("dilation", dilation, self.axes)
        self.padding = tuple(n for n, _ in pairs_of(padding, self.axes))
        self.output_padding = self._output_padding(output_padding)
        self.groups = groups_of(groups, self.in_channels, self.out_channels)
        weight = self._first_weight(initialise, rng)
        self.weight = Parameter(weight.astype(dtype))
        self.bias = Parameter(np.zeros(self.out_channels, dtype)) if bias else None

    def forward(self, x: ArrayLike) -> Any:
        """Return the sum of all windows.

        Parameters
        ----------
        x : (n, in_channels, ...) array

        Returns
        -------
        (n, out_channels, ...) Tensor
        """
        z = with_channels(self, x, self.axes, self.in_channels)
        whole = self._whole_size(z.shape)
        # From (n, channels, places) to one row for each place of each example, so that all windows
        # come of one product of matrices.
        rows = transpose(z, axes=(0, *range(2, 2 + self.axes), 1))
        windows = self._windows(rows, math.prod(rows.shape[:-1]))
        shaped = reshape(windows, shape=(*rows.shape[:-1], *self.kernel_size, self.out_channels))
        last = 1 + 2 * self.axes
        added = overlay(
            transpose(shaped, axes=(0, last, *range(1, last))),
            size=self.kernel_size,
            stride=self.stride,
            dilation=self.dilation,
            shape=(z.shape[0], self.out_channels, *whole),
        )
        found = self._cut(added)
        if self.bias is None:
            return found
        return found + reshape(self.bias, shape=(self.out_channels,) + (1,) * self.axes)

    def _windows(self, rows: Value, count: int) -> Any:
        """Return the windows, (count, entries, out_channels), group by group."""
        entries = math.prod(self.kernel_size)
        width, depth = self.out_channels // self.groups, self.in_channels // self.groups
        weight = reshape(self.weight, shape=(self.in_channels, entries * width))
        flat = reshape(rows, shape=(count, self.in_channels))
        if self.groups == 1:
            return matmul(flat, weight)
        groups = [slice(start, start + depth) for start in range(0, self.in_channels, depth)]
        parts = [matmul(flat[:, group], weight[group]) for group in groups]
        shape = (count, entries, width)
        return concatenate([reshape(part, shape=shape) for part in parts], axis=2)

    def _cut(self, whole: Value) -> Any:
        """Return what the windows add up to without the padding, and with that of the output."""
        more = tuple((0, n) for n in self.output_padding)
        padded = padded_with_zeros(whole, more)
        if not any(self.padding):
            return padded
        ends = zip(self.padding, padded.shape[2:], strict=True)
        return padded[(slice(None), slice(None), *(slice(p, n - p) for p, n in ends))]

    def _whole_size(self, shape: Sizes) -> Sizes:
        """Return the sizes that all windows cover together, if something is left of them."""
        settings = zip(shape[2:], self.kernel_size, self.stride, self.dilation, strict=True)
        whole = tuple((n - 1) * s + (k - 1) * d + 1 for n, k, s, d in settings)
        cuts = zip(whole, self.padding, self.output_padding, strict=True)
        left = tuple(n - 2 * p + more for n, p, more in cuts)
        if min(shape[2:]) < 1 or min(left) < 1:
            raise ShapeError(
                f"{type(self).__name__}: input of shape {shape} and padding {self.padding} leave "
                f"an output of sizes {left}; expected positive ones"
            )
        return whole

    def _output_padding(self, given: int | Sizes) -> Sizes:
        """Return the output padding of each axis, if it says which size was meant."""
        sizes = tuple(n for n, _ in pairs_of(given, self.axes, "output_padding"))
        for more, stride, dilation in zip(sizes, self.stride, self.dilation, strict=True):
            if more >= max(stride, dilation):
                raise ValueError(
                    f"output_padding: {given} must be below stride {self.stride} or dilation "
                    f"{self.dilation}"
                )
        return sizes

    def _first_weight(
        self, initialise: Initialiser | str, rng: np.random.Generator | int | None
    ) -> Array:
        """Return the weight, of which each output channel has its own column at first."""
        depth, width = self.in_channels // self.groups, self.out_channels // self.groups
        shape = (depth * math.prod(self.kernel_size), self.out_channels)
        drawn = first_weight(initialise, shape, rng)
        by_group = drawn.reshape(depth, *self.kernel_size, self.groups, width)
        groups_first = np.moveaxis(by_group, -2, 0)
        return groups_first.reshape(self.in_channels, *self.kernel_size, width)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"


class ConvTranspose1d(TransposedConvolution):
    """A transposed convolution of sequences: see `TransposedConvolution`.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.ConvTranspose1d(2, 3, 4, stride=2, padding=1, rng=0)(np.ones((4, 2, 10))).shape
    (4, 3, 20)
    """

    axes = 1


class ConvTranspose2d(TransposedConvolution):
    """A transposed convolution of images: see `TransposedConvolution`.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> layer = nn.ConvTranspose2d(8, 1, 3, stride=2, padding=1, output_padding=1, rng=0)
    >>> layer(np.ones((4, 8, 4, 4))).shape
    (4, 1, 8, 8)
    """

    axes = 2
