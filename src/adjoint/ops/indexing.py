"""Indexing picks entries; its transpose adds them back where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Operand, Spec, Value, as_plain, attach
from ..kinds import constant, linear
from .piecewise import where


class Slot:
    """The place of one index array in a key; there is only `SLOT`."""

    def __repr__(self) -> str:
        return "SLOT"


SLOT = Slot()
Key = tuple[Any, ...]  # of int, slice, None, Ellipsis and SLOT


def fill(key: Key, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the key with its index arrays in their places."""
    rest = iter(arrays)
    return tuple(next(rest) if part is SLOT else part for part in key)


def _index_shape(x: Operand, *arrays: Operand, key: Key) -> tuple[int, ...]:
    if any(isinstance(a, Spec) and a.dtype.kind == "b" for a in arrays):
        raise TypeError(
            "how many entries a traced mask picks is not known; use ad.where(mask, x, 0) instead"
        )
    # Entries without memory of their own; a symbolic index array picks entry 0 everywhere.
    stand_in = np.broadcast_to(np.zeros((), np.bool_), x.shape)
    indices = tuple(np.zeros(a.shape, np.intp) if isinstance(a, Spec) else a for a in arrays)
    return tuple(stand_in[fill(key, indices)].shape)


def _key_source(key: Key, names: tuple[str, ...]) -> str:
    def write(part: Any) -> str:
        if isinstance(part, slice):
            ends = [part.start, part.stop, *([] if part.step is None else [part.step])]
            return ":".join("" if end is None else repr(end) for end in ends)
        return "..." if part is Ellipsis else str(part)

    return ", ".join(map(write, fill(key, names))) or "()"


def _index_source(x: str, *arrays: str, key: Key) -> str:
    return f"{x}[{_key_source(key, arrays)}]"


def _index_latex(x: str, *arrays: str, key: Key) -> str:
    return f"{x}_{{{_key_source(key, arrays)}}}"


def _index_error(x: Operand, *arrays: Operand, key: Key) -> str | None:
    if any(isinstance(a, Spec) for a in arrays):
        return None
    names = tuple(f"array of shape {np.shape(a)}" for a in arrays)
    return f"[{_key_source(key, names)}] does not fit shape {x.shape}"


_INDICES = np.array([[0, 2], [2, 2]])
_ROWS = slice(None, None, 2)


@linear(
    transposes=[lambda g, x, *arrays, key: scatter_add(g, *arrays, key=key, shape=x.shape)],
    shape=_index_shape,
    dtype=lambda x, *arrays, key: x.dtype,
    source=_index_source,
    view=True,
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
)
def index(x: Any, *arrays: Any, key: Key) -> Any:
    """Return ``x[key]``; a `SLOT` in the key stands for the next index array."""
    return np.asarray(x)[fill(key, arrays)]


def _scatter_source(g: str, *arrays: str, key: Key, shape: tuple[int, ...]) -> str:
    return f"add_at({g}, np.s_[{_key_source(key, arrays)}], {shape})"


def add_at(x: Any, key: Any, shape: tuple[int, ...]) -> Any:
    """Return zeros of ``shape`` with ``x`` added at ``[key]``, repeated indices adding up."""
    zeros = np.zeros(shape, x.dtype)
    np.add.at(zeros, key, x)
    return zeros


@linear(
    transposes=[lambda g, x, *arrays, key, shape: index(g, *arrays, key=key)],
    shape=lambda x, *arrays, key, shape: shape,
    dtype=lambda x, *arrays, key, shape: x.dtype,
    source=_scatter_source,
    helpers=[add_at],
    latex=r"\operatorname{{scatter}}\left({x}\right)",
    cases=[
        ((4,), {"key": (1,), "shape": (3, 4)}),
        ((2, 2, 4), _INDICES, {"key": (SLOT,), "shape": (3, 4)}),
    ],
)
def scatter_add(x: Any, *arrays: Any, key: Key, shape: tuple[int, ...]) -> Any:
    """Return zeros of ``shape`` with ``x`` added at ``[key]``, repeated indices adding up.

    The transpose of `index`.
    """
    x = np.asarray(x)
    if arrays:
        return add_at(x, fill(key, arrays), shape)
    # No entry repeats without index arrays, and assignment is many times faster than np.add.at.
    zeros = np.zeros(shape, x.dtype)
    zeros[key] = x
    return zeros


