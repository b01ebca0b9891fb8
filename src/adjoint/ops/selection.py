"""Selection takes entries by number, by mask or by choice: composites of indexing and `where`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Axis
from ..core.axis import AxisRule, read_axis
from ..core.kinds import dtype_of
from ..core.registry import NUMPY
from ..core.value import Value, attach
from ..core.views import own
from ..errors import ShapeError
from .axes import broadcast_arrays, moveaxis, ravel
from .indexing import index, put_at, scatter_add
from .keys import SLOT
from .piecewise import where
from .requirement import require_that
from .structural import as_array, astype, axis_index, axis_indices, numbers, reshape, stack


def _wrapped(indices: AnyArray, size: int, mode: str, name: str) -> AnyArray:
    """Return indices with those out of range wrapped around or clipped; "raise" leaves them."""
    if mode not in ("raise", "wrap", "clip"):
        raise ValueError(f"{name}: mode={mode!r}; choose 'raise', 'wrap' or 'clip'")
    if mode == "raise":
        return indices
    plain = numbers(indices, f"{name} with mode={mode!r}")
    return plain % size if mode == "wrap" else np.clip(plain, 0, size - 1)


def take(
    a: ArrayLike, indices: ArrayLike, axis: int | None = None, mode: str = "raise"
) -> AnyArray:
    """Return the entries of ``a`` at ``indices`` along ``axis``, or of the flattened ``a``.

    An entry taken twice gets both gradients.

    Parameters
    ----------
    mode : "raise", "wrap" or "clip"
        Whether an index out of range is an error, is counted on in a circle, or taken as the end.

    Examples
    --------
    >>> ad.take(np.array([1.0, 2.0, 3.0]), np.array([2, 0, 2]))
    array([3., 1., 3.])
    >>> ad.grad(lambda x: ad.take(x, np.array([2, 0, 2])).sum())(np.array([1.0, 2.0, 3.0]))
    array([1., 0., 2.])
    """
    x = as_array(a)
    if axis is None or not x.ndim:
        read_axis("take", axis, x.shape, AxisRule(several=False, of_number=True))
        x, axis = ravel(x), 0
    axis = axis_index(axis, x)
    picked = _wrapped(_integers(indices, "take"), x.shape[axis], mode, "take")
    return index(x, picked, key=(slice(None),) * axis + (SLOT,))


def _integers(indices: ArrayLike, name: str) -> AnyArray:
    array = as_array(indices)
    if array.dtype.kind in "iu":
        return array
    if isinstance(indices, (list, tuple)) and not indices:
        return np.zeros(0, np.intp)
    raise TypeError(f"{name}: indices must be integers, got dtype {array.dtype}")


def take_along_axis(arr: ArrayLike, indices: ArrayLike, axis: int | None = -1) -> AnyArray:
    """Return from every line of ``arr`` along ``axis`` the entries that ``indices`` names for it.

    Parameters
    ----------
    indices : integer array
        With as many axes as ``arr``; those other than ``axis`` broadcast.

    Examples
    --------
    >>> ad.take_along_axis(np.array([[1.0, 2.0], [3.0, 4.0]]), np.array([[1], [0]]), axis=1)
    array([[2.],
           [3.]])
    """
    x, picked = as_array(arr), _integers(indices, "take_along_axis")
    if axis is None:
        return index(ravel(x), picked, key=(SLOT,))
    if x.ndim != picked.ndim:
        raise ShapeError(
            f"take_along_axis: indices of shape {picked.shape} need as many axes as {x.shape}"
        )
    grid: list[Any] = list(np.ogrid[tuple(slice(n) for n in x.shape)]) if x.ndim > 1 else [None]
    grid[axis_index(axis, x)] = picked
    return index(x, *grid, key=(SLOT,) * x.ndim)


def compress(condition: ArrayLike, a: ArrayLike, axis: int | None = None) -> AnyArray:
    """Return the slices of ``a`` along ``axis`` at which ``condition`` (one axis) holds.

    >>> ad.compress(np.array([True, False]), np.array([[1, 2], [3, 4]]), axis=0)
    array([[1, 2]])
    """
    kept = numbers(condition, "compress")
    if kept.ndim != 1:
        raise ShapeError(f"compress: condition must have one axis, got shape {kept.shape}")
    return take(a, np.flatnonzero(kept), axis)


def extract(condition: ArrayLike, arr: ArrayLike) -> AnyArray:
    """Return the entries of ``arr`` at which ``condition`` holds, along one axis.

    >>> ad.extract(np.array([[True, False], [False, True]]), np.array([[1, 2], [3, 4]]))
    array([1, 4])
    """
    return take(arr, np.flatnonzero(numbers(condition, "extract")))


def select(
    condlist: Sequence[ArrayLike], choicelist: Sequence[ArrayLike], default: ArrayLike = 0
) -> AnyArray:
    """Return for every entry the choice of the first condition that holds, or ``default``.

    ``choicelist`` has one for each of the boolean arrays in ``condlist``. Choices not taken get
    gradient 0, however steep they are.

    >>> ad.select([np.array([True, False])], [np.array([1.0, 2.0])], 9.0)
    array([1., 9.])
    >>> x = np.array([0.0, 4.0])
    >>> ad.grad(lambda x: ad.select([x > 0], [ad.sqrt(x)]).sum())(x)
    array([0.  , 0.25])
    """
    if len(condlist) != len(choicelist) or not condlist:
        raise ValueError(
            f"select: {len(condlist)} conditions for {len(choicelist)} choices; "
            "expected as many of both, at least one"
        )
    result: Any = default
    for condition, choice in zip(condlist[::-1], choicelist[::-1], strict=True):
        _need_booleans(condition, "select")
        result = where(condition, choice, result)
    return result


def _need_booleans(condition: ArrayLike, name: str) -> None:
    dtype = as_array(condition).dtype
    if dtype.kind != "b":
        raise TypeError(f"{name}: conditions must be boolean arrays, got dtype {dtype}")


def choose(a: ArrayLike, choices: Sequence[ArrayLike] | AnyArray, mode: str = "raise") -> AnyArray:
    """Return for every entry of the integer array ``a`` that of the one of ``choices`` it names.

    ``mode`` is that of `take`.

    >>> ad.choose(np.array([0, 1]), [np.array([1.0, 2.0]), np.array([3.0, 4.0])])
    array([1., 4.])
    """
    numbered = _integers(a, "choose")
    picked = _wrapped(numbered, len(choices), mode, "choose")
    if mode == "raise":
        size = len(choices)
        message = f"choose: an index is not in range({size}); pass mode='wrap' or 'clip'"
        picked = require_that(picked, lambda n: (n >= 0) & (n < size), message)
    picked, *rest = broadcast_arrays(picked, *choices)
    chosen = take_along_axis(stack(rest), reshape(picked, shape=(1, *picked.shape)), 0)
    return own(index(chosen, key=(0,)))


def piecewise(
    x: ArrayLike, condlist: Any, funclist: Sequence[Any], *args: Any, **kw: Any
) -> AnyArray:
    """Return for every entry the value of the function whose condition holds there.

    Parameters
    ----------
    condlist : sequence of boolean arrays, or one
    funclist : sequence of callables or numbers
        Each is called on the entries of its condition alone; one more than conditions serves the
        entries where none holds. Where several hold, the last counts.
    *args, **kw
        Handed to every callable.

    Examples
    --------
    >>> x = np.array([-2.0, 0.0, 3.0])
    >>> ad.piecewise(x, [x < 0, x > 0], [lambda x: -x, lambda x: x**2, 1.0])
    array([2., 1., 9.])
    """
    x = as_array(x)
    masks = _masks(condlist, x)
    if len(funclist) == len(masks) + 1:
        masks.append(~np.logical_or.reduce(masks))
    if len(funclist) != len(masks):
        raise ValueError(
            f"piecewise: {len(funclist)} functions for {len(masks)} conditions; expected as many, "
            "or one more"
        )
    y: Any = np.zeros(x.shape, x.dtype)
    for mask, function in zip(masks, funclist, strict=True):
        if np.any(mask):
            part = index(x, mask, key=(SLOT,))
            v = function(part, *args, **kw) if callable(function) else function
            y = _put_part(y, v, mask)
    return y


def _masks(condlist: Any, x: AnyArray) -> list[Any]:
    """Return the conditions as boolean arrays of x's shape; a lone one may stand without a list."""
    conditions = numbers(condlist, "piecewise") if isinstance(condlist, Value) else condlist
    if not np.ndim(conditions) or (x.ndim and not _first(conditions).ndim):
        conditions = [conditions]
    return [np.broadcast_to(numbers(c, "piecewise"), x.shape).astype(bool) for c in conditions]


