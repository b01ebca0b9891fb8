"""A digest tells by a few digits whether two trainings came to the same bits."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import numpy as np

from ..core.annotations import Array, ArrayLike


def sha256_of(weights: Mapping[str, ArrayLike], records: Mapping[str, Sequence[float]]) -> str:
    """Return the SHA-256 of weights and records, the same on machines of any order of bytes.

    The order of the names does not matter. Which of the many bit patterns of NaN an operation
    gives is up to the processor, so that all of them count as one.

    Examples
    --------
    >>> sha256_of({"w": np.ones(2)}, {"loss": [0.5]})[:8]
    '3cf6d860'
    """
    digest = hashlib.sha256()
    numbers = {f"record {name}": np.array(values, float) for name, values in records.items()}
    arrays = {f"weight {name}": np.asarray(array) for name, array in weights.items()}
    for name, array in sorted({**arrays, **numbers}.items()):
        head = f"{len(name)} {name} {array.dtype.kind}{array.dtype.itemsize} {array.shape};"
        digest.update(head.encode())
        digest.update(_canonical(array).tobytes())
    return digest.hexdigest()


def _canonical(array: Array) -> Array:
    """Return an array with its lowest byte first, and one bit pattern for NaN."""
    array = array.astype(array.dtype.newbyteorder("<"))
    if array.dtype.kind == "f":
        array[np.isnan(array)] = np.nan
    return array
