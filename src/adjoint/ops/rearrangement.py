"""Rearrangements: every entry of the result is one entry of the argument."""

from __future__ import annotations

import builtins
import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Axis, Cotangent, Described
from ..core.axis import AxisRule
from ..core.batching import Rows
from ..core.facts import Moves
from ..core.kinds import linear
from ..core.metadata import Sizes
from ..core.primitive import Primitive
from ..core.registry import NUMPY
from ..core.spec import Spec
from ..errors import ShapeError
from .indexing import index, scatter_add
from .keys import SLOT
from .reductions import sum
from .structural import (
    as_array,
    axis_index,
    axis_indices,
    broadcast_to,
    reshape,
    stand_in,
    transpose,
)


def rearrangement(**columns: Any) -> Callable[[Callable[..., Any]], Primitive]:
    """Derive all columns of a card that only picks entries.

    Run on the entries' numbers instead of the entries, the forward function says where each entry
    of the result came from; the transpose adds it back there. The shape is told by a rule of its
    own, so that it is known without an array.
    """

    def decorate(forward: Callable[..., Any]) -> Primitive:
        def transposed(g: Cotangent, x: AnyArray, **params: Any) -> AnyArray:
            size = int(np.prod(x.shape))
            origins = forward(np.arange(size).reshape(x.shape), **params).reshape(-1)
            flat = scatter_add(reshape(g, shape=-1), origins, key=(SLOT,), shape=(size,))
            return reshape(flat, shape=x.shape)

        return linear(transposes=[transposed], **columns)(forward)

    return decorate


def _same_shape(x: Described, *, axis: Sizes | None, **_: object) -> tuple[int, ...]:
    axis_indices(axis, x)
    return tuple(x.shape)


@linear(
    transposes=[lambda g, x, *, axis: flip(g, axis=axis)],
    shape=_same_shape,
    source="np.flip({x}{params})",
    latex=r"\operatorname{{flip}}\left({x}{params}\right)",
    numpy=[np.flip],
    view="always",
    axis=AxisRule(),
    cases=[((2, 3), {}), ((2, 3), {"axis": 0}), ((2, 3, 2), {"axis": (0, -1)}), ((), {})],
    moves=Moves(),
)
def flip(x: Array, *, axis: Sizes | None = None) -> Array:
    """Return ``x`` with the order of its entries reversed along ``axis``, by default all axes.

    >>> ad.flip(np.array([[1, 2], [3, 4]]), axis=1)
    array([[2, 1],
           [4, 3]])
    """
    return np.flip(x, axis)  # type: ignore[arg-type]


def _rolled_shape(x: Described, *, shift: Sizes, axis: Sizes | None) -> tuple[int, ...]:
    axes = () if axis is None else np.atleast_1d(axis).tolist()
    for a in axes:  # one may occur again: its shifts add up
        axis_index(a, x)
    if np.ndim(shift) and axes:
        np.broadcast_shapes(np.shape(shift), (len(axes),))
    return tuple(x.shape)


def _rolled_back(g: Cotangent, x: AnyArray, *, shift: Sizes, axis: Axis) -> AnyArray:
    back = tuple(-int(s) for s in shift) if isinstance(shift, Sequence) else -shift
    return roll(g, shift=back, axis=axis)


@linear(
    transposes=[_rolled_back],
    shape=_rolled_shape,
    source="np.roll({x}, shift={shift}, axis={axis})",
    latex=r"\operatorname{{roll}}\left({x}{params}\right)",
    numpy=[np.roll],
    axis=AxisRule(repeated=True),
    cases=[
        ((2, 3), {"shift": 2}),
        ((2, 3), {"shift": -1, "axis": 1}),
        ((2, 3), {"shift": (1, 2), "axis": (0, 1)}),
    ],
    moves=Moves(),
)
def roll(x: Array, *, shift: Sizes, axis: Sizes | None = None) -> Array:
    """Return ``x`` with its entries moved on by ``shift`` places along ``axis``, in a circle.

    >>> ad.roll(np.arange(5), 2)
    array([3, 4, 0, 1, 2])
    """
    return np.roll(x, shift, axis)


def _repeated_shape(x: Described, *, repeats: Sizes, axis: int | None) -> tuple[int, ...]:
    counts = [repeats] if isinstance(repeats, int) else list(repeats)
    shape = (math.prod(x.shape),) if axis is None or not x.ndim else tuple(x.shape)
    along = 0 if axis is None else axis_index(axis, Spec(shape, np.dtype(bool)))
    if len(counts) not in (1, shape[along]) or min(counts, default=0) < 0:
        raise ShapeError(f"cannot repeat {shape[along]} entries {repeats} times")
    total = counts[0] * shape[along] if len(counts) == 1 else builtins.sum(counts)
    return (*shape[:along], total, *shape[along + 1 :])


@rearrangement(
    shape=_repeated_shape,
    source="np.repeat({x}, {repeats}, axis={axis})",
    latex=r"\operatorname{{repeat}}\left({x}{params}\right)",
    numpy=[np.repeat],
    method=True,
    axis=AxisRule(several=False, of_number=True),
    cases=[
        ((2, 3), {"repeats": 2}),
        ((2, 3), {"repeats": (1, 0, 2), "axis": 1}),
        ((), {"repeats": 3}),
        ((0, 2), {"repeats": 2, "axis": 0}),
    ],
    moves=Moves(drops=True),
    passes_nan=lambda out, x, *, repeats, axis: bool(np.all(np.not_equal(repeats, 0))),
)
def repeat(x: Array, *, repeats: Sizes, axis: int | None = None) -> Array:
    """Return ``x`` with each entry along ``axis`` repeated ``repeats`` times.

    One number, or one for each entry; without an axis the array is flattened first.

    >>> ad.repeat(np.array([1.0, 2.0]), (2, 1))
    array([1., 1., 2.])
    >>> ad.grad(lambda x: ad.repeat(x, (2, 1)).sum())(np.array([1.0, 2.0]))
    array([2., 1.])
    """
    return np.repeat(x, repeats, axis)


