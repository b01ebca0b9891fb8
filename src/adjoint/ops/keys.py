"""A key is what stands between square brackets: numbers, slices, None, ... and index arrays."""

from __future__ import annotations

from collections.abc import Sequence
from types import EllipsisType
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import Array
from ..core.spec import Spec


class Slot:
    """The place of one index array in a key; there is only `SLOT`."""

    def __repr__(self) -> str:
        return "SLOT"


SLOT = Slot()
Shape = tuple[int, ...]
Key = tuple[int | slice | EllipsisType | Slot | None, ...]


def fill(key: Key, arrays: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the key with its index arrays in their places."""
    rest = iter(arrays)
    return tuple(next(rest) if part is SLOT else part for part in key)


def picked_shape(shape: Shape, key: tuple[Any, ...]) -> Shape:
    """Return the shape of ``x[key]`` by that of x, at no cost in memory.

    Index arrays, and whole numbers beside them, broadcast against each other. The result stands
    where they stand, or in front if a slice, None or an ellipsis is between them.

    Raises
    ------
    IndexError
        If the key does not fit.
    """
    is_basic = not any(hasattr(part, "dtype") for part in key)
    misses: list[str] = []
    kept: list[int] = []
    chosen: list[Shape] = []
    places: list[tuple[int, int]] = []
    position = 0
    for number, (part, taken) in enumerate(_with_axes(key, len(shape))):
        sizes = shape[position : position + taken]
        position += taken
        if part is None:
            kept.append(1)
        elif part is Ellipsis:
            kept += sizes
        elif isinstance(part, slice):
            kept.append(len(range(*part.indices(sizes[0]))))
        else:
            missed = [] if isinstance(part, Spec) else _misses(np.asarray(part), sizes)
            if missed and isinstance(part, int):
                raise IndexError(missed[0])
            misses += missed
            chosen.append(_chosen_shape(part))
            places.append((number, len(kept)))
    found = _broadcast(chosen)
    if misses and 0 not in found:  # where nothing is picked NumPy lets index arrays pass
        raise IndexError(misses[0])
    if is_basic:
        return tuple(kept)
    start = _start(places)
    return (*kept[:start], *found, *kept[start:])


def _start(places: list[tuple[int, int]]) -> int:
    """Return how many axes of the result stand before those of the index arrays.

    A place is the number of an index array in the key, and of the axes that were kept before it.
    """
    numbers = [number for number, _ in places]
    adjacent = numbers[-1] - numbers[0] == len(numbers) - 1
    return places[-1][1] if adjacent else 0


class Choice(NamedTuple):
    """Where the axes of index arrays stand in ``x[key]``: how many before them, and how many."""

    start: int
    ndim: int


def choice(key: tuple[Any, ...], ndim: int) -> Choice:
    """Return where the axes of the index arrays of a key stand, in an array of ``ndim`` axes."""
    kept, places, chosen = 0, [], []
    for number, (part, taken) in enumerate(_with_axes(key, ndim)):
        if part is None or isinstance(part, slice):
            kept += 1
        elif part is Ellipsis:
            kept += taken
        else:
            places.append((number, kept))
            chosen.append(_chosen_shape(part))
    return Choice(_start(places), len(_broadcast(chosen)))


def _with_axes(key: tuple[Any, ...], ndim: int) -> list[tuple[Any, int]]:
    """Return the parts of a key, each with the number of axes that it takes up."""
    taken = [_axes_of(part) for part in key]
    ellipses = [n for n, part in enumerate(key) if part is Ellipsis]
    left = ndim - sum(taken)
    if left < 0 or len(ellipses) > 1:
        raise IndexError(f"the key takes {sum(taken)} axes and has {len(ellipses)} ellipses")
    if not ellipses:
        return [*zip(key, taken, strict=True), (Ellipsis, left)]
    taken[ellipses[0]] = left
    return list(zip(key, taken, strict=True))


def _axes_of(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    is_mask = getattr(part, "dtype", None) == np.bool_
    return len(part.shape) if is_mask else 1


def _chosen_shape(part: Array | int) -> Shape:
    """Return the shape that a number, an index array or a mask has among index arrays."""
    if isinstance(part, int):
        return ()
    if part.dtype.kind == "b":
        return (int(np.count_nonzero(part)),)
    if part.dtype.kind not in "iu":
        raise IndexError(f"index arrays must be of integers, got dtype {part.dtype}")
    return tuple(part.shape)


def _misses(entries: Array, sizes: Shape) -> list[str]:
    """Return what a number, an index array or a mask names that there is not."""
    if entries.dtype.kind == "b":
        fits = entries.shape == sizes or not entries.size
        return [] if fits else [f"a mask of shape {entries.shape} does not fit sizes {sizes}"]
    if not entries.size or (entries.min() >= -sizes[0] and entries.max() < sizes[0]):
        return []
    return [f"an index is out of bounds for an axis of size {sizes[0]}"]


def _broadcast(shapes: Sequence[Shape]) -> Shape:
    try:
        return np.broadcast_shapes(*shapes)
    except ValueError as error:
        raise IndexError(f"index arrays do not broadcast: {error}") from None
