"""Axes are added, dropped and moved: composites of `reshape` and `transpose`.

NumPy is asked on an array without memory what an axis argument means, so that its rules, defaults
and errors hold here too.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.exceptions import AxisError

from ..core.annotations import AnyArray, ArrayLike, Axis
from ..core.registry import NUMPY
from ..core.value import attach
from ..core.views import as_box, is_number, own
from ..errors import ShapeAxisError, ShapeError
from .arithmetic import positive
from .structural import as_array, astype, broadcast_to, reshape, stand_in, transpose


def _reshaped(function: Callable[..., Any], x: ArrayLike, *args: Any) -> AnyArray:
    """Return ``x`` in the shape that NumPy's function gives to an array of its shape."""
    x = as_array(x)
    return reshape(x, shape=_asked(function, x.shape, x.shape, *args))


def _permuted(function: Callable[..., Any], x: ArrayLike, *args: Any) -> AnyArray:
    """Return ``x`` with its axes in the order that NumPy's function gives to them."""
    x = as_array(x)
    # NumPy is asked on an array whose sizes are all different, which tells the axes apart.
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


def expand_dims(a: ArrayLike, axis: Axis) -> AnyArray:
    """Return ``a`` with new axes of size 1 at ``axis`` (an int or a tuple).

    >>> ad.expand_dims(np.zeros((2, 3)), (0, 2)).shape
    (1, 2, 1, 3)
    """
    return _reshaped(np.expand_dims, a, axis)


def squeeze(a: ArrayLike, axis: Axis = None) -> AnyArray:
    """Return ``a`` without its axes of size 1, or without those that ``axis`` names.

    >>> ad.squeeze(np.zeros((1, 3, 1))).shape, ad.squeeze(np.zeros((1, 3, 1)), 0).shape
    ((3,), (3, 1))
    """
    return _reshaped(np.squeeze, a, axis)


def swapaxes(a: ArrayLike, axis1: int, axis2: int) -> AnyArray:
    """Return ``a`` with ``axis1`` and ``axis2`` exchanged.

    >>> ad.swapaxes(np.zeros((2, 3, 4)), 0, 2).shape
    (4, 3, 2)
    """
    return _permuted(np.swapaxes, a, axis1, axis2)


def moveaxis(
    a: ArrayLike, source: int | Sequence[int], destination: int | Sequence[int]
) -> AnyArray:
    """Return ``a`` with the axes ``source`` at the places ``destination``.

    >>> ad.moveaxis(np.zeros((2, 3, 4)), 0, -1).shape
    (3, 4, 2)
    """
    return _permuted(np.moveaxis, a, source, destination)


def rollaxis(a: ArrayLike, axis: int, start: int = 0) -> AnyArray:
    """Return ``a`` with ``axis`` moved back to stand before ``start``.

    >>> ad.rollaxis(np.zeros((2, 3, 4)), 2).shape
    (4, 2, 3)
    """
    return _permuted(np.rollaxis, a, axis, start)


def matrix_transpose(x: ArrayLike) -> AnyArray:
    """Return ``x`` with its last two axes exchanged.

    >>> ad.matrix_transpose(np.zeros((2, 3, 4))).shape
    (2, 4, 3)
    """
    x = as_array(x)
    if x.ndim < 2:
        raise ShapeError(f"matrix_transpose: shape {x.shape} has no two axes to exchange")
    return swapaxes(x, -1, -2)


def ravel(a: ArrayLike, order: str = "C") -> AnyArray:
    """Return the entries of ``a`` along one axis, in the ``order`` of rows ("C") or columns ("F").

    >>> ad.ravel(np.array([[1, 2], [3, 4]])), ad.ravel(np.array([[1, 2], [3, 4]]), "F")
    (array([1, 2, 3, 4]), array([1, 3, 2, 4]))
    """
    if order not in ("C", "F"):
        raise ValueError(f"ravel: order={order!r}; choose 'C' (row by row) or 'F' (by column)")
    x = as_array(a)
    return reshape(x if order == "C" else transpose(x), shape=-1)


def flatten(a: ArrayLike, order: str = "C") -> AnyArray:
    """Return a copy of the entries of ``a`` along one axis, in an ``order`` as for `ravel`.

    >>> ad.flatten(np.array([[1, 2], [3, 4]]))
    array([1, 2, 3, 4])
    """
    return copy(ravel(a, order))


def copy(a: ArrayLike, order: str = "K") -> AnyArray:
    """Return ``a`` as a value of its own; the gradient flows through.

    The order of the memory is accepted as NumPy's argument, and means nothing here.

    >>> x = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> y = ad.copy(x)
    >>> y[0] = 5.0
    >>> y.sum().backward()
    >>> x.grad  # the first entry was replaced
    tensor([0., 1.])
    """
    return as_box(_copied(a, order))


def _copied(a: ArrayLike, order: str = "K") -> AnyArray:
    """Return a copy; that of a scalar is one, as with NumPy's method."""
    x = as_array(a)
    # A boolean has no sign, so NumPy refuses to take its positive.
    copied = astype(x, dtype=x.dtype) if x.dtype.kind == "b" else positive(x)
    return copied if is_number(x) else as_box(copied)


def _at_least(function: Callable[..., Any], arrays: tuple[ArrayLike, ...]) -> Any:
    grown = tuple(_reshaped(function, x) for x in arrays)
    return grown[0] if len(grown) == 1 else grown


def atleast_1d(*arys: ArrayLike) -> Any:
    """Return each of ``arys`` with at least one axis; several come back as a tuple.

    >>> ad.atleast_1d(3.0)
    array([3.])
    """
    return _at_least(np.atleast_1d, arys)


def atleast_2d(*arys: ArrayLike) -> Any:
    """Return each of ``arys`` with at least two axes; several come back as a tuple.

    >>> ad.atleast_2d(np.array([1.0, 2.0]))
    array([[1., 2.]])
    """
    return _at_least(np.atleast_2d, arys)


def atleast_3d(*arys: ArrayLike) -> Any:
    """Return each of ``arys`` with at least three axes; several come back as a tuple.

    >>> ad.atleast_3d(np.array([1.0, 2.0])).shape
    (1, 2, 1)
    """
    return _at_least(np.atleast_3d, arys)


def broadcast_arrays(*args: ArrayLike, subok: bool = False) -> tuple[Any, ...]:
    """Return ``args``, all broadcast to their common shape; ``subok`` is NumPy's, without effect.

    >>> x, y = ad.broadcast_arrays(np.zeros((2, 1)), np.zeros(3))
    >>> x.shape, y.shape
    ((2, 3), (2, 3))
    """
    arrays = [as_array(x) for x in args]
    shape = np.broadcast_shapes(*(x.shape for x in arrays))
    return tuple(broadcast_to(x, shape=shape) for x in arrays)


def meshgrid(
    *xi: ArrayLike, copy: bool = True, sparse: bool = False, indexing: str = "xy"
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

    Examples
    --------
    >>> x, y = ad.meshgrid(np.array([1, 2, 3]), np.array([10, 20]))
    >>> x + y
    array([[11, 12, 13],
           [21, 22, 23]])
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
