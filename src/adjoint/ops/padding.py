"""Padding grows an array at its edges, with zeros, a constant, or its own entries."""

from __future__ import annotations

from typing import Any, Literal, get_args

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described
from ..core.batching import Rows
from ..core.facts import Moves
from ..core.kinds import linear
from ..core.registry import NUMPY
from ..core.value import Value, values_in
from ..errors import ShapeError
from .arithmetic import positive
from .indexing import index
from .piecewise import where
from .rearrangement import rearrangement
from .structural import as_array

Widths = tuple[tuple[int, int], ...]
Mode = Literal["edge", "reflect", "symmetric", "wrap"]
_MODES = get_args(Mode)


def _unpadded(g: Cotangent, x: AnyArray, *, pad_width: Widths) -> AnyArray:
    """Return the part of ``g`` that belongs to the entries of ``x``."""
    starts = [before for before, _ in pad_width]
    return index(g, key=tuple(slice(a, a + n) for a, n in zip(starts, x.shape, strict=True)))


def _padded_shape(x: Described, *, pad_width: Widths) -> tuple[int, ...]:
    if len(pad_width) != x.ndim or any(min(pair) < 0 for pair in pad_width):
        raise ShapeError(f"widths {pad_width} do not fit shape {x.shape}")
    return tuple(n + a + b for n, (a, b) in zip(x.shape, pad_width, strict=True))


def _padded_in_rows(rows: Rows, *, pad_width: Widths, **params: Any) -> Any:
    return rows.apply(rows.operands, pad_width=((0, 0), *pad_width), **params)


@linear(
    batch=_padded_in_rows,
    public=False,
    transposes=[_unpadded],
    shape=_padded_shape,
    source="np.pad({x}, {pad_width})",
    latex=r"\operatorname{{pad}}\left({x}{params}\right)",
    cases=[
        ((2, 3), {"pad_width": ((1, 0), (2, 3))}),
        ((0,), {"pad_width": ((1, 1),)}),
    ],
    moves=Moves(fills=True),
)
def pad_with_zeros(x: Array, *, pad_width: Widths) -> Array:
    """Return ``x`` with ``(before, after)`` zeros along each axis."""
    return np.pad(x, pad_width)


def _continued_shape(x: Described, *, pad_width: Widths, mode: Mode) -> tuple[int, ...]:
    if any(n == 0 < a + b for n, (a, b) in zip(x.shape, pad_width, strict=True)):
        raise ShapeError(f"an axis without entries has none to continue it, shape {x.shape}")
    return _padded_shape(x, pad_width=pad_width)


@rearrangement(
    batch=_padded_in_rows,
    public=False,
    shape=_continued_shape,
    source="np.pad({x}, {pad_width}, mode={mode})",
    latex=r"\operatorname{{pad}}\left({x}{params}\right)",
    cases=[((3, 2), {"pad_width": ((1, 2), (0, 4)), "mode": mode}) for mode in _MODES],
    moves=Moves(),
)
def pad_with_entries(x: Array, *, pad_width: Widths, mode: Mode) -> Array:
    """Return ``x`` continued beyond its edges by its own entries, see `pad`."""
    return np.pad(x, pad_width, mode=mode)


def pad(
    array: ArrayLike, pad_width: Any, mode: Any = "constant", *, constant_values: ArrayLike = 0
) -> AnyArray:
    """Return an array grown at its edges.

    Parameters
    ----------
    pad_width : int, (before, after), one such pair for each axis, or a dict of axes to widths
    mode : str
        "constant"; "edge" repeats the last entry; "reflect" and "symmetric" mirror the array,
        without and with the entry at the edge; "wrap" starts again at the other end.
    constant_values : number, or pairs like ``pad_width``
        A single one may require a gradient.

    Raises
    ------
    ValueError
        For another mode: maximum, mean, linear_ramp and their kind are not differentiated here.

    Examples
    --------
    >>> ad.pad(np.array([1.0, 2.0, 3.0]), 1, mode="reflect")
    array([2., 1., 2., 3., 2.])
    >>> ad.grad(lambda x: ad.pad(x, 1, mode="reflect").sum())(np.array([1.0, 2.0, 3.0]))
    array([1., 3., 1.])
    """
    x = as_array(array)
    widths = _widths(pad_width, x.ndim)
    if not widths:
        return positive(x)
    if mode in _MODES:
        return pad_with_entries(x, pad_width=widths, mode=mode)
    if mode != "constant":
        raise ValueError(
            f"pad: mode={mode!r} has no derivative in adjoint; choose one of constant, "
            f"{', '.join(_MODES)}"
        )
    return _with_constants(x, widths, constant_values)


def _with_constants(x: AnyArray, widths: Widths, constants: Any) -> AnyArray:
    padded = pad_with_zeros(x, pad_width=widths)
    if isinstance(constants, (int, float)) and constants == 0:
        return padded
    margin = np.pad(np.zeros(x.shape, bool), widths, constant_values=True)
    if isinstance(constants, Value) and not constants.shape:
        return where(margin, constants, padded)
    if values_in(constants):
        raise TypeError(
            "pad: only a single constant_values may be a tensor; pad one side after the other, or "
            "use np.concatenate"
        )
    around = np.pad(np.zeros(x.shape, x.dtype), widths, constant_values=constants)
    return where(margin, around, padded)


def _widths(pad_width: Any, ndim: int) -> Widths:
    if isinstance(pad_width, dict):
        pairs: Any = [(0, 0)] * ndim
        for axis, width in pad_width.items():
            pairs[axis] = (width, width) if np.ndim(width) == 0 else width
        pad_width = pairs
    widths = np.asarray(pad_width)
    if widths.dtype.kind not in "iu" and widths.size:
        raise TypeError(f"pad: pad_width must be of integers, got {pad_width!r}")
    try:
        full = np.broadcast_to(widths, (ndim, 2)).tolist() if ndim else []
    except ValueError:
        raise ShapeError(
            f"pad: pad_width {pad_width!r} does not fit; expected a number, a pair, or {ndim} pairs"
        ) from None
    if any(n < 0 for pair in full for n in pair):
        raise ValueError(f"pad: pad_width must not be negative, got {pad_width!r}")
    return tuple((before, after) for before, after in full)


COMPOSITES = (pad,)
NUMPY[np.pad] = pad