def _tiled_shape(x: Described, *, reps: Sizes) -> tuple[int, ...]:
    counts = [reps] if isinstance(reps, int) else list(reps)
    if min(counts, default=0) < 0:
        raise ShapeError(f"cannot repeat an array {reps} times")
    ndim = max(len(counts), x.ndim)
    sizes = [1] * (ndim - x.ndim) + list(x.shape)
    counts = [1] * (ndim - len(counts)) + counts
    return tuple(n * k for n, k in zip(sizes, counts, strict=True))


def _tiled_in_rows(rows: Rows, *, reps: Sizes) -> Any:
    counts = (reps,) if isinstance(reps, int) else tuple(reps)
    ndim = builtins.max(len(counts), rows.ndim(0))
    (x,) = rows.aligned(ndim)
    return rows.apply([x], reps=(1, *(1,) * (ndim - len(counts)), *counts))


@rearrangement(
    batch=_tiled_in_rows,
    shape=_tiled_shape,
    source="np.tile({x}, {reps})",
    latex=r"\operatorname{{tile}}\left({x}{params}\right)",
    numpy=[np.tile],
    cases=[((2, 3), {"reps": 2}), ((3,), {"reps": (2, 1, 2)}), ((2, 1), {"reps": (0, 1)})],
    moves=Moves(),
)
def tile(x: Array, *, reps: Sizes) -> Array:
    """Return copies of ``x`` side by side, as many along each axis as ``reps`` says.

    >>> ad.tile(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2., 1., 2.],
           [1., 2., 1., 2.]])
    >>> ad.grad(lambda x: ad.tile(x, (2, 2)).sum())(np.array([1.0, 2.0]))
    array([4., 4.])
    """
    return np.tile(x, reps)


def fliplr(m: ArrayLike) -> AnyArray:
    """Return ``m`` with its columns (axis 1) in reversed order.

    >>> ad.fliplr(np.array([[1, 2], [3, 4]]))
    array([[2, 1],
           [4, 3]])
    """
    return flip(_with_axes(m, 2, "fliplr"), axis=1)


def flipud(m: ArrayLike) -> AnyArray:
    """Return ``m`` with its rows (axis 0) in reversed order.

    >>> ad.flipud(np.array([[1, 2], [3, 4]]))
    array([[3, 4],
           [1, 2]])
    """
    return flip(_with_axes(m, 1, "flipud"), axis=0)


def _with_axes(m: ArrayLike, least: int, name: str) -> AnyArray:
    x = as_array(m)
    if x.ndim < least:
        raise ShapeError(f"{name}: needs at least {least} axes, got shape {x.shape}")
    return x


def rot90(m: ArrayLike, k: int = 1, axes: tuple[int, int] = (0, 1)) -> AnyArray:
    """Return ``m`` turned ``k`` times by 90 degrees, from the first of ``axes`` to the second.

    >>> ad.rot90(np.array([[1, 2], [3, 4]]))
    array([[2, 4],
           [1, 3]])
    """
    x = _with_axes(m, 2, "rot90")
    first, second = axis_indices(axes, x)
    if k % 2:
        order = list(range(x.ndim))
        order[first], order[second] = second, first
        x = transpose(x, axes=tuple(order))
    turned = {1: (first,), 2: (first, second), 3: (second,)}.get(k % 4)
    return x if turned is None else flip(x, axis=turned)


def resize(a: ArrayLike, new_shape: Sizes) -> AnyArray:
    """Return the entries of ``a``, repeated as often as needed to fill ``new_shape``.

    >>> ad.resize(np.array([1.0, 2.0]), (2, 3))
    array([[1., 2., 1.],
           [2., 1., 2.]])
    >>> ad.grad(lambda x: ad.resize(x, (2, 3)).sum())(np.array([1.0, 2.0]))
    array([3., 3.])
    """
    x = as_array(a)
    if 0 in x.shape:
        return broadcast_to(sum(x), shape=np.resize(stand_in(x.shape), new_shape).shape)
    origins = np.resize(np.arange(int(np.prod(x.shape))), new_shape)
    return index(reshape(x, shape=-1), origins, key=(SLOT,))


def fftshift(x: ArrayLike, axes: Axis = None) -> AnyArray:
    """Return ``x`` with the first entry along ``axes``, by default all, moved to the middle."""
    return _half_rolled(x, axes, lambda n: n // 2)


def ifftshift(x: ArrayLike, axes: Axis = None) -> AnyArray:
    """Return ``x`` with the middle entry along ``axes`` moved to the front: `fftshift` undone."""
    return _half_rolled(x, axes, lambda n: -(n // 2))


def _half_rolled(x: ArrayLike, axes: Axis, shift: Callable[[int], int]) -> AnyArray:
    x = as_array(x)
    along = tuple(axis_indices(axes, x))
    return roll(x, shift=tuple(shift(x.shape[a]) for a in along), axis=along)


NUMPY.update({np.fft.fftshift: fftshift, np.fft.ifftshift: ifftshift})
COMPOSITES = (fliplr, flipud, rot90, resize)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
