"""Arrays that were placed apart and added up are joined, so that no zeros are written and added.

The gradient of an array of which parts are read, as the steps of a sequence or the gates of a cell,
is a sum of arrays that are zero but for the gradient of one part.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from operator import index
from typing import Any, NamedTuple

from ....core.annotations import Params
from ...simplify.rewrites import Build, Rewrite, taken_apart

# The most arrays of one sum that are looked at: every sum on the way asks for all of its own.
_MOST_PARTS = 16

Box = tuple[tuple[int, int], ...]


class _Placed(NamedTuple):
    """An array and where it lies in the whole: for each axis, from where to where."""

    part: Any
    box: Box


def _joined_sum(args: Sequence[Any], params: Params, build: Build) -> Any:
    """Join arrays that lie side by side along an axis and fill the whole."""
    shape = tuple(getattr(args[0], "shape", ()))
    placed = _placed_in(args, shape)
    if placed is None or sum(map(_size, placed)) != math.prod(shape):
        return None
    along = {axis for each in placed for axis in range(len(shape)) if _parts(each, axis, shape)}
    if len(along) != 1:
        return None
    (axis,) = along
    placed.sort(key=lambda each: each.box[axis])
    stops = [0, *(each.box[axis][1] for each in placed)]
    if any(each.box[axis][0] != stop for each, stop in zip(placed, stops, strict=False)):
        return None
    return build("concatenate", *_flattened(placed, axis, build), axis=axis)


def _flattened(placed: Sequence[_Placed], axis: int, build: Build) -> list[Any]:
    """Return the arrays to join; one that was joined along the same axis is taken apart."""
    found: list[Any] = []
    for part, box in placed:
        shape = tuple(stop - start for start, stop in box)
        inner = taken_apart(part, "concatenate") if part.shape == shape else None
        if inner is not None and part.node.params["axis"] % len(shape) == axis:
            found += inner
        else:
            found.append(build("reshape", part, shape=shape))
    return found


def _filled(args: Sequence[Any], params: Params, build: Build) -> Any:
    """Drop the placing of an array that fills the whole."""
    shape = params["shape"]
    box = _box(params["key"], shape) if len(args) == 1 else None
    is_whole = box is not None and all(
        edge == (0, size) for edge, size in zip(box, shape, strict=True)
    )
    return build("reshape", args[0], shape=shape) if is_whole else None


def _placed_in(terms: Sequence[Any], shape: tuple[int, ...]) -> list[_Placed] | None:
    """Return the arrays of a sum, unless a term is anything else than a part of a derivative.

    A derivative's zeros have no sign that counts: -0 stays what it is here, and -0 + 0 is 0.
    """
    found: list[_Placed] = []
    pending = list(terms)
    while pending:
        term = pending.pop()
        if getattr(term, "shape", ()) != shape:
            return None
        if (inner := taken_apart(term, "add")) is not None:
            pending += inner
            continue
        operands = taken_apart(term, "scatter_add")
        if operands is None or len(operands) != 1 or term.node.origin is None:
            return None
        box = _box(term.node.params["key"], shape)
        if box is None or len(found) == _MOST_PARTS:
            return None
        found.append(_Placed(operands[0], box))
    return found if len({each.part.dtype for each in found}) == 1 else None


def _box(key: Sequence[Any], shape: Sequence[int]) -> Box | None:
    """Return where a key's entries lie, or None if they are not one block in their order."""
    place = next((n for n, entry in enumerate(key) if entry is Ellipsis), None)
    before, after = (key, ()) if place is None else (key[:place], key[place + 1 :])
    missing = len(shape) - len(before) - len(after)
    if missing < 0:
        return None
    box = []
    whole = (*before, *[slice(None)] * missing, *after)
    for entry, size in zip(whole, shape, strict=True):
        if isinstance(entry, slice):
            start, stop, step = entry.indices(size)
            if step != 1:
                return None
            box.append((start, stop))
        elif hasattr(entry, "__index__") and not isinstance(entry, bool):
            start = index(entry) % size
            box.append((start, start + 1))
        else:
            return None
    return tuple(box)


def _size(placed: _Placed) -> int:
    return math.prod(stop - start for start, stop in placed.box)


def _parts(placed: _Placed, axis: int, shape: Sequence[int]) -> bool:
    """Return whether an array fills only a part of the whole along an axis."""
    return placed.box[axis] != (0, shape[axis])


JOINS: dict[str, Rewrite] = {"add": _joined_sum, "scatter_add": _filled}