def _first(conditions: Any) -> AnyArray:
    return as_array(conditions[0]) if len(conditions) else np.zeros(1)


def _put_part(y: AnyArray, v: AnyArray, mask: Array) -> AnyArray:
    if isinstance(v, Value) and y.dtype.kind != "f":
        raise TypeError(
            f"piecewise: x has dtype {y.dtype}, so that putting floats into the result would cut "
            "their graph; make x an array of floats"
        )
    return put_at(y, v, mask, key=(SLOT,))


def apply_along_axis(
    func1d: Callable[..., Any], axis: int, arr: ArrayLike, *args: Any, **kwargs: Any
) -> AnyArray:
    """Return ``func1d`` of every line of ``arr`` along ``axis``, which its results replace.

    ``args`` and ``kwargs`` are handed to it.

    >>> ad.apply_along_axis(lambda row: row[1] - row[0], 1, np.array([[1.0, 4.0], [2.0, 9.0]]))
    array([3., 7.])
    """
    array = as_array(arr)
    x = moveaxis(array, axis, -1)
    outer = x.shape[:-1]
    if 0 in outer:
        raise ShapeError(f"apply_along_axis: no lines along axis {axis} of shape {array.shape}")
    lines = reshape(x, shape=(-1, x.shape[-1]))
    results = [
        as_array(func1d(index(lines, key=(n,)), *args, **kwargs)) for n in range(lines.shape[0])
    ]
    found = reshape(stack(results), shape=(*outer, *results[0].shape))
    # The axes of one result stand where the line stood.
    last = tuple(range(len(outer), found.ndim))
    first = axis % (len(outer) + 1)
    return own(moveaxis(found, last, tuple(range(first, first + len(last)))))


