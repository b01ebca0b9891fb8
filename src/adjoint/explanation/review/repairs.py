"""A product or sum of arrays whose shapes do not fit is repaired by a transpose, as a trial."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array

Repair = Callable[[Array, Array], tuple[Array, Array]]


def _turned(x: Array) -> Array:
    return np.swapaxes(x, -1, -2) if x.ndim >= 2 else x


# The operations that are tried again, and how they are written.
_SIGNS = {np.matmul: "@", np.dot: "@", np.add: "+", np.subtract: "-", np.multiply: "*"}
# Which operands are transposed where an operation fails.
REPAIRS: dict[str, Repair] = {
    "right": lambda x, y: (x, _turned(y)),
    "left": lambda x, y: (_turned(x), y),
    "both": lambda x, y: (_turned(x), _turned(y)),
}


class RepairedProduct(NamedTuple):
    """An operation that does not exist, and what it gives when it is repaired."""

    text: str
    result: Array


# A subclass of arrays, since the user's own code has to run on it unchanged.
class RepairingArray(np.ndarray[Any, Any]):
    """An array whose operations are tried again with an operand transposed where they fail."""

    repair: Repair | None = None
    notes: list[RepairedProduct]

    def __array_finalize__(self, source: object) -> None:
        self.repair = getattr(source, "repair", None)
        self.notes = getattr(source, "notes", [])

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: object, **kwargs: Any) -> Any:
        plain = [_plain(x) for x in inputs]
        if "out" in kwargs:
            kwargs["out"] = tuple(_plain(x) for x in kwargs["out"])
        try:
            found = getattr(ufunc, method)(*plain, **kwargs)
        except ValueError:
            if ufunc not in _SIGNS or method != "__call__" or self.repair is None:
                raise
            found = self._repaired(ufunc, *plain, **kwargs)
        return self._same(found)

    def __array_function__(
        self, function: Callable[..., Any], types: Iterable[type], args: Any, kwargs: Any
    ) -> Any:
        plain = _plain_tree(args)
        try:
            found = function(*plain, **_plain_tree(kwargs))
        except ValueError:
            if function is not np.dot or self.repair is None:
                raise
            found = self._repaired(np.dot, *plain)
        return self._same(found)

    def dot(self, other: ArrayLike, out: Any = None) -> Any:
        """Return the product as ``np.dot`` does."""
        return np.dot(self, other)

    def _repaired(
        self, operation: Callable[..., Any], x: ArrayLike, y: ArrayLike, **kwargs: Any
    ) -> Any:
        assert self.repair is not None
        found = operation(*self.repair(np.asarray(x), np.asarray(y)), **kwargs)
        text = f"{np.shape(x)} {_SIGNS[operation]} {np.shape(y)}"
        self.notes.append(RepairedProduct(text, np.array(found)))
        return found

    def _same(self, found: object) -> Any:
        return mended(found, self.repair, self.notes) if isinstance(found, np.ndarray) else found


def mended(item: object, repair: Repair | None, notes: list[RepairedProduct]) -> Any:
    """Return an array, or the arrays of a tuple, list or dict, whose products are repaired."""
    if isinstance(item, (tuple, list)):
        return type(item)(mended(child, repair, notes) for child in item)
    if isinstance(item, dict):
        return {key: mended(child, repair, notes) for key, child in item.items()}
    if not isinstance(item, np.ndarray):
        return item
    found = np.asarray(item).view(RepairingArray)
    found.repair, found.notes = repair, notes
    return found


def _plain(x: object) -> Any:
    return x.view(np.ndarray) if isinstance(x, RepairingArray) else x


def _plain_tree(tree: object) -> Any:
    if isinstance(tree, (tuple, list)):
        return type(tree)(map(_plain_tree, tree))
    if isinstance(tree, dict):
        return {key: _plain_tree(item) for key, item in tree.items()}
    return _plain(tree)
