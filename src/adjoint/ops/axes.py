"""Axes are added, dropped and moved: composites of `reshape` and `transpose`.

NumPy is asked on an array without memory what an axis argument means, so that its rules, defaults
and errors hold here too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from ..core import NUMPY, Operand, attach
from ..errors import ShapeAxisError, ShapeError
from ..views import as_box, is_number, own
from .arithmetic import positive
from .structural import as_array, astype, broadcast_to, reshape, stand_in, transpose


def _reshaped(function: Callable[..., Any], x: Operand, *args: Any) -> Any:
    """Return ``x`` in the shape that NumPy's function gives to an array of its shape."""
    x = as_array(x)
    return reshape(x, shape=_asked(function, x.shape, x.shape, *args))


def _permuted(function: Callable[..., Any], x: Operand, *args: Any) -> Any:
    """Return ``x`` with its axes in the order that NumPy's function gives to them."""
    x = as_array(x)
    # The axes are told apart by their sizes.
    return transpose(x, axes=_asked(function, tuple(range(x.ndim)), x.shape, *args))


def _asked(
    function: Callable[..., Any], sizes: tuple[int, ...], shape: tuple[int, ...], *args: Any
) -> tuple[int, ...]:
    """Return the shape that NumPy's function gives to ``sizes``; its errors name ``shape``."""
    try:
        return tuple(function(stand_in(sizes), *args).shape)
    except ValueError as error:
        kind = ShapeAxisError if isinstance(error, AxisError) else ShapeError
        raise kind(f"{function.__name__}: {error} (received shape {shape})") from None


def expand_dims(a: Operand, axis: Any) -> Any:
    """Return ``a`` with new axes of size 1 at ``axis`` (an int or a tuple)."""
    return _reshaped(np.expand_dims, a, axis)


def squeeze(a: Operand, axis: Any = None) -> Any:
    """Return ``a`` without its axes of size 1, or without those given."""
    return _reshaped(np.squeeze, a, axis)


def swapaxes(a: Operand, axis1: int, axis2: int) -> Any:
    """Return ``a`` with two axes exchanged."""
    return _permuted(np.swapaxes, a, axis1, axis2)


def moveaxis(a: Operand, source: Any, destination: Any) -> Any:
    """Return ``a`` with the axes ``source`` at the places ``destination``."""
    return _permuted(np.moveaxis, a, source, destination)


def rollaxis(a: Operand, axis: int, start: int = 0) -> Any:
    """Return ``a`` with ``axis`` moved back to stand before ``start``."""
    return _permuted(np.rollaxis, a, axis, start)


def matrix_transpose(x: Operand) -> Any:
    """Return ``x`` with its last two axes exchanged."""
    x = as_array(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: shape {x.shape} has no two axes to exchange")
    return swapaxes(x, -1, -2)


def ravel(a: Operand, order: str = "C") -> Any:
    """Return the entries of ``a`` along one axis, row by row, or column by column with "F"."""
    if order not in ("C", "F"):
        raise ValueError(f"ravel: order={order!r}; choose 'C' (row by row) or 'F' (by column)")
    x = as_array(a)
    return reshape(x if order == "C" else transpose(x), shape=-1)


def flatten(a: Operand, order: str = "C") -> Any:
    """Return a copy of the entries of ``a`` along one axis."""
    return copy(ravel(a, order))


def copy(a: Operand, order: str = "K") -> Any:
    """Return ``a`` as a value of its own; the gradient flows through.

    The order of the memory is accepted as NumPy's argument, and means nothing here.
    """
    return as_box(_copied(a, order))


def _copied(a: Operand, order: str = "K") -> Any:
    """Return a copy; that of a scalar is one, as with NumPy's method."""
    x = as_array(a)
    # A boolean has no sign, so NumPy refuses to take its positive.
    copied = astype(x, dtype=x.dtype) if x.dtype.kind == "b" else positive(x)
    return copied if is_number(x) else as_box(copied)


def _at_least(function: Callable[..., Any], arrays: tuple[Operand, ...]) -> Any:
    grown = tuple(_reshaped(function, x) for x in arrays)
    return grown[0] if len(grown) == 1 else grown


def atleast_1d(*arys: Operand) -> Any:
    """Return each argument with at least one axis; several come back as a tuple."""
    return _at_least(np.atleast_1d, arys)


def atleast_2d(*arys: Operand) -> Any:
    """Return each argument with at least two axes; several come back as a tuple."""
    return _at_least(np.atleast_2d, arys)


def atleast_3d(*arys: Operand) -> Any:
    """Return each argument with at least three axes; several come back as a tuple."""
    return _at_least(np.atleast_3d, arys)


def broadcast_arrays(*args: Operand, subok: bool = False) -> tuple[Any, ...]:
    """Return the arguments, all broadcast to their common shape."""
    arrays = [as_array(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_to(x, shape=shape) for x in arrays)


def meshgrid(
    *xi: Operand, copy: bool = True, sparse: bool = False, indexing: str = "xy"
) -> tuple[Any, ...]:
    """Return the coordinates of a grid, one array for each of the axes ``xi``.

    Parameters
    ----------
    xi : (n,) arrays
        The coordinates along each axis.
    copy : bool
        NumPy's argument; the results are values of their own either way.
    sparse : bool
        Leave each with size 1 along the others' axes.
    indexing : "xy" or "ij"
        Whether the first two axes are exchanged ("xy") or in the order of the arguments ("ij").
    """
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid: indexing={indexing!r}; choose 'xy' or 'ij'")
    places = list(range(len(xi)))
    if indexing == "xy" and len(xi) > 1:
        places[:2] = 1, 0
    open_grid = [
        reshape(as_array(x), shape=(1,) * place + (-1,) + (1,) * (len(xi) - 1 - place))
        for x, place in zip(xi, places, strict=True)
    ]
    grid = tuple(open_grid) if sparse else broadcast_arrays(*open_grid)
    return tuple(map(own, grid)) if copy else grid


COMPOSITES = (
    expand_dims,
    squeeze,
    swapaxes,
    moveaxis,
    rollaxis,
    matrix_transpose,
    ravel,
    flatten,
    copy,
    atleast_1d,
    atleast_2d,
    atleast_3d,
    broadcast_arrays,
    meshgrid,
)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES if hasattr(np, f.__name__)})
for _method in (squeeze, swapaxes, ravel, flatten):
    attach(_method.__name__, _method)
attach("copy", _copied)