def _kept(g: Any, x: Any, v: Any, *arrays: Any, key: Key) -> Any:
    """Return ``g`` with zeros where ``x`` was replaced."""
    return put_at(g, 0.0, *arrays, key=key)


def _placed(g: Any, x: Any, v: Any, *arrays: Any, key: Key) -> Any:
    """Return the part of ``g`` where ``v`` was put; of entries named twice the last one counts."""
    placed = index(g, *arrays, key=key)
    if not arrays:
        return placed
    return where(last_named(arrays, key=key, shape=x.shape), placed, 0.0)


def last_at(key: Any, shape: tuple[int, ...]) -> Any:
    """Return which of the entries at ``[key]`` are not named again later in the same key."""
    names = np.zeros(shape, np.intp)
    order = np.arange(names[key].size).reshape(names[key].shape)
    names[key] = order
    return np.asarray(names[key] == order)


@constant(
    shape=lambda *arrays, key, shape: _index_shape(Spec(shape, np.dtype(bool)), *arrays, key=key),
    dtype=lambda *arrays, key, shape: np.dtype(bool),
    source=lambda *arrays, key, shape: f"last_at(np.s_[{_key_source(key, arrays)}], {shape})",
    latex=r"\operatorname{{last}}\left({args}\right)",
    helpers=[last_at],
    cases=[(np.array([0, 2, 0]), {"key": (SLOT,), "shape": (3, 4)})],
)
def last_named(*arrays: Any, key: Key, shape: tuple[int, ...]) -> Any:
    """Return which of the entries at ``[key]`` are not named again later in the same key."""
    return last_at(fill(key, arrays), shape)


def replaced_at(x: Any, v: Any, key: Any) -> Any:
    """Return a copy of ``x`` with ``v`` at ``[key]``."""
    copied = np.array(x)
    copied[key] = v
    return copied


def _put_error(x: Operand, v: Operand, *arrays: Operand, key: Key) -> str | None:
    if any(isinstance(a, Spec) for a in (x, v, *arrays)):
        return None
    names = tuple(f"array of shape {np.shape(a)}" for a in arrays)
    return f"cannot put shape {np.shape(v)} at [{_key_source(key, names)}] of shape {x.shape}"


@linear(
    transposes=[_kept, _placed],
    shape=lambda x, v, *arrays, key: x.shape,
    dtype=lambda x, v, *arrays, key: x.dtype,
    source=lambda x, v, *arrays, key: f"replaced_at({x}, {v}, np.s_[{_key_source(key, arrays)}])",
    latex=r"{x}",
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
)
def put_at(x: Any, v: Any, *arrays: Any, key: Key) -> Any:
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
        if part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
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


def getitem(x: Value, index_: Any) -> Any:
    """Return ``x[index]`` for integers, slices, None, Ellipsis, and integer or boolean arrays."""
    key, arrays = read_key(index_)
    return index(x, *arrays, key=key)


def setitem(x: Value, index_: Any, v: Any) -> None:
    """Replace the value inside ``x`` by one with ``v`` at ``[index]``; all its names see it."""
    x.refuse_assignment()
    key, arrays = read_key(index_)
    if isinstance(v, Value) and v.node is not None and x.dtype.kind != "f" == v.dtype.kind:
        raise TypeError(
            f"assigning floats into a tensor of dtype {x.dtype} would cut their graph; make it one "
            "of floats, as ad.zeros(n)"
        )
    changed = put_at(x, v, *arrays, key=key)
    x.adopt(changed)


attach("__getitem__", getitem)
attach("__setitem__", setitem)
