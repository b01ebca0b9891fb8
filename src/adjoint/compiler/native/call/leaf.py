"""A leaf is an array or number among the arguments or the results of a compiled function."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ....core.annotations import DType
from ....graphs.graph import Graph
from ....graphs.symbol import Number
from ..formats import KINDS

# Python's numbers, each as native code reads it.
_NUMBERS = {np.dtype(np.float64): "float", np.dtype(np.int64): "int", np.dtype(np.bool_): "bool"}


@dataclass(frozen=True)
class Leaf:
    """What a call demands of an argument, or makes as a result.

    Parameters
    ----------
    kind : str
        "array", or "float", "int" or "bool" for a Python number of this type. A result without axes
        becomes a scalar of NumPy's.
    """

    kind: str
    shape: tuple[int, ...]
    dtype: DType

    @property
    def nbytes(self) -> int:
        """The size of its entries."""
        return int(np.prod(self.shape, dtype=np.int64)) * self.dtype.itemsize


def argument_leaves(graph: Graph) -> list[Leaf] | None:
    """Return the leaves of a graph's arguments; None if one needs more than a look at its type."""
    leaves = []
    for symbol in graph.inputs:
        kind: str | None = "array"
        if isinstance(symbol, Number):
            kind = None if symbol.limits else _NUMBERS.get(symbol.dtype)
        if kind is None or symbol.dtype.name not in KINDS:
            return None
        leaves.append(Leaf(kind, tuple(symbol.shape), np.dtype(symbol.dtype)))
    return leaves


def result_leaves(forms: Sequence[tuple[tuple[int, ...], Any]]) -> list[Leaf]:
    """Return the leaves of results of these shapes and dtypes."""
    return [Leaf("array", shape, dtype) for shape, dtype in forms]
