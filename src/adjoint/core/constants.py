"""A constant is an array that a recorded operation reads; its owner may go on to change it.

The rules of differentiation read it again after the function has run, so the record holds a copy:
a buffer that is filled anew in a loop gives the derivative of what was computed. A copy serves
again as long as it is equal: the latest one of tiny arrays, since to compare is faster than to hold
many; the latest ones of small arrays, because a heap that grows at each use costs more than the
copy; and all of large ones, so that memory grows once and not with each use.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from .annotations import Array

# Arrays of at most so many bytes are tiny, or small.
_TINY, _SMALL = 1 << 10, 1 << 16
# At most so many copies of small arrays are kept alive when nothing else holds them.
_MOST_SMALL = 16


class _Copies(threading.local):
    """This thread's copies of large arrays, as long as a record holds them.

    They are found by where the originals lie in memory, not by identity: a transpose that is taken
    anew is another object that shows the same numbers.
    """

    def __init__(self) -> None:
        self.known: WeakValueDictionary[Any, Any] = WeakValueDictionary()


_copies = _Copies()
# The latest tiny array that was kept, its numbers and its copy. All threads share it: the tuple is
# replaced, never changed.
latest: tuple[Any, bytes, Any] = (None, b"", None)
# Copies of small arrays, and the memory of each, by the id of the original. The id is but a hint
# where to look: a copy of equal numbers serves, whichever array it was made of.
_small: dict[int, tuple[bytearray, Any]] = {}


def kept(array: Array) -> Any:
    """Return an array with the numbers that ``array`` has now, whatever becomes of it.

    A large read-only array that owns its memory is returned itself: nobody can change it.
    """
    size = array.nbytes
    if size <= _TINY:
        return _latest(array)
    if size <= _SMALL:
        return _small_copy(array)
    if not array.flags.writeable and array.base is None:
        return array
    place = (array.__array_interface__["data"], array.shape, array.strides, array.dtype.str)
    known = _copies.known.get(place)
    if known is None or not has_same_bits(known, array):
        known = _copies.known[place] = np.array(array)
    return known


def _latest(array: Array) -> Any:
    global latest
    known, numbers, copy = latest
    if known is array and array.tobytes() == numbers and copy.shape == array.shape:
        return copy
    copy = array.copy("K")
    latest = array, array.tobytes(), copy
    return copy


def _small_copy(array: Array) -> Any:
    in_order = array if array.flags.c_contiguous else array.T
    if not in_order.flags.c_contiguous:
        return array.copy("K")
    memory, copy = _small.get(id(array), (None, array))
    # A bytearray compares itself with the memory of an array byte by byte, without a temporary.
    if (
        memory is not None
        and copy.strides == array.strides
        and copy.shape == array.shape
        and copy.dtype == array.dtype
        and memory == in_order
    ):
        return copy
    memory = bytearray(in_order)
    copy = np.frombuffer(memory, array.dtype).reshape(in_order.shape)
    if in_order is not array:
        copy = copy.T
    if len(_small) >= _MOST_SMALL:
        _small.clear()
    _small[id(array)] = memory, copy
    return copy


def keep(arrays: list[Any], parents: Sequence[Any]) -> None:
    """Replace the constants among some operands, those without a parent, by copies from `kept`."""
    for place, (array, parent) in enumerate(zip(arrays, parents, strict=True)):
        if parent is None and isinstance(array, np.ndarray):
            arrays[place] = kept(array)


def has_same_bits(one: Array, other: Array) -> bool:
    """Return whether the bits are the same: NaN is itself, and -0 is not 0."""
    if one.shape != other.shape or one.dtype != other.dtype:
        return False
    if one.dtype.itemsize > 8:  # np.longdouble, whose padding bytes mean nothing
        return False
    return bool(np.array_equal(_bits(one), _bits(other)))


def is_filled(array: Array) -> bool:
    """Return whether all entries of an array are the same, by their bits."""
    if array.dtype.itemsize > 8:
        return array.tobytes() == array[:1].tobytes() * array.size
    entries = _bits(array)
    # Most arrays show at their ends that they are not.
    return not array.size or bool(
        entries.flat[0] == entries.flat[-1] and np.all(entries == entries.flat[0])
    )


def repeats(array: Array, axis: int) -> bool:
    """Return whether an array's entries along an axis are all the same, by their bits."""
    entries = _bits(array)
    first = entries.take([0], axis)
    return bool(np.all(entries.take([-1], axis) == first) and np.all(entries == first))


def _bits(array: Array) -> Any:
    """Return an array's entries as whole numbers: its own memory, in which NaN is itself."""
    return array.view(np.dtype(f"u{array.dtype.itemsize}"))


def kept_params(params: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return an operation's metadata as they are now: lists and arrays in them become tuples."""
    for value in params.values():
        if value.__class__ is list or value.__class__ is np.ndarray:
            return {name: _fixed(value) for name, value in params.items()}
    return params


def _fixed(value: object) -> Any:
    if isinstance(value, np.ndarray):
        value = value.tolist()
    return tuple(map(_fixed, value)) if isinstance(value, list) else value
