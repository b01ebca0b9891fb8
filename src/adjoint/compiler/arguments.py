"""Arguments are flattened at each call: their arrays in order, and an outline of all else.

Outlines are equal for equal structures, shapes and dtypes, so that one program serves both.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import numpy as np

from ..core.annotations import Array, ArrayLike
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.tree import leaves
from ..core.value import Value
from ..errors import ShapeError


class RecordedError(Exception):
    """An argument belongs to a graph, to which only the function itself can add."""


def flatten(tree: Any, arrays: list[Any]) -> Hashable:
    """Append a tree's leaves to a list, as arrays, and return the tree's outline.

    Raises
    ------
    RecordedError
        If a leaf belongs to a graph.
    TypeError
        If one is no array or number.
    """
    kind = tree.__class__
    if kind is np.ndarray:
        arrays.append(tree)
        return tree.shape, tree.dtype
    if kind is tuple:  # mostly a tuple of arrays; a loop is faster than all() of a generator
        for item in tree:
            if item.__class__ is not np.ndarray:
                break
        else:
            arrays += tree
            return kind, *[(item.shape, item.dtype) for item in tree]
    if kind is float or kind is int or kind is bool:  # a weak number, told apart from an array
        arrays.append(_as_array(tree))
        return kind if kind is not int else (kind, arrays[-1].dtype)
    if issubclass(kind, dict):
        return dict, tuple(tree), *[flatten(item, arrays) for item in tree.values()]
    if issubclass(kind, (list, tuple)):
        return kind, *[flatten(item, arrays) for item in tree]
    return flatten(_as_array(tree), arrays)


def fitted(array: ArrayLike, spec: Spec) -> Array:
    """Return an array of a spec: itself, or converted.

    Raises
    ------
    ShapeError
        If it has another shape.
    TypeError
        If its dtype cannot be converted to the one that was traced.
    """
    if np.shape(array) != spec.shape:
        raise ShapeError(f"expected shape {spec.shape}, got {np.shape(array)}")
    given = np.asarray(array)
    if given.dtype != spec.dtype and not np.can_cast(given.dtype, spec.dtype, "same_kind"):
        raise TypeError(f"expected dtype {spec.dtype}, got {given.dtype}")
    return given.astype(spec.dtype, copy=False)


def is_recorded(tree: object) -> bool:
    """Return whether a leaf belongs to a graph."""
    return any(isinstance(leaf, Value) and leaf.node is not None for leaf in leaves(tree))


def _as_array(x: object) -> Array:
    if x is None:
        raise TypeError("compile: None is not an array; pass settings by keyword")
    if isinstance(x, Value) and x.node is not None:
        raise RecordedError
    return np.asarray(as_operand(x))


def exact(setting: object) -> Hashable:
    """Return something equal only for settings that are equal in type and bits: 1, 1.0 and True
    trace to different dtypes, and 0.0 and -0.0 to different signs.
    """
    if isinstance(setting, (tuple, list)):
        return type(setting), *map(exact, setting)
    if isinstance(setting, np.generic):
        return setting.dtype.str, setting.tobytes()
    return type(setting), repr(setting) if isinstance(setting, (float, complex)) else setting
