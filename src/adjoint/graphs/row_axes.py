"""Axes of rows say along which axis of each argument, and of each result, `vmap` finds the rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from operator import index
from typing import Any

import numpy as np

from ..core.annotations import Tree
from ..core.operand import as_operand
from ..core.tree import leaves

Axes = int | None | Tree


def axes_of_arguments(in_axes: Axes, args: Sequence[Tree]) -> Sequence[Any]:
    """Return what ``in_axes`` says of each argument."""
    if in_axes is None or _is_axis(in_axes):
        return [in_axes] * len(args)
    if not isinstance(in_axes, (tuple, list)):
        raise TypeError(
            f"vmap: in_axes is an integer, None, or a tuple of one for each argument, got "
            f"{in_axes!r}"
        )
    if len(in_axes) != len(args):
        raise ValueError(
            f"vmap: in_axes has {len(in_axes)} entries, but the function was called with "
            f"{len(args)} arguments without a keyword"
        )
    return in_axes


def _is_axis(axis: object) -> bool:
    try:
        index(axis)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(axis, (bool, np.bool_))


def axis_of_leaves(axes: Any, tree: Any, what: str) -> Iterator[int | None]:
    """Yield the axis of each leaf of a tree, given those of its branches."""
    if axes is None or _is_axis(axes):
        axis = None if axes is None else index(axes)
        yield from (axis for _ in leaves(tree))
        return
    fits = type(axes) is type(tree) or (
        isinstance(axes, (list, tuple)) and isinstance(tree, (list, tuple))
    )
    if not fits or len(axes) != len(tree):
        raise ValueError(f"vmap: {what} {axes!r} has not the structure of {_outline(tree)}")
    if isinstance(tree, dict):
        if axes.keys() != tree.keys():
            raise ValueError(f"vmap: {what} {axes!r} has not the keys of {list(tree)}")
        for key, item in tree.items():
            yield from axis_of_leaves(axes[key], item, what)
        return
    for part, item in zip(axes, tree, strict=True):
        yield from axis_of_leaves(part, item, what)


def _outline(tree: Tree) -> str:
    if isinstance(tree, (list, tuple, dict)):
        return f"a {type(tree).__name__} of {len(tree)}"
    return f"an array of shape {np.shape(as_operand(tree))}"
