"""A convolution applies one linear map to every window of its input."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, DTypeLike
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError
from ..ops.padding import pad_with_zeros
from ..ops.products import matmul
from ..ops.reductions import sum
from ..ops.structural import as_array, reshape, transpose
from ..ops.windows import sliding_windows
from .initialise import Initialiser, first_weight, he_uniform
from .module import Module, Parameter

Sizes = tuple[int, ...]

# From so many output channels of each input channel on, a product of matrices is faster.
_MANY = 8


class Convolution(Module):
    """A convolution over some axes; abstract: a subclass says over how many.

    As everywhere in networks it is a correlation: the kernel is not reversed.

    Parameters
    ----------
    in_channels, out_channels : int
        Sizes of axis 1 of input and output.
    kernel_size : int or tuple of int
    stride : int or tuple of int
        How far apart windows are.
    padding : int, tuple of int, "valid" or "same"
        Zeros at both ends of each axis; "valid" is 0, "same" keeps the size at a stride of 1.
    dilation : int or tuple of int
        How far apart a window's entries are.
    groups : int
        Each group of output channels reads its own group of input channels.
    bias : bool
    rng : numpy.random.Generator, int or None
        Where the weights come from.
    initialise : callable or str
        ``initialise(shape, generator)`` of the shape (entries of a window, out_channels), or one of
        `initialise.INITIALISERS` by its name; the bias starts at zero.
    dtype : dtype
        The dtype of the parameters.

    Attributes
    ----------
    weight : (in_channels / groups, *kernel_size, out_channels) Parameter
    bias : (out_channels,) Parameter or None

    Raises
    ------
    ValueError
        If a size is no positive integer, or groups do not divide the channels.
    ShapeError
        On a call, if the input has not these axes and channels, or no window fits.
    """

    axes: int

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int | Sizes,
        stride: int | Sizes = 1,
        padding: int | Sizes | str = 0,
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
        self.padding = self._padding(padding)
        self.groups = groups_of(groups, self.in_channels, self.out_channels)
        # Initialisers scale by (in, out), and an output here is made of the entries of a window.
        entries = self.in_channels // self.groups * math.prod(self.kernel_size)
        shape = (entries, self.out_channels)
        weight = first_weight(initialise, shape, rng)
        kernel = (self.in_channels // self.groups, *self.kernel_size, self.out_channels)
        self.weight = Parameter(weight.reshape(kernel).astype(dtype))
        self.bias = Parameter(np.zeros(self.out_channels, dtype)) if bias else None

    def forward(self, x: ArrayLike) -> Any:
        """Return the map of every window.

        Parameters
        ----------
        x : (n, in_channels, ...) array

        Returns
        -------
        (n, out_channels, ...) Tensor
        """
        z = with_channels(self, x, self.axes, self.in_channels)
        padded = padded_with_zeros(z, self.padding)
        found = sliding_windows(
            padded, self.kernel_size, stride=self.stride, dilation=self.dilation
        )
        places = found.shape[2 : 2 + self.axes]
        if self.groups == 1:
            shaped = self._by_product(found, places)
        elif self.groups == self.in_channels and self.out_channels < _MANY * self.groups:
            return self._by_channel(found, places)
        else:
            shaped = self._by_group(found, places)
        return transpose(shaped, axes=(0, self.axes + 1, *range(1, self.axes + 1)))

    def _by_product(self, found: Any, places: Sizes) -> Any:
        """Return the map of all windows, (n, places, out_channels), by one product of matrices.

        Each place of each example becomes a row, from (n, channels, places, kernel). The rows
        repeat each entry once for every window that it is in: memory is the price for the speed of
        BLAS.
        """
        order = (0, *range(2, 2 + self.axes), 1, *range(2 + self.axes, 2 + 2 * self.axes))
        count, entries = math.prod(places) * found.shape[0], math.prod(self.weight.shape[:-1])
        weight = reshape(self.weight, shape=(entries, self.out_channels))
        product = matmul(reshape(transpose(found, axes=order), shape=(count, entries)), weight)
        if self.bias is not None:
            product = product + self.bias
        return reshape(product, shape=(found.shape[0], *places, self.out_channels))

    def _by_group(self, found: Any, places: Sizes) -> Any:
        """Return the same of groups of channels, by a stack of products, one for each group."""
        n, groups, inner = found.shape[0], self.groups, self.in_channels // self.groups
        count, entries = math.prod(places) * n, math.prod(self.weight.shape[:-1])
        split = reshape(found, shape=(n, groups, inner, *found.shape[2:]))
        kernel = range(3 + self.axes, 3 + 2 * self.axes)
        rows = transpose(split, axes=(1, 0, *range(3, 3 + self.axes), 2, *kernel))
        weight = transpose(reshape(self.weight, shape=(entries, groups, -1)), axes=(1, 0, 2))
        product = matmul(reshape(rows, shape=(groups, count, entries)), weight)
        shaped = reshape(product, shape=(groups, n, *places, self.out_channels // groups))
        moved = transpose(shaped, axes=(*range(1, 2 + self.axes), 0, 2 + self.axes))
        joined = reshape(moved, shape=(n, *places, self.out_channels))
        return joined if self.bias is None else joined + self.bias

    def _by_channel(self, found: Any, places: Sizes) -> Any:
        """Return the map of windows of one channel each: depthwise, as it is called.

        Products of matrices would have one or a few columns, after all windows were copied.
        """
        inner = tuple(range(-self.axes, 0))
        each = self.out_channels // self.groups
        windows = reshape(found, shape=(*found.shape[:2], 1, *found.shape[2:]))
        weight = transpose(
            reshape(self.weight, shape=(*self.kernel_size, self.out_channels)),
            axes=(self.axes, *range(self.axes)),
        )
        ones = (1,) * self.axes
        kernels = reshape(weight, shape=(self.groups, each, *ones, *self.kernel_size))
        total = sum(windows * kernels, axis=inner)
        shaped = reshape(total, shape=(found.shape[0], self.out_channels, *places))
        if self.bias is None:
            return shaped
        return shaped + reshape(self.bias, shape=(self.out_channels, *ones))

    def _padding(self, padding: int | Sizes | str) -> tuple[tuple[int, int], ...]:
        """Return how many zeros come before and after each axis."""
        if isinstance(padding, str):
            if padding not in ("valid", "same"):
                raise ValueError(f'padding: expected sizes, "valid" or "same", got {padding!r}')
            if padding == "valid":
                return ((0, 0),) * self.axes
            if set(self.stride) != {1}:
                raise ValueError(f'padding="same" needs a stride of 1, got {self.stride}')
            spans = [(k - 1) * d for k, d in zip(self.kernel_size, self.dilation, strict=True)]
            return tuple((span // 2, span - span // 2) for span in spans)
        return pairs_of(padding, self.axes)

    def extra_repr(self) -> str:
        """Return the sizes."""
        return f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}"


class Conv1d(Convolution):
    """A convolution of sequences: see `Convolution`.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Conv1d(2, 3, 5, padding="same", rng=0)(np.ones((4, 2, 10))).shape
    (4, 3, 10)
    """

    axes = 1


class Conv2d(Convolution):
    """A convolution of images: see `Convolution`.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> nn.Conv2d(1, 8, 3, stride=2, padding=1, rng=0)(np.ones((4, 1, 8, 8))).shape
    (4, 8, 4, 4)
    """

    axes = 2


def sizes_of(name: str, given: int | Sizes, axes: int) -> Sizes:
    """Return a size for each axis, of one for all or of a tuple."""
    sizes = tuple(given) if isinstance(given, (tuple, list)) else (given,) * axes
    if len(sizes) != axes:
        raise ValueError(f"{name}: expected one size or {axes}, got {given!r}")
    return tuple(positive_size(name, size) for size in sizes)


def groups_of(groups: int, in_channels: int, out_channels: int) -> int:
    """Return in how many groups channels are mapped, which must divide both numbers of them."""
    checked = positive_size("groups", groups)
    if in_channels % checked or out_channels % checked:
        raise ValueError(
            f"groups: {groups} does not divide {in_channels} and {out_channels} channels"
        )
    return checked


def pairs_of(padding: int | Sizes, axes: int, name: str = "padding") -> tuple[tuple[int, int], ...]:
    """Return the padding before and after each axis, given one size for all or one for each."""
    sizes = tuple(padding) if isinstance(padding, (tuple, list)) else (padding,) * axes
    if len(sizes) != axes or any(
        isinstance(n, bool) or not isinstance(n, (int, np.integer)) or n < 0 for n in sizes
    ):
        raise ValueError(f"{name}: expected {axes} sizes from 0, or one for all, got {padding!r}")
    return tuple((int(n), int(n)) for n in sizes)


def padded_with_zeros(x: Value | Array, padding: tuple[tuple[int, int], ...]) -> Any:
    """Return the input with zeros around its last axes."""
    if not any(map(any, padding)):
        return x
    return pad_with_zeros(x, pad_width=((0, 0),) * (x.ndim - len(padding)) + padding)


def with_channels(module: Module, x: ArrayLike, axes: int, channels: int) -> Any:
    """Return the input as an array, if it has these axes and channels."""
    z = as_array(x)
    if z.ndim != axes + 2 or z.shape[1] != channels:
        rest = ", ".join(["length"] if axes == 1 else ["height", "width"])
        raise ShapeError(
            f"{type(module).__name__}: input of shape {z.shape} does not fit; expected "
            f"(n, {channels}, {rest})"
        )
    return z
