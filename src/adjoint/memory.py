"""The memory of results: what a caller is handed is the caller's to change, and shared by nobody."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

# To copy so few bytes is cheaper than to find out whether that is necessary.
_SMALL = 4096


def separate(found: Iterable[Any], given: Iterable[Any]) -> list[Any]:
    """Return results that share no memory with each other or with what was given.

    An array is copied where it would, or where it is read-only; NumPy's scalars have nothing to
    share.

    Parameters
    ----------
    found : iterable
        Arrays are looked at, everything else is returned as it is.
    given : iterable
        Arguments and constants.
    """
    taken = {id(_owner(x)) for x in given if isinstance(x, np.ndarray)}
    results = []
    for x in found:
        if isinstance(x, np.ndarray):
            owner = _owner(x)
            is_fresh = type(owner) is np.ndarray and id(owner) not in taken and x.flags.writeable
            if x.nbytes <= _SMALL or not is_fresh:
                x = owner = x.copy()
            taken.add(id(owner))
        results.append(x)
    return results


def _owner(array: Any) -> Any:
    """Return what holds an array's memory: itself, or what it is a view of."""
    while isinstance(array, np.ndarray) and array.base is not None:
        array = array.base
    return array
