"""Indexing picks entries; its transpose adds them back where they came from."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core import Operand, Spec, Value, attach
from ..kinds import linear


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


def getitem(x: Value, index_: Any) -> Any:
    """Return ``x[index]`` for integers, slices, None, Ellipsis, and integer or boolean arrays."""
    parts = index_ if isinstance(index_, tuple) else (index_,)
    key: list[Any] = []
    arrays: list[Any] = []
    for part in parts:
        if part is None or part is Ellipsis or isinstance(part, (slice, int, np.integer)):
            key.append(int(part) if isinstance(part, np.integer) else part)
            continue
        array: Any = part if isinstance(part, Value) else np.asarray(part)
        if array.dtype.kind not in "iub" and array.size:
            raise TypeError(
                f"indices must be integers, slices or boolean masks, got {type(part).__name__} "
                f"of dtype {array.dtype}"
            )
        key.append(SLOT)
        arrays.append(array if array.size or array.dtype.kind in "iub" else array.astype(np.intp))
    return index(x, *arrays, key=tuple(key))


attach("__getitem__", getitem)
