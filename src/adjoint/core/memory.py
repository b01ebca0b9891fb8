"""The memory of results: what a caller is handed is the caller's alone, to change at will."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from .annotations import Array

# Copying so few bytes is cheaper than finding out whether it is necessary.
_SMALL = 4096


def separate(found: Iterable[Any], given: Iterable[Any], *, sparing: bool = False) -> list[Any]:
    """Return results that share no memory with each other or with what was given.

    An array that would share memory, or is read-only, is copied. NumPy's scalars share nothing.

    Parameters
    ----------
    found : iterable
        Arrays are examined; everything else is returned unchanged.
    given : iterable
        Arguments and constants.
    sparing : bool
        Copy only what must be copied, because somebody recognises results by their identity.
    """
    taken: set[int] | None = None
    results = []
    for x in found:
        if isinstance(x, np.ndarray):
            if x.nbytes <= _SMALL and not sparing:
                x = x.copy("K")
            else:
                if taken is None:
                    taken = {id(_owner(y)) for y in given if isinstance(y, np.ndarray)}
                x = _separate(x, taken)
        results.append(x)
    return results


def _separate(x: Array, taken: set[int]) -> Any:
    """Return a large array, or a copy if its memory is in ``taken``, and add the memory to it."""
    owner = _owner(x)
    if type(owner) is not np.ndarray or id(owner) in taken or not x.flags.writeable:
        x = owner = x.copy("K")
    taken.add(id(owner))
    return x


def _owner(array: Array) -> Any:
    """Return what holds an array's memory: itself, or what it is a view of."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array
