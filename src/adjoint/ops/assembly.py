"""Assembly joins arrays into one and takes one apart: composites of `concatenate` and indexing."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, DTypeLike
from ..core.registry import NUMPY
from ..errors import ShapeError
from .axes import atleast_1d, atleast_2d, atleast_3d, ravel
from .indexing import index
from .keys import SLOT
from .selection import take
from .structural import as_array, astype, axis_index, concatenate, numbers, reshape, stack, stand_in

Casting = Literal["no", "equiv", "safe", "same_kind", "unsafe"]


def _all(grow: Callable[..., Any], arrays: Any) -> list[Any]:
    """Return every array with at least as many axes as ``grow`` gives."""
    return [grow(x) for x in arrays]


def _typed(x: AnyArray, dtype: DTypeLike | None, casting: Casting) -> AnyArray:
    """Return ``x`` in another dtype, if the rule of casting allows it."""
    if dtype is None or x.dtype == dtype:
        return x
    if not np.can_cast(x.dtype, dtype, casting):
        raise TypeError(f"cannot cast {x.dtype} to {np.dtype(dtype)} by the rule {casting!r}")
    return astype(x, dtype=dtype)


def _concatenated(
    arrays: Sequence[ArrayLike],
    axis: int | None = 0,
    *,
    dtype: DTypeLike | None = None,
    casting: Casting = "same_kind",
) -> AnyArray:
    parts = _all(as_array if axis is not None else ravel, arrays)
    return _typed(concatenate(parts, axis=0 if axis is None else axis), dtype, casting)


def _stacked(
    arrays: Sequence[ArrayLike],
    axis: int = 0,
    *,
    dtype: DTypeLike | None = None,
    casting: Casting = "same_kind",
) -> AnyArray:
    return _typed(stack(_all(as_array, arrays), axis=axis), dtype, casting)


def vstack(
    tup: Sequence[ArrayLike], *, dtype: DTypeLike | None = None, casting: Casting = "same_kind"
) -> AnyArray:
    """Join the arrays of ``tup`` row by row; vectors count as rows.

    ``dtype`` and ``casting`` say to which type, and by what rule, the result is converted.

    >>> ad.vstack([np.array([1, 2]), np.array([[3, 4], [5, 6]])])
    array([[1, 2],
           [3, 4],
           [5, 6]])
    """
    return _typed(concatenate(_all(atleast_2d, tup), axis=0), dtype, casting)


def hstack(
    tup: Sequence[ArrayLike], *, dtype: DTypeLike | None = None, casting: Casting = "same_kind"
) -> AnyArray:
    """Join the arrays of ``tup`` column by column; vectors are joined end to end.

    ``dtype`` and ``casting`` say to which type, and by what rule, the result is converted.

    >>> ad.hstack([np.array([1, 2]), np.array([3])])
    array([1, 2, 3])
    """
    parts = _all(atleast_1d, tup)
    axis = 0 if parts and parts[0].ndim == 1 else 1
    return _typed(concatenate(parts, axis=axis), dtype, casting)


def dstack(tup: Sequence[ArrayLike]) -> AnyArray:
    """Join the arrays of ``tup`` along the third axis, which vectors and matrices are given.

    >>> ad.dstack([np.array([1, 2]), np.array([3, 4])]).shape
    (1, 2, 2)
    """
    return concatenate(_all(atleast_3d, tup), axis=2)


def column_stack(tup: Sequence[ArrayLike]) -> AnyArray:
    """Join the arrays of ``tup`` column by column; vectors count as columns.

    >>> ad.column_stack([np.array([1, 2]), np.array([3, 4])])
    array([[1, 3],
           [2, 4]])
    """
    arrays = [as_array(x) for x in tup]
    return concatenate(
        [reshape(x, shape=(-1, 1)) if x.ndim < 2 else x for x in arrays],
        axis=1,
    )


def block(arrays: Any) -> AnyArray:
    """Join nested lists of arrays, the innermost along the last axis and so on outwards.

    Raises
    ------
    ValueError
        If the lists are not nested equally deep, or one is empty.

    Examples
    --------
    >>> ad.block([[np.eye(2), np.zeros((2, 1))], [np.ones((1, 3))]])
    array([[1., 0., 0.],
           [0., 1., 0.],
           [1., 1., 1.]])
    """
    depth = _depth(arrays)
    parts = _parts(arrays)
    ndim = max(depth, *(part.ndim for part in parts))
    return _joined(arrays, -depth, ndim)


def _depth(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return 0
    depths = {_depth(part) for part in arrays}
    if len(depths) != 1:
        raise ValueError("block: lists must be nested equally deep, and none may be empty")
    return 1 + depths.pop()


def _parts(arrays: Any) -> list[Any]:
    if isinstance(arrays, list):
        return [part for nested in arrays for part in _parts(nested)]
    return [as_array(arrays)]


def _joined(arrays: Any, axis: int, ndim: int) -> AnyArray:
    if isinstance(arrays, list):
        return concatenate([_joined(part, axis + 1, ndim) for part in arrays], axis=axis)
    x = as_array(arrays)
    return reshape(x, shape=(1,) * (ndim - x.ndim) + tuple(x.shape))


def append(arr: ArrayLike, values: ArrayLike, axis: int | None = None) -> AnyArray:
    """Return ``arr`` with ``values`` joined to its end, both flattened if no axis is given.

    >>> ad.append(np.array([1.0, 2.0]), 3.0)
    array([1., 2., 3.])
    """
    return _concatenated([arr, values], axis)


def insert(
    arr: ArrayLike, obj: int | slice | ArrayLike, values: ArrayLike, axis: int | None = None
) -> AnyArray:
    """Return ``arr`` with ``values`` inserted before the places ``obj`` (int, slice, sequence).

    Along ``axis``; without one, both are flattened.

    >>> ad.insert(np.array([1.0, 2.0]), 1, 9.0)
    array([1., 9., 2.])
    >>> float(ad.grad(lambda v: ad.insert(np.array([1.0, 2.0]), [0, 2], v).sum())(9.0))
    2.0
    """
    x, new = as_array(arr), as_array(values)
    if x.dtype.kind == "f":
        new = new.astype(x.dtype)
    # NumPy inserts into an array of the entries' numbers; the entries are gathered in that order.
    old_numbers = np.arange(x.size).reshape(x.shape)
    new_numbers = x.size + np.arange(new.size).reshape(new.shape)
    order = np.insert(old_numbers, _place(obj, "insert"), new_numbers, axis)
    return index(_concatenated([x, new], None), order, key=(SLOT,))


def delete(arr: ArrayLike, obj: int | slice | ArrayLike, axis: int | None = None) -> AnyArray:
    """Return ``arr`` without the entries at ``obj`` (int, slice or sequence) along ``axis``.

    >>> ad.delete(np.array([1.0, 2.0, 3.0]), [0, 2])
    array([2.])
    >>> ad.grad(lambda x: ad.delete(x, [0, 2]).sum())(np.array([1.0, 2.0, 3.0]))
    array([0., 1., 0.])
    """
    x = as_array(arr) if axis is not None else ravel(arr)
    axis = axis_index(0 if axis is None else axis, x)
    kept = np.delete(np.arange(x.shape[axis]), _place(obj, "delete"))
    return take(x, kept, axis)


def _place(obj: int | slice | ArrayLike, name: str) -> int | slice | Array:
    return obj if isinstance(obj, (int, slice)) else numbers(obj, name)


def array_split(ary: ArrayLike, indices_or_sections: ArrayLike, axis: int = 0) -> list[Any]:
    """Return the parts of ``ary`` along ``axis``.

    ``indices_or_sections`` is how many, of nearly equal size, or the places where to cut.

    >>> ad.array_split(np.arange(5), 2)
    [array([0, 1, 2]), array([3, 4])]
    """
    return _split(np.array_split, ary, indices_or_sections, axis)


def split(ary: ArrayLike, indices_or_sections: ArrayLike, axis: int = 0) -> list[Any]:
    """Return the parts of ``ary`` along ``axis``.

    ``indices_or_sections`` is how many, of equal size, or the places where to cut.

    >>> ad.split(np.arange(5), [2, 3])
    [array([0, 1]), array([2]), array([3, 4])]
    """
    return _split(np.split, ary, indices_or_sections, axis)


def hsplit(ary: ArrayLike, indices_or_sections: ArrayLike) -> list[Any]:
    """Return the parts of ``ary`` cut between columns, or entries of a vector.

    ``indices_or_sections`` is that of `split`.

    >>> ad.hsplit(np.array([[1, 2], [3, 4]]), 2)
    [array([[1],
           [3]]), array([[2],
           [4]])]
    """
    x = as_array(ary)
    if not x.ndim:
        raise ShapeError("hsplit: needs at least 1 axis, got shape ()")
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def vsplit(ary: ArrayLike, indices_or_sections: ArrayLike) -> list[Any]:
    """Return the parts of ``ary`` cut between rows; ``indices_or_sections`` is that of `split`.

    >>> ad.vsplit(np.array([[1, 2], [3, 4]]), 2)
    [array([[1, 2]]), array([[3, 4]])]
    """
    x = as_array(ary)
    if x.ndim < 2:
        raise ShapeError(f"vsplit: needs at least 2 axes, got shape {x.shape}")
    return split(x, indices_or_sections, 0)


def dsplit(ary: ArrayLike, indices_or_sections: ArrayLike) -> list[Any]:
    """Return the parts of ``ary`` cut along the third axis.

    ``indices_or_sections`` is that of `split`.

    >>> [part.shape for part in ad.dsplit(np.zeros((1, 2, 4)), 2)]
    [(1, 2, 2), (1, 2, 2)]
    """
    x = as_array(ary)
    if x.ndim < 3:
        raise ShapeError(f"dsplit: needs at least 3 axes, got shape {x.shape}")
    return split(x, indices_or_sections, 2)


def _split(function: Callable[..., Any], ary: ArrayLike, cuts: ArrayLike, axis: int) -> list[Any]:
    x = as_array(ary)
    cuts = cuts if isinstance(cuts, int) else numbers(cuts, function.__name__)
    try:
        sizes = [part.shape[axis] for part in function(stand_in(x.shape), cuts, axis)]
    except ValueError as error:
        raise ShapeError(f"{function.__name__}: {error} (received shape {x.shape})") from None
    # NumPy is asked where it cuts, since indices may lie beyond an end or in falling order.
    starts = [part[0] if part.size else 0 for part in function(np.arange(x.shape[axis]), cuts)]
    before = (slice(None),) * axis_index(axis, x)
    return [
        index(x, key=(*before, slice(int(start), int(start) + size)))
        for start, size in zip(starts, sizes, strict=True)
    ]


def unstack(x: ArrayLike, /, *, axis: int = 0) -> tuple[Any, ...]:
    """Return the slices of an array along an axis, as a tuple.

    >>> ad.unstack(np.array([[1, 2], [3, 4]]))
    (array([1, 2]), array([3, 4]))
    """
    x = as_array(x)
    if not x.ndim:
        raise ShapeError("unstack: a value without axes, shape (), has no slices")
    before = (slice(None),) * axis_index(axis, x)
    return tuple(index(x, key=(*before, n)) for n in range(x.shape[axis]))


COMPOSITES = (
    vstack,
    hstack,
    dstack,
    column_stack,
    block,
    append,
    insert,
    delete,
    array_split,
    split,
    hsplit,
    vsplit,
    dsplit,
    unstack,
)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES if hasattr(np, f.__name__)})
NUMPY.update({np.concatenate: _concatenated, np.stack: _stacked})
