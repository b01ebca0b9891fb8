"""Indexing picks entries; its transpose adds them back where they came from."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, Cotangent, Described
from ..core.batching import reshaped
from ..core.facts import Moves
from ..core.kinds import constant, linear
from ..core.links import by_groups
from ..core.metadata import formula, literal
from ..core.operand import as_plain
from ..core.spec import Spec, shape_of
from ..core.value import Value, attach
from ..errors import ShapeError
from .keys import SLOT, Key, Shape, fill, picked_shape
from .keys_in_rows import last_named_in_rows, picked_in_rows, put_in_rows, scattered_in_rows
from .piecewise import where


def _fills(shape: Shape, target: Shape) -> bool:
    """Return whether an array can be assigned to a part of another; ones in front are let go."""
    while len(shape) > len(target) and shape[0] == 1:
        shape = shape[1:]
    try:
        return np.broadcast_shapes(shape, target) == target
    except ValueError:
        return False


def _index_shape(x: Described, *arrays: Described, key: Key) -> tuple[int, ...]:
    if any(isinstance(a, Spec) and a.dtype.kind == "b" for a in arrays):
        raise TypeError(
            "how many entries a traced mask picks is not known; use ad.where(mask, x, 0) instead"
        )
    if key.count(SLOT) != len(arrays):
        raise IndexError(f"{len(arrays)} index arrays for {key.count(SLOT)} places in the key")
    return picked_shape(x.shape, fill(key, arrays))


def _key_source(key: Key, names: tuple[str, ...]) -> str:
    def write(part: object) -> str:
        if isinstance(part, slice):
            ends = [part.start, part.stop, *([] if part.step is None else [part.step])]
            return ":".join("" if end is None else literal(end) for end in ends)
        return "..." if part is Ellipsis else literal(part)

    rest = iter(names)
    return ", ".join(next(rest) if part is SLOT else write(part) for part in key) or "()"


def _index_source(x: str, *arrays: str, key: Key) -> str:
    return f"{x}[{_key_source(key, arrays)}]"


def _key_latex(key: Key, names: tuple[str, ...]) -> str:
    rest = iter(names)
    return f"[{', '.join(next(rest) if part is SLOT else formula(part) for part in key)}]"


def _index_latex(x: str, *arrays: str, key: Key) -> str:
    return f"{{{x}}}_{{{_key_latex(key, arrays)}}}"


def _index_error(x: Described, *arrays: Described, key: Key) -> str | None:
    if any(isinstance(a, Spec) for a in arrays):
        return None
    names = tuple(f"array of shape {np.shape(a)}" for a in arrays)
    return f"[{_key_source(key, names)}] does not fit shape {x.shape}"


def _takes_every_entry(out: Described, x: Described, *arrays: Described, key: Key) -> bool:
    """Return whether basic indexing takes every entry."""
    is_basic = all(k is None or k is Ellipsis or isinstance(k, (slice, int)) for k in key)
    return is_basic and math.prod(out.shape) == math.prod(x.shape)


_INDICES = np.array([[0, 2], [2, 2]])
_ROWS = slice(None, None, 2)


@linear(
    batch=picked_in_rows,
    public=False,
    transposes=[lambda g, x, *arrays, key: scatter_add(g, *arrays, key=key, shape=x.shape)],
    shape=_index_shape,
    dtype=lambda x, *arrays, key: x.dtype,
    source=_index_source,
    view="always",
    latex=_index_latex,
    explain_error=_index_error,
    cases=[
        ((3, 4), {"key": (1,)}),
        ((3, 4), {"key": (_ROWS, None, -1)}),
        ((3, 4), {"key": (Ellipsis, slice(3, 0, -1))}),
        ((3, 4), _INDICES, {"key": (SLOT,)}),
        ((3, 4), _INDICES, np.array([3, 0]), {"key": (SLOT, SLOT)}),
        ((3, 4), np.array([True, False, True]), {"key": (SLOT,)}),
    ],
    moves=Moves(drops=True),
    passes_nan=_takes_every_entry,
)
def index(x: Array, *arrays: Array, key: Key) -> Array:
    """Return ``x[key]``; a `SLOT` in the key stands for the next index array."""
    return np.asarray(x)[fill(key, arrays)]


def _scatter_source(g: str, *arrays: str, key: Key, shape: Shape) -> str:
    return f"add_at({g}, np.s_[{_key_source(key, arrays)}], {literal(shape)})"


def _scatter_latex(x: str, *arrays: str, key: Key, shape: Shape) -> str:
    return rf"\operatorname{{scatter}}_{{{_key_latex(key, arrays)}}}\left({x}\right)"


def _scattered_shape(x: Described, *arrays: Described, key: Key, shape: Shape) -> Shape:
    picked = _index_shape(Spec(shape, np.dtype(bool)), *arrays, key=key)
    if not _fills(shape_of(x), picked):
        raise ShapeError(f"cannot add shape {shape_of(x)} to {picked}")
    return shape


def add_at(x: Array, key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Return zeros of ``shape`` with ``x`` added at ``[key]``, repeated indices adding up."""
    zeros = np.zeros(shape, x.dtype)
    np.add.at(zeros, key, x)
    return zeros


