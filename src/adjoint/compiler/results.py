"""Results go into new arrays, or into those that a caller gives."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np

from ..core.annotations import Array, Tree
from ..core.operand import refuse_subclass
from ..core.tree import map_leaves
from ..errors import ShapeError
from ..graphs.graph import Graph
from ..graphs.symbol import Symbol


def read_out(out: Tree, graph: Graph) -> list[Array]:
    """Return the arrays that are to take a graph's results, in order.

    Raises
    ------
    TypeError, ValueError
        If they have not the structure, shapes and dtypes of the results, cannot be written to, or
        share memory.
    """
    arrays: list[Any] = [None] * len(graph.outputs)

    def place(position: int | None, array: object) -> None:
        if position is None:
            return
        arrays[position] = _checked(array, graph.outputs[position])

    try:
        map_leaves(place, graph.gives, out)
    except ShapeError:
        raise
    except ValueError as error:
        raise ValueError(f"out: not of the result's structure; {error}") from None
    if any(np.may_share_memory(x, y) for x, y in combinations(arrays, 2)):
        raise ValueError("out: two of its arrays share memory; each result needs its own")
    return arrays


def _checked(array: object, result: Symbol) -> Array:
    if not isinstance(array, np.ndarray):
        raise TypeError(
            f"out: expected an array for each result, got {type(array).__name__}; for example "
            f"np.empty({result.shape}, np.{result.dtype})"
        )
    refuse_subclass(array)
    if array.shape != result.shape:
        raise ShapeError(f"out: shape {array.shape}, but the result has {result.shape}")
    if array.dtype != result.dtype:
        raise TypeError(f"out: dtype {array.dtype}, but the result has {result.dtype}")
    if not array.flags.writeable:
        raise ValueError("out: the array is read-only; give one that may be written to")
    return array


def write_out(out: Sequence[Array], found: Sequence[Any]) -> None:
    """Copy results to where they are to go, unless they are there already."""
    for target, result in zip(out, found, strict=True):
        if target is not result:
            np.copyto(target, result)
