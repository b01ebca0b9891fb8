"""Up-sampling reads an array at more places than it has entries, at the nearest or in between."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike, Shape
from ..core.checks import positive_size
from ..core.value import Value
from ..errors import ShapeError, choose
from ..ops.indexing import index
from ..ops.keys import SLOT
from ..ops.structural import as_array
from .module import Module
from .normalisation import positive_number

# How many axes after (n, channels) each mode takes; None is any number.
MODES = {"nearest": None, "linear": 1, "bilinear": 2, "trilinear": 3}


class Upsample(Module):
    """All axes after (n, channels) with more entries, or fewer: between those of the input.

    Entries are taken as squares side by side, as in PyTorch. Entry i of m, along an axis of n
    entries, is read at (i + ½) n / m - ½, but at 0 at least; with ``align_corners`` they are taken
    as points, and it is read at i (n - 1) / (m - 1), so that first and last entries stay what they
    are. In between, values are linear along each axis. The nearest entry is that at ⌊i n / m⌋.

    Parameters
    ----------
    size : int or tuple of int, optional
        Entries of the output along each axis. Either this or ``scale_factor`` is given.
    scale_factor : float or tuple of float, optional
        By what the entries of each axis are multiplied; a result that is no whole number is rounded
        down, and n / m in the formulas above is then 1 / scale_factor.
    mode : str
        "nearest"; "linear" for sequences, "bilinear" for images, "trilinear" for volumes.
    align_corners : bool
        See above; not for "nearest".

    Raises
    ------
    ValueError
        If not exactly one of size and scale_factor is given, a size is no positive integer, a
        factor no positive number, the mode unknown, or ``align_corners`` is given with "nearest".
    ShapeError
        On a call, if the input has not the axes of the mode, or no entry is left.

    Examples
    --------
    >>> import numpy as np
    >>> from adjoint import nn
    >>> x = np.array([[[0.0, 1.0]]])
    >>> nn.Upsample(scale_factor=2)(x)
    array([[[0., 0., 1., 1.]]])
    >>> nn.Upsample(4, mode="linear")(x)
    array([[[0.  , 0.25, 0.75, 1.  ]]])
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool = False,
    ) -> None:
        self.mode = choose("mode", mode, MODES)
        if (size is None) == (scale_factor is None):
            raise ValueError(
                f"Upsample: expected either size or scale_factor, got size={size} and "
                f"scale_factor={scale_factor}"
            )
        if align_corners and mode == "nearest":
            raise ValueError('Upsample: align_corners is for the linear modes, not for "nearest"')
        self.align_corners = bool(align_corners)
        given = size if scale_factor is None else scale_factor
        if isinstance(given, (tuple, list)) and MODES[mode] not in (None, len(given)):
            raise ValueError(
                f"Upsample: mode {mode!r} is for {MODES[mode]} axes after (n, channels), got "
                f"{len(given)} numbers: {given}"
            )
        self.size = _each(size, partial(positive_size, "size"))
        self.scale_factor = _each(scale_factor, partial(positive_number, "scale_factor"))

    def forward(self, x: ArrayLike) -> Any:
        """Return the input with other sizes.

        Parameters
        ----------
        x : (n, channels, ...) array

        Returns
        -------
        (n, channels, ...) Tensor
        """
        z = as_array(x)
        self._check(z.shape)
        for axis, entries in enumerate(self._sizes(z.shape), 2):
            z = self._read(z, axis, entries)
        return z

    def _check(self, shape: Shape) -> None:
        """Refuse an input without the axes that the mode and the settings are for."""
        given = self.size if self.scale_factor is None else self.scale_factor
        axes = MODES[self.mode] or (len(given) if isinstance(given, tuple) else None)
        fits = len(shape) == axes + 2 if axes else len(shape) > 2
        if not fits or 0 in shape[2:]:
            rest = {None: "...", 1: "length", 2: "height, width", 3: "depth, height, width"}
            raise ShapeError(
                f"Upsample: input of shape {shape} does not fit mode {self.mode!r} and "
                f"{self.extra_repr()}; expected (n, channels, {rest.get(axes, f'{axes} axes')}) "
                "with entries"
            )

    def _sizes(self, shape: Shape) -> Shape:
        """Return how many entries each axis of the output has."""
        axes = len(shape) - 2
        if self.size is not None:
            return self.size if isinstance(self.size, tuple) else (self.size,) * axes
        factors = [self._factor(axis) for axis in range(axes)]
        sizes = tuple(int(n * factor) for n, factor in zip(shape[2:], factors, strict=True))
        if min(sizes) < 1:
            raise ShapeError(
                f"Upsample: input of shape {shape} times {self.scale_factor} leaves sizes {sizes}; "
                "expected positive ones"
            )
        return sizes

    def _factor(self, axis: int) -> float:
        """Return the factor of one of the axes after (n, channels)."""
        factor: Any = self.scale_factor
        return float(factor[axis] if isinstance(factor, tuple) else factor)

    def _read(self, x: Value | Array, axis: int, entries: int) -> Any:
        """Return an axis read at so many places."""
        n = x.shape[axis]
        places = np.arange(entries)
        # n / m is kept as two whole numbers, so that no rounding moves the nearest entry.
        above, below = (n, entries) if self.size is not None else (1, self._factor(axis - 2))
        if self.mode == "nearest":
            return _at(x, axis, np.minimum((places * above // below).astype(np.intp), n - 1))
        if self.align_corners:
            points = places * ((n - 1) / max(entries - 1, 1))
        else:
            points = np.maximum((places + 0.5) * (above / below) - 0.5, 0)
        return _between(x, axis, points)

    def extra_repr(self) -> str:
        """Return the size or the factor, and how it is read."""
        which = "size" if self.scale_factor is None else "scale_factor"
        corners = ", align_corners=True" * self.align_corners
        return f"{which}={getattr(self, which)}, mode={self.mode!r}{corners}"


def _at(x: Value | Array, axis: int, places: Array) -> Any:
    """Return the entries of an axis at these places."""
    return index(x, places, key=(slice(None),) * axis + (SLOT,))


def _between(x: Value | Array, axis: int, points: Array) -> Any:
    """Return an axis read at points between its entries, where it is linear."""
    last = x.shape[axis] - 1
    lower = np.minimum(points.astype(np.intp), last)
    shape = (len(points),) + (1,) * (x.ndim - axis - 1)
    share = (points - lower).astype(x.dtype).reshape(shape)
    low, high = _at(x, axis, lower), _at(x, axis, np.minimum(lower + 1, last))
    return (1 - share) * low + share * high


def _each(given: Any, check: Callable[[Any], Any]) -> Any:
    """Return a setting checked, or each of several; None stays None."""
    if given is None:
        return None
    if not isinstance(given, (tuple, list)):
        return check(given)
    if not given:
        raise ValueError("Upsample: expected a number or one for each axis, got none")
    return tuple(check(one) for one in given)
