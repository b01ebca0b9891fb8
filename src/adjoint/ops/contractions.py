"""Contractions are NumPy's other products: composites of the matrix product and multiplication."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, ArrayLike
from ..core.registry import NUMPY
from ..core.value import attach
from ..core.views import as_scalar, own
from ..errors import ShapeError
from .arithmetic import multiply
from .products import matmul
from .reductions import sum
from .structural import as_array, reshape, stack, transpose

# How many axes, or those of the one factor and those of the other.
SummedAxes = int | Sequence[int | Sequence[int]]


def dot(a: ArrayLike, b: ArrayLike) -> AnyArray:
    """Return the dot product: over the last axis of ``a`` and the last but one of ``b``.

    A number scales; if ``b`` is a vector its only axis takes part.

    >>> float(ad.dot(np.array([1.0, 2.0]), np.array([3.0, 4.0])))
    11.0
    >>> ad.dot(2.0, np.array([3.0, 4.0]))
    array([6., 8.])
    """
    a, b = as_array(a), as_array(b)
    if not a.ndim or not b.ndim:
        return multiply(a, b)
    return matmul(a, b) if b.ndim <= 2 else tensordot(a, b, axes=(-1, -2))


def inner(a: ArrayLike, b: ArrayLike) -> AnyArray:
    """Return the sums of products over the last axes of both.

    >>> ad.inner(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    """
    a, b = as_array(a), as_array(b)
    summed = tensordot(a, b, axes=(-1, -1)) if a.ndim and b.ndim else multiply(a, b)
    return as_scalar(summed)


def vdot(a: ArrayLike, b: ArrayLike) -> AnyArray:
    """Return the dot product of all entries, each in row-major order.

    >>> float(ad.vdot(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 1.0], [1.0, 1.0]])))
    10.0
    """
    a, b = as_array(a), as_array(b)
    if math.prod(a.shape) != math.prod(b.shape):
        raise ShapeError(f"vdot: shapes {a.shape} and {b.shape} differ in their number of entries")
    return matmul(reshape(a, shape=(-1,)), reshape(b, shape=(-1,)))


def outer(a: ArrayLike, b: ArrayLike) -> AnyArray:
    """Return the products of every entry of ``a`` with every entry of ``b``, as a matrix.

    >>> ad.outer(np.array([1.0, 2.0]), np.array([1.0, 10.0]))
    array([[ 1., 10.],
           [ 2., 20.]])
    """
    rows, columns = reshape(as_array(a), shape=(-1, 1)), reshape(as_array(b), shape=(1, -1))
    return multiply(rows, columns)


def _summed_axes(axes: SummedAxes, left: int, right: int) -> tuple[list[int], list[int]]:
    """Return the axes that `tensordot` sums over, of both arguments, counted from the front."""
    if isinstance(axes, (int, np.integer)):
        return list(range(left - int(axes), left)), list(range(int(axes)))
    first, second = (np.atleast_1d(part).tolist() for part in axes)
    return [int(n) % left for n in first], [int(n) % right for n in second]


def tensordot(a: ArrayLike, b: ArrayLike, axes: SummedAxes = 2) -> AnyArray:
    """Return the sums of products over several axes.

    Parameters
    ----------
    axes : int, or a pair of ints or sequences of int
        The last ``axes`` of ``a`` and the first of ``b``; or those of ``a`` and those of ``b``.

    Returns
    -------
    array
        With the remaining axes of ``a``, then those of ``b``.

    Examples
    --------
    >>> ad.tensordot(np.ones((2, 3, 4)), np.ones((4, 3)), axes=([1, 2], [1, 0]))
    array([12., 12.])
    """
    a, b = as_array(a), as_array(b)
    over_a, over_b = _summed_axes(axes, a.ndim, b.ndim)
    sizes = [a.shape[n] for n in over_a] if len(over_a) <= a.ndim else None
    if sizes is None or len(over_b) > b.ndim or sizes != [b.shape[n] for n in over_b]:
        raise ShapeError(
            f"tensordot: sizes differ over axes {axes!r} of shapes {a.shape} and {b.shape}"
        )
    rest_a = [n for n in range(a.ndim) if n not in over_a]
    rest_b = [n for n in range(b.ndim) if n not in over_b]
    kept = [a.shape[n] for n in rest_a], [b.shape[n] for n in rest_b]
    # Sizes are given in full, since -1 cannot be inferred for an empty array.
    inner_size = math.prod(sizes)
    rows = reshape(transpose(a, axes=(*rest_a, *over_a)), shape=(math.prod(kept[0]), inner_size))
    columns = reshape(transpose(b, axes=(*over_b, *rest_b)), shape=(inner_size, math.prod(kept[1])))
    return own(reshape(matmul(rows, columns), shape=(*kept[0], *kept[1])))


def kron(a: ArrayLike, b: ArrayLike) -> AnyArray:
    """Return the Kronecker product: ``a`` with every entry replaced by its product with ``b``.

    >>> ad.kron(np.array([[1.0, 2.0]]), np.array([[1.0], [10.0]]))
    array([[ 1.,  2.],
           [10., 20.]])
    """
    a, b = as_array(a), as_array(b)
    ndim = max(a.ndim, b.ndim)
    coarse = (1,) * (ndim - a.ndim) + tuple(a.shape)
    fine = (1,) * (ndim - b.ndim) + tuple(b.shape)
    spread_a = reshape(a, shape=tuple(m for n in coarse for m in (n, 1)))
    spread_b = reshape(b, shape=tuple(m for n in fine for m in (1, n)))
    sizes = tuple(m * n for m, n in zip(coarse, fine, strict=True))
    return as_scalar(own(reshape(multiply(spread_a, spread_b), shape=sizes)))


def vecdot(x1: ArrayLike, x2: ArrayLike, axis: int = -1) -> AnyArray:
    """Return the sums of products of ``x1`` and ``x2`` over ``axis``; the other axes broadcast.

    >>> ad.vecdot(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([1.0, 10.0]))
    array([21., 43.])
    """
    x1, x2 = as_array(x1), as_array(x2)
    if not x1.ndim or not x2.ndim or x1.shape[axis] != x2.shape[axis]:
        raise ShapeError(f"vecdot: sizes differ along axis {axis}, {x1.shape} and {x2.shape}")
    # The axis is counted in each argument by itself, before they broadcast.
    return sum(multiply(_axis_last(x1, axis), _axis_last(x2, axis)), axis=-1)


def _axis_last(x: AnyArray, axis: int) -> AnyArray:
    if axis == -1:
        return x
    axis %= x.ndim
    return transpose(x, axes=(*(n for n in range(x.ndim) if n != axis), axis))


def matvec(x1: ArrayLike, x2: ArrayLike) -> AnyArray:
    """Return every matrix of ``x1`` times the vector of ``x2`` that belongs to it.

    >>> ad.matvec(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1.0, 0.0], [0.0, 1.0]]))
    array([[1., 3.],
           [2., 4.]])
    """
    return own(matmul(as_array(x1), as_array(x2)[..., None])[..., 0])


def vecmat(x1: ArrayLike, x2: ArrayLike) -> AnyArray:
    """Return every vector of ``x1`` times the matrix of ``x2`` that belongs to it.

    >>> ad.vecmat(np.array([[1.0, 0.0], [0.0, 1.0]]), np.array([[1.0, 2.0], [3.0, 4.0]]))
    array([[1., 2.],
           [3., 4.]])
    """
    return own(matmul(as_array(x1)[..., None, :], as_array(x2))[..., 0, :])


def cross(
    a: ArrayLike,
    b: ArrayLike,
    axisa: int = -1,
    axisb: int = -1,
    axisc: int = -1,
    axis: int | None = None,
) -> AnyArray:
    """Return the cross product of vectors of three entries along an axis; the others broadcast.

    ``axis`` is that of ``a``, ``b`` and the result; or ``axisa``, ``axisb`` and ``axisc`` are.

    >>> ad.cross(np.array([1.0, 0.0, 0.0]), np.array([0.0, 1.0, 0.0]))
    array([0., 0., 1.])
    """
    if axis is not None:
        axisa = axisb = axisc = axis
    x, y = (_axis_last(as_array(v), n) for v, n in ((a, axisa), (b, axisb)))
    if x.shape[-1:] != (3,) or y.shape[-1:] != (3,):
        raise ShapeError(
            f"cross: shapes {np.shape(x)} and {np.shape(y)} along the axis; expected 3 entries"
        )
    (x0, x1, x2), (y0, y1, y2) = ([v[..., n] for n in range(3)] for v in (x, y))
    return stack([x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0], axis=axisc)


def multi_dot(arrays: Sequence[ArrayLike]) -> AnyArray:
    """Return the product of two or more matrices, in the order that needs the least work.

    The first and the last of ``arrays`` may be vectors.

    >>> ad.linalg.multi_dot([np.ones((2, 3)), np.ones((3, 9)), np.ones(9)])
    array([27., 27.])
    """
    factors = [as_array(x) for x in arrays]
    if len(factors) < 2:
        raise ShapeError(f"multi_dot: got {len(factors)} arrays; expected at least 2")
    shapes = [tuple(x.shape) for x in factors]
    inside = shapes[1:-1]
    if any(len(s) != 2 for s in inside) or any(len(s) not in (1, 2) for s in shapes):
        raise ShapeError(f"multi_dot: got shapes {shapes}; expected matrices, vectors at the ends")
    if len(shapes[0]) == 1:
        shapes[0] = (1, *shapes[0])
    sizes = [s[0] for s in shapes] + [shapes[-1][-1] if len(shapes[-1]) == 2 else 1]
    return _multiply_chain(factors, _best_splits(sizes), 0, len(factors) - 1)


def _best_splits(sizes: Sequence[int]) -> dict[tuple[int, int], int]:
    """Return where to split each part of a chain whose matrix n is sizes[n] × sizes[n + 1].

    Source: Cormen et al., Introduction to Algorithms, section 15.2.
    """
    count = len(sizes) - 1
    cost = {(n, n): 0 for n in range(count)}
    split: dict[tuple[int, int], int] = {}
    for length in range(1, count):
        for first in range(count - length):
            last = first + length
            cost[first, last], split[first, last] = min(
                (
                    cost[first, middle]
                    + cost[middle + 1, last]
                    + sizes[first] * sizes[middle + 1] * sizes[last + 1],
                    middle,
                )
                for middle in range(first, last)
            )
    return split


def _multiply_chain(factors: Sequence[Any], split: Any, first: int, last: int) -> AnyArray:
    if first == last:
        return factors[first]
    middle = split[first, last]
    left = _multiply_chain(factors, split, first, middle)
    return matmul(left, _multiply_chain(factors, split, middle + 1, last))


COMPOSITES: tuple[Callable[..., Any], ...] = (
    dot,
    inner,
    vdot,
    outer,
    tensordot,
    kron,
    vecdot,
    matvec,
    vecmat,
    cross,
)
# Some of these came to NumPy after 2.0, which is supported too.
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES if hasattr(np, f.__name__)})
NUMPY[np.linalg.multi_dot] = multi_dot
attach("dot", dot)


def _linalg_cross(x1: ArrayLike, x2: ArrayLike, /, *, axis: int = -1) -> AnyArray:
    return cross(x1, x2, axis=axis)


def _linalg_outer(x1: ArrayLike, x2: ArrayLike, /) -> AnyArray:
    x1, x2 = as_array(x1), as_array(x2)
    if x1.ndim != 1 or x2.ndim != 1:
        raise ShapeError(f"outer: got shapes {x1.shape} and {x2.shape}; expected two vectors")
    return outer(x1, x2)


NUMPY.update(
    {
        np.linalg.cross: _linalg_cross,
        np.linalg.outer: _linalg_outer,
        np.linalg.matmul: matmul,
        np.linalg.tensordot: tensordot,
        np.linalg.vecdot: vecdot,
    }
)
