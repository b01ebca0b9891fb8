"""Sizes are the numbers that a mean may divide by: N above all, whatever comes first in a call."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from ...core.annotations import Array
from .traced_run import TracedRun


def rows(output: Array, arguments: Sequence[Any], run: TracedRun | None) -> int:
    """Return N, the number of rows of a call.

    It is the length of the output, if that has rows. The output of a loss has none: then it is the
    size that runs through the forward pass, since each value on the way has an axis of rows while
    the sizes of parameters come and go.
    """
    if output.ndim:
        return int(output.shape[0])
    shapes = list(map(np.shape, arguments))
    passed = [] if run is None else [run.values[node].shape for node in run.graph.nodes]
    counts = Counter(size for shape in passed for size in dict.fromkeys(shape) if size > 1)
    if not counts:
        counts = Counter(size for shape in shapes for size in dict.fromkeys(shape) if size > 1)
    leading = {shape[0] for shape in shapes if shape}
    labels = {len(x) for x in map(np.asarray, arguments) if x.ndim == 1 and x.dtype.kind in "iub"}
    return max(counts, key=lambda n: (n in labels, counts[n], n in leading, n), default=1)


def named_sizes(arrays: Mapping[str, Array]) -> Iterator[tuple[str, str, int | None]]:
    """Yield the sizes of arrays by what they are called, with the array and the axis, or all."""
    for name, array in arrays.items():
        for axis in range(array.ndim):
            yield f"the length of {name} along axis {axis}", name, axis
        if array.ndim > 1:
            yield f"the number of entries of {name}", name, None


def size_of(array: Array, axis: int | None) -> int:
    """Return the size of an array along an axis, or of all of it."""
    return array.size if axis is None else array.shape[axis]
