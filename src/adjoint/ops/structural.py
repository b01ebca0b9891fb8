"""Structural primitives rearrange entries without computing; all of them are linear."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.lib.array_utils import normalize_axis_index

from ..core.annotations import AnyArray, Array, ArrayLike, Cotangent, Described, DTypeLike
from ..core.axis import AxisRule, read_axis
from ..core.batching import Rows, behind, entrywise, stacked
from ..core.facts import Moves, of_total
from ..core.kinds import constant, linear
from ..core.links import by_groups, first_unchanged
from ..core.metadata import DType, Sizes, dtype_text, escape_latex, formula, literal
from ..core.operand import as_plain
from ..core.registry import NUMPY, PRIMITIVES
from ..core.spec import Spec
from ..core.value import Value, values_in
from ..errors import ShapeError

_SMALL = 4096
_ONE = AxisRule(several=False)


def as_array(x: ArrayLike) -> AnyArray:
    """Return a value as it is and anything else as an array; a list of values is stacked."""
    if isinstance(x, Value):
        return x.as_array() if x.is_weak else x
    if isinstance(x, (list, tuple)) and values_in(x):
        return stack([as_array(part) for part in x])
    return as_plain(x)


def numbers(x: ArrayLike, name: str) -> Array:
    """Return the plain array of a value, for what only depends on its numbers.

    Raises
    ------
    TypeError
        If the value is traced and has none, naming the function ``name`` that needs them.
    """
    array = known(x)
    if array is None:
        raise TypeError(
            f"{name} cannot be traced: the shape of its result, or the way to it, depends on the "
            "numbers; compute it outside of the traced function and pass the result as an argument"
        )
    return array


def known(x: ArrayLike) -> Array | None:
    """Return the plain array of a value, or None if it is traced and has none."""
    array = x.data if isinstance(x, Value) else x
    return None if isinstance(array, Spec) else as_plain(array)


def axis_index(axis: int, x: Described) -> int:
    """Return an axis of ``x`` counted from the first one, if there is such an axis."""
    return read_axis("", axis, x.shape, _ONE) % x.ndim  # type: ignore[operator]


def axis_indices(axis: int | Sequence[int] | None, x: Described) -> list[int]:
    """Return axes (an int, a sequence, or None for all) counted from the first one."""
    if axis is None:
        return list(range(x.ndim))
    axes = tuple(axis) if isinstance(axis, (tuple, list)) else (axis,)
    return [a % x.ndim for a in read_axis("", axes, x.shape, AxisRule())]  # type: ignore


def stand_in(shape: tuple[int, ...]) -> Array:
    """Return an array of a shape without memory of its own, to ask NumPy for other shapes."""
    return np.broadcast_to(np.zeros((), np.bool_), shape)


def _broadcast_source(x: str, *, shape: Sequence[int]) -> str:
    return f"np.broadcast_to({x}, {literal(tuple(shape))})"


def _repeated_shape(x: Described, *, shape: Sizes) -> tuple[int, ...]:
    target = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    if np.broadcast_shapes(x.shape, target) != target:
        raise ShapeError(f"cannot repeat shape {x.shape} to {target}")
    return target


def _broadcast_in_rows(rows: Rows, *, shape: Sizes) -> Any:
    (x,) = rows.aligned(len(rows.result.shape))
    return broadcast_to(x, shape=rows.shape)


def _summed_in_rows(rows: Rows, *, shape: tuple[int, ...]) -> Any:
    (x,) = rows.aligned(rows.ndim(0))
    added = tuple(range(1, 1 + rows.ndim(0) - len(shape)))
    if added:
        x = PRIMITIVES["sum"].bind([x], {"axis": added, "keepdims": False})
    return sum_to(x, shape=rows.shape)


def _reshaped_in_rows(rows: Rows, *, shape: Sizes) -> Any:
    return rows.shaped(rows.operands[0])


def _permuted_in_rows(rows: Rows, *, axes: Sequence[int] | None) -> Any:
    ndim = rows.ndim(0)
    order = range(ndim)[::-1] if axes is None else [a % ndim for a in axes]
    return transpose(rows.operands[0], axes=(0, *(a + 1 for a in order)))


def _joined_in_rows(rows: Rows, *, axis: int) -> Any:
    return rows.apply(rows.repeated(), axis=behind(axis))


@linear(
    batch=_broadcast_in_rows,
    transposes=[lambda g, x, *, shape: sum_to(g, shape=x.shape)],
    shape=_repeated_shape,
    source=_broadcast_source,
    view="always",
    latex=r"\operatorname{{broadcast}}_{{\to {shape}}}\left({x}\right)",
    numpy=[np.broadcast_to],
    cases=[((3,), {"shape": (2, 3)}), ((2, 1), {"shape": (4, 2, 3)}), ((), {"shape": (2,)})],
    moves=Moves(),
)
def broadcast_to(x: Array, *, shape: Sizes) -> Array:
    """Repeat ``x`` along new axes and along axes of size 1, by NumPy's broadcasting.

    Parameters
    ----------
    x : array
    shape : tuple of int
        Must be compatible with ``x.shape``.

    Examples
    --------
    >>> ad.broadcast_to(np.array([1.0, 2.0]), (2, 2))
    array([[1., 2.],
           [1., 2.]])
    >>> ad.grad(lambda x: ad.broadcast_to(x, (3, 2)).sum())(np.array([1.0, 2.0]))
    array([3., 3.])
    """
    x = np.asarray(x)
    sizes: Any = shape
    if (math.prod(sizes) if isinstance(sizes, (tuple, list)) else sizes) > _SMALL or x.size == 0:
        return np.broadcast_to(x, shape)
    # NumPy's function costs several microseconds; a small copy costs less and is contiguous.
    repeated = np.empty(shape, x.dtype)
    repeated[...] = x
    return repeated


def _summed_shape(x: Described, *, shape: tuple[int, ...]) -> tuple[int, ...]:
    if np.broadcast_shapes(x.shape, shape) != tuple(x.shape):
        raise ShapeError(f"cannot sum shape {x.shape} to {shape}")
    return shape


def _sum_to(x: AnyArray, *, shape: tuple[int, ...]) -> AnyArray:
    """Write a sum to a shape as one over axes, of which the first are dropped."""
    extra = x.ndim - len(shape)
    stretched = [extra + a for a, n in enumerate(shape) if n == 1 != x.shape[extra + a]]
    total = PRIMITIVES["sum"](x, axis=(*range(extra), *stretched), keepdims=not extra)
    return reshape(total, shape=shape)


@linear(
    batch=_summed_in_rows,
    links=by_groups(lambda numbers, x, *, shape: np.broadcast_to(numbers, x.shape)),
    public=False,
    transposes=[lambda g, x, *, shape: broadcast_to(g, shape=x.shape)],
    shape=_summed_shape,
    expand=_sum_to,
    source="sum_to({x}{params})",
    latex=r"\textstyle\sum_{{\to {shape}}}\left({x}\right)",
    cases=[((2, 3), {"shape": (3,)}), ((4, 2, 3), {"shape": (2, 1)}), ((2, 3), {"shape": ()})],
    bounds=of_total,
    passes_nan=True,
)
def sum_to(x: Array, *, shape: tuple[int, ...]) -> Array:
    """Sum ``x`` over the axes along which ``shape`` broadcasts to ``x.shape``.

    The transpose of `broadcast_to`.
    """
    x = np.asarray(x)
    extra = x.ndim - len(shape)
    added = tuple(range(extra))
    if 1 not in shape:
        return np.add.reduce(x, axis=added)
    stretched = tuple(extra + a for a, n in enumerate(shape) if n == 1 != x.shape[extra + a])
    return np.add.reduce(x, axis=added + stretched).reshape(shape)


def _reshaped(x: Described, *, shape: Sizes) -> tuple[int, ...]:
    sizes = tuple(shape) if isinstance(shape, (tuple, list)) else (shape,)
    known = math.prod(int(n) for n in sizes if n != -1)
    size = math.prod(x.shape)
    is_open = sizes.count(-1) > 1 or (-1 in sizes and known == 0)
    missing = size // known if known else 0
    filled = tuple(missing if n == -1 else int(n) for n in sizes)
    if math.prod(filled) != size or is_open or min(sizes, default=0) < -1:
        raise ShapeError(f"cannot reshape {size} entries into shape {sizes}")
    return filled


@linear(
    batch=_reshaped_in_rows,
    transposes=[lambda g, x, *, shape: reshape(g, shape=x.shape)],
    shape=_reshaped,
    source="{x}.reshape({shape})",
    view="perhaps",
    latex=r"\operatorname{{reshape}}_{{{shape}}}\left({x}\right)",
    numpy=[np.reshape],
    cases=[((2, 3), {"shape": (3, 2)}), ((2, 3), {"shape": -1}), ((1,), {"shape": ()})],
    moves=Moves(),
)
def reshape(x: Array, *, shape: Sizes) -> Array:
    """Return the entries of ``x`` in another shape, in row-major order; one size may be -1.

    >>> ad.reshape(np.arange(6), (2, -1))
    array([[0, 1, 2],
           [3, 4, 5]])
    """
    return np.asarray(x).reshape(shape)


def _inverse(axes: Sequence[int] | None) -> tuple[int, ...] | None:
    if axes is None:
        return None
    return tuple(int(a) for a in np.argsort([a % len(axes) for a in axes]))


def _transpose_source(x: str, *, axes: Sequence[int] | None) -> str:
    return f"{x}.T" if axes is None else f"{x}.transpose({literal(tuple(axes))})"


def _transpose_latex(x: str, *, axes: Sequence[int] | None) -> str:
    if axes is None or tuple(axes) == (*range(len(axes) - 2), -1, -2):
        return rf"{{{x}}}^{{\top}}"
    return rf"\operatorname{{transpose}}\left({x}, {formula(tuple(axes))}\right)"


def _permuted_shape(x: Described, *, axes: Sequence[int] | None) -> tuple[int, ...]:
    if axes is None:
        return tuple(x.shape[::-1])
    if len(axis_indices(tuple(axes), x)) != x.ndim:
        raise ShapeError(f"axes {tuple(axes)} are not those of shape {tuple(x.shape)}")
    return tuple(x.shape[a] for a in axes)


@linear(
    batch=_permuted_in_rows,
    transposes=[lambda g, x, *, axes: transpose(g, axes=_inverse(axes))],
    shape=_permuted_shape,
    source=_transpose_source,
    view="always",
    latex=_transpose_latex,
    numpy=[np.transpose],
    cases=[((2, 3), {}), ((2, 3, 4), {"axes": (2, 0, 1)}), ((2, 3, 4), {"axes": (0, -1, -2)})],
    moves=Moves(),
)
def transpose(x: Array, *, axes: Sequence[int] | None = None) -> Array:
    """Permute the axes of ``x``; by default reverse them.

    >>> ad.transpose(np.array([[1, 2, 3], [4, 5, 6]]))
    array([[1, 4],
           [2, 5],
           [3, 6]])
    >>> ad.transpose(np.zeros((2, 3, 4)), (1, 0, 2)).shape
    (3, 2, 4)
    """
    return np.asarray(x).transpose(axes)


def _without(shape: tuple[int, ...], axis: int) -> tuple[int, ...]:
    return shape[:axis] + shape[axis + 1 :]


def _joined_shape(*arrays: Described, axis: int) -> tuple[int, ...]:
    first = arrays[0].shape
    axis = axis_index(axis, arrays[0])
    if any(
        len(x.shape) != len(first) or _without(x.shape, axis) != _without(first, axis)
        for x in arrays
    ):
        raise ValueError("all sizes but those along the axis must match")
    return (*first[:axis], sum(x.shape[axis] for x in arrays), *first[axis + 1 :])


def _joined_part(position: int, g: Cotangent, *arrays: AnyArray, axis: int) -> AnyArray:
    """Return the part of ``g`` that the array at ``position`` contributed."""
    axis %= arrays[position].ndim
    start = sum(x.shape[axis] for x in arrays[:position])
    key = (slice(None),) * axis + (slice(start, start + arrays[position].shape[axis]),)
    return g[key]


@linear(
    batch=_joined_in_rows,
    transposes=_joined_part,
    shape=_joined_shape,
    source="np.concatenate([{args}]{params})",
    latex=r"\operatorname{{concatenate}}\left({args}{params}\right)",
    numpy=[np.concatenate],
    cases=[((2, 3), (1, 3), {}), ((2, 1), (2, 3), (2, 2), {"axis": -1})],
    moves=Moves(arguments=None),
)
def concatenate(*arrays: Array, axis: int = 0) -> Array:
    """Join a list of arrays along an axis that they have.

    >>> ad.concatenate([np.array([1.0, 2.0]), np.array([3.0])])
    array([1., 2., 3.])
    >>> ad.grad(lambda x: (ad.concatenate([x, x]) * np.arange(4)).sum())(np.array([1.0, 2.0]))
    array([2., 4.])
    """
    return np.concatenate(arrays, axis=axis)


def _stacked_shape(*arrays: Described, axis: int) -> tuple[int, ...]:
    shape = arrays[0].shape
    if any(x.shape != shape for x in arrays):
        raise ShapeError("all arrays must have one shape")
    axis = normalize_axis_index(axis, len(shape) + 1)
    return (*shape[:axis], len(arrays), *shape[axis:])


def _stacked_part(position: int, g: Cotangent, *arrays: AnyArray, axis: int) -> AnyArray:
    return g[(slice(None),) * (axis % g.ndim) + (position,)]


@linear(
    batch=_joined_in_rows,
    transposes=_stacked_part,
    shape=_stacked_shape,
    source="np.stack([{args}]{params})",
    latex=r"\operatorname{{stack}}\left({args}{params}\right)",
    numpy=[np.stack],
    cases=[((2, 3), (2, 3), {}), ((3,), (3,), (3,), {"axis": -1}), ((), (), {})],
    moves=Moves(arguments=None),
)
def stack(*arrays: Array, axis: int = 0) -> Array:
    """Join a list of arrays of one shape along a new axis.

    >>> ad.stack([np.array([1.0, 2.0]), np.array([3.0, 4.0])], axis=1)
    array([[1., 3.],
           [2., 4.]])
    """
    return np.stack(arrays, axis=axis)


@linear(
    batch=stacked,
    links=first_unchanged,
    transposes=[lambda g, x, *, dtype: astype(g, dtype=x.dtype)],
    shape=lambda x, *, dtype: x.shape,
    dtype=lambda x, *, dtype: np.dtype(dtype),
    source=lambda x, *, dtype: f"{x}.astype({dtype_text(dtype)})",
    latex=lambda x, *, dtype: rf"\operatorname{{{escape_latex(str(dtype))}}}\left({x}\right)",
    method=True,
    cases=[((2, 3), {"dtype": "float64"})],
    moves=Moves(),
    passes_nan=lambda out, x, **_: bool(out.dtype.kind == "f"),
    cheap=True,
)
def astype(x: Array, *, dtype: DType) -> Array:
    """Convert ``x`` to another dtype. A conversion to integers or booleans has no derivative.

    >>> ad.astype(np.array([1.5, 2.5]), np.float32)
    array([1.5, 2.5], dtype=float32)
    >>> ad.grad(lambda x: ad.astype(x, np.float32).sum())(np.array([1.5, 2.5])).dtype
    dtype('float64')
    """
    return (x if isinstance(x, np.generic) else np.asarray(x)).astype(dtype)


@constant(
    batch=entrywise,
    source="stop_gradient({x})",
    latex=r"\operatorname{{stop\_gradient}}\left({x}\right)",
    cases=[((2, 3), {})],
    moves=Moves(),
)
def stop_gradient(x: Array) -> Array:
    """Return ``x`` as a constant: no derivative flows through it, on purpose.

    >>> float(ad.grad(lambda x: x * ad.stop_gradient(x))(3.0))  # instead of 2x
    3.0
    """
    return np.asarray(x)


def _numpy_astype(
    x: ArrayLike, dtype: DTypeLike | None, /, *, copy: bool = True, device: object = None
) -> AnyArray:
    return astype(x, dtype=dtype)


if hasattr(np, "astype"):  # from NumPy 2.1
    NUMPY[np.astype] = _numpy_astype
