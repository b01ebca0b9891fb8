"""A sample is one more point to call at: of the same shapes and kinds, with other numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from .attributes import Path
from .pass_pair import Point, is_float


def alike(point: Point, rng: np.random.Generator) -> Point:
    """Return another point of the same shapes."""
    return Point(tuple(_alike(item, rng) for item in point.arguments), point.parameters)


def _alike(item: object, rng: np.random.Generator) -> Any:
    if not isinstance(item, np.ndarray) and not is_float(item):
        return item
    array = np.asarray(item)
    if array.ndim:
        array = rng.permutation(array, axis=0)
    if array.dtype.kind != "f" or _must_stay(array):
        return array
    factor = np.exp(0.3 * rng.standard_normal(array.shape))  # keeps signs, and so most domains
    found = np.asarray(array * factor).astype(array.dtype)
    return found if isinstance(item, np.ndarray) else float(found)


def _must_stay(array: Array) -> bool:
    """Return whether entries are codes (one-hot, masks, labels) or the probabilities of rows."""
    # Ones everywhere are what people write where numbers do not matter.
    codes = array.ndim > 0 and (len(np.unique(array)) == 2 or not np.any(array))
    rows = array.ndim > 1 and np.all(array >= 0) and np.allclose(np.sum(array, -1), 1)
    whole = array.ndim == 1 and np.all(array >= 0) and np.all(array == np.round(array))
    return bool(codes or rows or whole)


def moved(parameters: Mapping[Path, Array], rng: np.random.Generator) -> dict[Path, Array]:
    """Return other parameters, since a scale of ones or a bias of zeros has no visible effect."""
    return {path: _moved(item, rng) for path, item in parameters.items()}


def _moved(item: Array, rng: np.random.Generator) -> Array:
    if not np.any(item):
        return np.asarray(0.5 * rng.standard_normal(item.shape), item.dtype)
    return np.asarray(item * np.exp(0.3 * rng.standard_normal(item.shape))).astype(item.dtype)


def cotangent(output: ArrayLike, rng: np.random.Generator) -> Array:
    """Return a random cotangent of the output's shape and dtype."""
    array = np.asarray(output)
    g = rng.standard_normal(array.shape)
    return np.asarray(g, array.dtype if array.dtype.kind == "f" else np.float64)