@linear(
    batch=scattered_in_rows,
    links=by_groups(lambda numbers, x, *arrays, key, shape: numbers[fill(key, arrays)]),
    public=False,
    transposes=[lambda g, x, *arrays, key, shape: index(g, *arrays, key=key)],
    shape=_scattered_shape,
    dtype=lambda x, *arrays, key, shape: x.dtype,
    source=_scatter_source,
    helpers=[add_at],
    latex=_scatter_latex,
    cases=[
        ((4,), {"key": (1,), "shape": (3, 4)}),
        ((2, 2, 4), _INDICES, {"key": (SLOT,), "shape": (3, 4)}),
    ],
    passes_nan=(True,),
)
def scatter_add(x: Array, *arrays: Array, key: Key, shape: Shape) -> Array:
    """Return zeros of ``shape`` with ``x`` added at ``[key]``, repeated indices adding up.

    The transpose of `index`.
    """
    x = np.asarray(x)
    if arrays:
        return add_at(x, fill(key, arrays), shape)
    # No entry repeats without index arrays, and assignment is many times faster than np.add.at.
    zeros = np.zeros(shape, x.dtype)
    zeros[fill(key, ())] = x
    return zeros


def _kept(g: Cotangent, x: AnyArray, v: AnyArray, *arrays: AnyArray, key: Key) -> AnyArray:
    """Return ``g`` with zeros where ``x`` was replaced."""
    return put_at(g, 0.0, *arrays, key=key)


def _placed(g: Cotangent, x: AnyArray, v: AnyArray, *arrays: AnyArray, key: Key) -> AnyArray:
    """Return the part of ``g`` where ``v`` was put; of entries named twice the last one counts."""
    if key == (SLOT,) and arrays[0].dtype.kind == "b":
        mask = arrays[0]
        behind = len(x.shape) - len(mask.shape)
        if len(v.shape) <= behind:  # every picked part got all of v, however many were picked
            return where(reshaped(mask, (*mask.shape, *(1,) * behind)), g, 0.0)
    placed = index(g, *arrays, key=key)
    if not arrays:
        return placed
    return where(last_named(arrays, key=key, shape=x.shape), placed, 0.0)


def last_at(key: tuple[Any, ...], shape: tuple[int, ...]) -> Array:
    """Return which of the entries at ``[key]`` are not named again later in the same key."""
    names = np.zeros(shape, np.intp)
    order = np.arange(names[key].size).reshape(names[key].shape)
    names[key] = order
    return np.asarray(names[key] == order)


@constant(
    batch=last_named_in_rows,
    public=False,
    shape=lambda *arrays, key, shape: _index_shape(Spec(shape, np.dtype(bool)), *arrays, key=key),
    dtype=lambda *arrays, key, shape: np.dtype(bool),
    source=lambda *arrays, key, shape: (
        f"last_at(np.s_[{_key_source(key, arrays)}], {literal(shape)})"
    ),
    latex=r"\operatorname{{last}}\left({args}\right)",
    helpers=[last_at],
    cases=[(np.array([0, 2, 0]), {"key": (SLOT,), "shape": (3, 4)})],
)
def last_named(*arrays: Array, key: Key, shape: Shape) -> Array:
    """Return which of the entries at ``[key]`` are not named again later in the same key."""
    return last_at(fill(key, arrays), shape)


