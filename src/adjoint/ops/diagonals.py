"""Diagonals and triangles of matrices, and of stacks of matrices."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Described
from ..core.batching import Rows, behind, reshaped
from ..core.facts import Moves
from ..core.kinds import linear
from ..core.registry import NUMPY
from ..core.spec import shape_of
from ..core.value import attach
from ..errors import ShapeError
from .indexing import scatter_add
from .keys import SLOT
from .rearrangement import rearrangement
from .reductions import sum
from .structural import as_array, axis_index, broadcast_to, reshape


def _triangle_shape(x: Described, **_: object) -> tuple[int, ...]:
    # NumPy makes a matrix of a vector, with the vector in each row.
    if not x.ndim:
        raise ShapeError("a number has no triangle, shape ()")
    return (*x.shape, *x.shape) if x.ndim == 1 else tuple(x.shape)


_TRIANGLES: list[tuple[Any, ...]] = [
    ((3, 4), {}),
    ((3, 2), {"k": -1}),
    ((2, 3, 3), {"k": 1}),
    ((3,), {}),
    ((0, 2), {}),
]


def _triangle_in_rows(rows: Rows, *, k: int) -> Any:
    (x,) = rows.aligned(2)  # a vector in each row is repeated down a matrix, as NumPy does
    return rows.apply([broadcast_to(x, shape=rows.shape)], k=k)


@linear(
    batch=_triangle_in_rows,
    transposes=[lambda g, x, *, k: tril(g, k=k)],
    shape=_triangle_shape,
    source="np.tril({x}{params})",
    latex=r"\operatorname{{tril}}\left({x}{params}\right)",
    numpy=[np.tril],
    cases=_TRIANGLES,
    moves=Moves(drops=True, fills=True),
)
def tril(x: Array, *, k: int = 0) -> Array:
    """Return ``x`` with zeros above the ``k``-th diagonal of its last two axes.

    >>> ad.tril(np.ones((2, 3)))
    array([[1., 0., 0.],
           [1., 1., 0.]])
    >>> ad.tril(np.ones((2, 3)), -1)
    array([[0., 0., 0.],
           [1., 0., 0.]])
    """
    return np.tril(x, k)


@linear(
    batch=_triangle_in_rows,
    transposes=[lambda g, x, *, k: triu(g, k=k)],
    shape=_triangle_shape,
    source="np.triu({x}{params})",
    latex=r"\operatorname{{triu}}\left({x}{params}\right)",
    numpy=[np.triu],
    cases=_TRIANGLES,
    moves=Moves(drops=True, fills=True),
)
def triu(x: Array, *, k: int = 0) -> Array:
    """Return ``x`` with zeros below the ``k``-th diagonal of its last two axes.

    >>> ad.triu(np.ones((2, 3)))
    array([[1., 1., 1.],
           [0., 1., 1.]])
    >>> ad.triu(np.ones((2, 3)), 1)
    array([[0., 1., 1.],
           [0., 0., 1.]])
    """
    return np.triu(x, k)


def _diagonal_shape(x: Described, *, offset: int, axis1: int, axis2: int) -> tuple[int, ...]:
    rows, columns = axis_index(axis1, x), axis_index(axis2, x)
    if rows == columns:
        raise ShapeError(f"axis1 and axis2 are one axis, {rows}, of shape {x.shape}")
    size = min(x.shape[rows] + min(offset, 0), x.shape[columns] - max(offset, 0))
    rest = [n for a, n in enumerate(x.shape) if a not in (rows, columns)]
    return (*rest, max(size, 0))


def _diagonal_in_rows(rows: Rows, *, offset: int, axis1: int, axis2: int) -> Any:
    return rows.apply(rows.operands, offset=offset, axis1=behind(axis1), axis2=behind(axis2))


def _diagflat_in_rows(rows: Rows, *, k: int) -> Any:
    size = math.prod(shape_of(rows.operands[0])[1:])
    places = np.arange(size)
    return scatter_add(
        reshaped(rows.operands[0], (rows.size, size)),
        places + max(-k, 0),
        places + max(k, 0),
        key=(slice(None), SLOT, SLOT),
        shape=rows.shape,
    )


@rearrangement(
    batch=_diagonal_in_rows,
    shape=_diagonal_shape,
    source="np.diagonal({x}{params})",
    latex=r"\operatorname{{diag}}\left({x}{params}\right)",
    numpy=[np.diagonal],
    method=True,
    view="always",
    cases=[
        ((3, 3), {}),
        ((3, 4), {"offset": -1}),
        ((2, 3, 4), {"offset": 1, "axis1": 2, "axis2": 0}),
        ((2, 2), {"offset": 5}),
    ],
    moves=Moves(drops=True),
)
def diagonal(x: Array, *, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Array:
    """Return the entries on a diagonal of the axes ``axis1`` and ``axis2``, as the last axis.

    It is the ``offset``-th above the main one, or below it if negative.

    >>> ad.diagonal(np.array([[1, 2], [3, 4]]))
    array([1, 4])
    >>> ad.diagonal(np.array([[1, 2], [3, 4]]), 1)
    array([2])
    """
    return np.diagonal(x, offset, axis1, axis2)


@linear(
    batch=_diagflat_in_rows,
    transposes=[lambda g, x, *, k: reshape(diagonal(g, offset=k), shape=x.shape)],
    shape=lambda x, *, k: (math.prod(x.shape) + abs(k),) * 2,
    source="np.diagflat({x}{params})",
    latex=r"\operatorname{{diag}}\left({x}{params}\right)",
    numpy=[np.diagflat],
    cases=[((3,), {}), ((2, 2), {"k": -1}), ((), {}), ((0,), {"k": 1})],
    moves=Moves(fills=True),
)
def diagflat(x: Array, *, k: int = 0) -> Array:
    """Return a matrix with the entries of ``x``, flattened, on its ``k``-th diagonal.

    >>> ad.diagflat(np.array([1, 2]))
    array([[1, 0],
           [0, 2]])
    """
    return np.diagflat(x, k)


def diag(v: ArrayLike, k: int = 0) -> AnyArray:
    """Return the ``k``-th diagonal of a matrix ``v``, or the matrix with a vector ``v`` on it.

    >>> ad.diag(np.array([[1, 2], [3, 4]])), ad.diag(np.array([5, 6]))
    (array([1, 4]), array([[5, 0],
           [0, 6]]))
    """
    x = as_array(v)
    if x.ndim not in (1, 2):
        raise ShapeError(f"diag: expected one or two axes, got shape {x.shape}")
    return diagflat(x, k=k) if x.ndim == 1 else diagonal(x, offset=k)


def trace(a: ArrayLike, offset: int = 0, axis1: int = 0, axis2: int = 1) -> AnyArray:
    """Return the sum of a diagonal of two axes.

    >>> ad.tensor([[1.0, 2.0], [3.0, 4.0]]).trace()
    tensor(5.)
    """
    return sum(diagonal(as_array(a), offset=offset, axis1=axis1, axis2=axis2), axis=-1)


COMPOSITES = (diag, trace)
NUMPY.update({np.diag: diag, np.trace: trace})
attach("trace", trace)