def apply_over_axes(func: Callable[..., Any], a: ArrayLike, axes: int | Sequence[int]) -> AnyArray:
    """Return ``func(a, axis)`` applied over one of ``axes`` after the other, each kept with size 1.

    >>> ad.apply_over_axes(ad.sum, np.ones((2, 3, 4)), [0, 2])
    array([[[8.],
            [8.],
            [8.]]])
    """
    x = as_array(a)
    for axis in axis_indices([int(n) for n in np.atleast_1d(axes)], x):
        y = as_array(func(x, axis))
        kept = (*x.shape[:axis], 1, *x.shape[axis + 1 :])
        x = own(y if y.ndim == x.ndim else reshape(y, shape=kept))
    return x


def trim_zeros(filt: ArrayLike, trim: str = "fb", axis: Axis = None) -> AnyArray:
    """Return ``filt`` without the zeros at its front, its back, or both.

    Parameters
    ----------
    trim : str
        "f" for the front, "b" for the back, "fb" for both.
    axis : int or tuple of int, optional
        The axes along which slices of nothing but zeros are dropped, by default all.

    Examples
    --------
    >>> ad.trim_zeros(np.array([0.0, 1.0, 0.0, 2.0, 0.0]))
    array([1., 0., 2.])
    """
    x = as_array(filt)
    places = np.argwhere(numbers(x, "trim_zeros"))
    key = [slice(None)] * x.ndim
    for a in axis_indices(axis, x):
        start = places[:, a].min() if "f" in trim.lower() and len(places) else 0
        stop = places[:, a].max() + 1 if "b" in trim.lower() and len(places) else x.shape[a]
        key[a] = slice(int(start), int(stop)) if len(places) else slice(0, 0)
    return index(x, key=tuple(key))


def bincount(x: ArrayLike, /, weights: ArrayLike | None = None, minlength: int = 0) -> AnyArray:
    """Return how often each number occurs in ``x``, or the sum of the weights where it does.

    Parameters
    ----------
    x : (n,) array of integers, not negative
    weights : (n,) array, optional
        What is added up instead of ones; a derivative flows to them.
    minlength : int
        The least number of entries of the result.

    Examples
    --------
    >>> ad.bincount(np.array([0, 2, 2]))
    array([1, 0, 2])
    >>> ad.bincount(np.array([0, 2, 2]), weights=np.array([0.5, 1.0, 2.0]))
    array([0.5, 0. , 3. ])
    """
    bins = numbers(x, "bincount")
    counts = np.bincount(bins, minlength=minlength)
    if weights is None:
        return counts
    weights = as_array(weights)
    if weights.shape != bins.shape:
        raise ShapeError(f"bincount: weights of shape {weights.shape} for x of shape {bins.shape}")
    dtype = dtype_of(weights, np.float64)
    return scatter_add(astype(weights, dtype=dtype), bins, key=(SLOT,), shape=counts.shape)


COMPOSITES = (
    take,
    take_along_axis,
    compress,
    extract,
    select,
    choose,
    piecewise,
    apply_along_axis,
    apply_over_axes,
    trim_zeros,
    bincount,
)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})


def _compress(a: ArrayLike, condition: ArrayLike, axis: int | None = None) -> AnyArray:
    """Return the slices along ``axis`` at which ``condition`` holds."""
    return compress(condition, a, axis)


attach("take", take)
attach("choose", choose)
attach("compress", _compress)