def replaced_at(x: Array, v: Array, key: tuple[Any, ...]) -> Array:
    """Return a copy of ``x`` with ``v`` at ``[key]``."""
    copied = np.array(x)
    copied[key] = v
    return copied


def _put_error(x: Described, v: Described, *arrays: Described, key: Key) -> str | None:
    if any(isinstance(a, Spec) for a in (x, v, *arrays)):
        return None
    names = tuple(f"array of shape {np.shape(a)}" for a in arrays)
    return f"cannot put shape {np.shape(v)} at [{_key_source(key, names)}] of shape {x.shape}"


def _put_latex(x: str, v: str, *arrays: str, key: Key) -> str:
    return rf"\operatorname{{put}}_{{{_key_latex(key, arrays)}}}\left({x}, {v}\right)"


def _put_shape(x: Described, v: Described, *arrays: Described, key: Key) -> Shape:
    if not any(isinstance(a, Spec) and a.dtype.kind == "b" for a in arrays):
        picked = _index_shape(x, *arrays, key=key)
        if not _fills(shape_of(v), picked):
            raise ShapeError(f"cannot put shape {shape_of(v)} into {picked}")
    return tuple(x.shape)


@linear(
    batch=put_in_rows,
    public=False,
    transposes=[_kept, _placed],
    shape=_put_shape,
    dtype=lambda x, v, *arrays, key: x.dtype,
    source=lambda x, v, *arrays, key: f"replaced_at({x}, {v}, np.s_[{_key_source(key, arrays)}])",
    latex=_put_latex,
    helpers=[replaced_at],
    explain_error=_put_error,
    cases=[
        ((3, 4), (4,), {"key": (1,)}),
        ((3, 4), (), {"key": (_ROWS, None, -1)}),
        ((3, 4), (2, 1), {"key": (slice(1, None),)}),
        ((3, 4), (), np.array([[True, False, True, True]] * 3), {"key": (SLOT,)}),
        ((3, 4), (2,), np.array([0, 2]), np.array([3, 0]), {"key": (SLOT, SLOT)}),
        ((3, 4), (3, 4), np.array([0, 2, 0]), {"key": (SLOT,)}),
    ],
    moves=Moves(arguments=2, drops=True),
    boxes=True,
)
def put_at(x: Array, v: Array, *arrays: Array, key: Key) -> Array:
    """Return a copy of ``x`` with ``v`` at ``[key]``; what ``x[key] = v`` does to a tensor.

    An entry named twice keeps the last number, which alone gets its gradient.
    """
    return replaced_at(x, v, fill(key, arrays))


def read_key(index_: Any) -> tuple[Key, list[Any]]:
    """Split what stands between square brackets into a key and its index arrays."""
    parts = index_ if isinstance(index_, tuple) else (index_,)
    key: list[Any] = []
    arrays: list[Any] = []
    for part in parts:
        if isinstance(part, bool):  # a mask without axes, not the number of an entry
            part = np.asarray(part)
        if part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
            if isinstance(part, slice):
                _refuse_traced(part)
            key.append(int(part) if isinstance(part, np.integer) else part)
            continue
        array: Any = part if isinstance(part, Value) else as_plain(part)
        if array.dtype.kind not in "iub" and array.size:
            raise TypeError(
                f"indices must be integers, slices or boolean masks, got {type(part).__name__} "
                f"of dtype {array.dtype}"
            )
        key.append(SLOT)
        arrays.append(array if array.size or array.dtype.kind in "iub" else array.astype(np.intp))
    return tuple(key), arrays


def _refuse_traced(part: slice) -> None:
    """Raise if a slice begins or ends at a traced value: its length would not be known."""
    for bound in (part.start, part.stop, part.step):
        if isinstance(bound, Value) and isinstance(bound.data, Spec):
            raise TypeError(
                "a slice cannot begin, end or step at a traced value, since its length must be "
                "known while the function is traced; x[i + np.arange(n)] takes n entries from i on"
            )


def getitem(x: Value, index_: Any) -> Any:
    """Return ``x[index]`` for integers, slices, None, Ellipsis, and integer or boolean arrays."""
    key, arrays = read_key(index_)
    return index(x, *arrays, key=key)


attach("__getitem__", getitem)
