"""Histograms add up weights by where samples lie: linear in the weights alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike
from ..core.registry import NUMPY
from ..core.value import Value, values_in
from ..errors import ShapeError
from .arithmetic import divide
from .filling import linspace
from .indexing import scatter_add
from .keys import SLOT
from .reductions import max, min, sum
from .structural import as_array, known, numbers, reshape


def _samples(x: ArrayLike, name: str) -> Array:
    """Return plain samples; recorded ones are refused, for counts do not vary smoothly."""
    if isinstance(x, Value) and x.node is not None:
        raise TypeError(
            f"{name}: counts have no derivative by the samples; pass x.detach() instead of x "
            "(weights may require a gradient)"
        )
    return numbers(x, name)


def histogram(
    a: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Any, Any]:
    """Return the sum of the weights in each bin, differentiable by them, and the bins' edges.

    Parameters
    ----------
    a : array
        The samples, which must not require a gradient.
    bins : int, str or (b + 1,) array
        How many, of equal width; how to choose that number; or their edges.
    range : pair of numbers, optional
        The outer edges, by default the least and the greatest sample.
    density : bool
        Divide by the total and the width of each bin.
    weights : array, optional
        One for each sample, by default 1.

    Examples
    --------
    >>> x, weights = np.array([1.0, 1.5, 3.0]), np.array([0.5, 1.0, 2.0])
    >>> ad.histogram(x, bins=[1.0, 2.0, 3.0], weights=weights)
    (array([1.5, 2. ]), array([1., 2., 3.]))
    """
    samples = _samples(a, "histogram")
    if weights is None:
        return np.histogram(samples, bins, range, density)
    edges = np.histogram_bin_edges(samples, bins, range, known(weights))
    found, _ = histogramdd(samples.reshape(-1, 1), [edges], None, density, weights)
    return found, edges


def histogramdd(
    sample: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Any, Any]:
    """Return the sum of the weights in each cell, differentiable by them, and each axis's edges.

    Parameters
    ----------
    sample : (n, d) array
        The points, which must not require a gradient.
    bins, range
        As for `histogram`, or a sequence of such, one for each axis.
    density, weights
        As for `histogram`.

    Examples
    --------
    >>> ad.histogramdd(np.array([[0.1, 0.1], [0.2, 0.8], [0.9, 0.9]]), bins=2)[0]
    array([[1., 1.],
           [0., 1.]])
    """
    points = np.atleast_2d(_samples(sample, "histogramdd"))
    if weights is None:
        return np.histogramdd(points, bins, range, density)
    edges = np.histogramdd(points, bins, range)[1]
    cells, inside = _cells(points, edges)
    sizes = tuple(len(ends) - 1 for ends in edges)
    entered = reshape(as_array(weights), shape=-1)
    if entered.shape != (len(points),):
        raise ShapeError(f"histogram: weights of shape {entered.shape} for {len(points)} samples")
    picked = entered[np.flatnonzero(inside)]
    found = scatter_add(picked, *cells, key=(SLOT,) * len(sizes), shape=sizes)
    return (_as_density(found, edges) if density else found), edges


def _cells(points: AnyArray, edges: Sequence[Any]) -> tuple[list[Any], Any]:
    """Return the cell of each point that is in one, axis by axis, and which those are."""
    places = []
    for x, ends in zip(points.T, edges, strict=True):
        place = np.searchsorted(ends, x, side="right") - 1
        # Bins include their left edge only, but the last one its right edge too, as in NumPy.
        places.append(np.where(x == ends[-1], len(ends) - 2, place))
    inside = np.logical_and.reduce(
        [(p >= 0) & (p < len(ends) - 1) for p, ends in zip(places, edges, strict=True)]
    )
    return [place[inside] for place in places], inside


def _as_density(found: AnyArray, edges: Sequence[Any]) -> AnyArray:
    volumes = np.diff(edges[0])
    for ends in edges[1:]:
        volumes = np.multiply.outer(volumes, np.diff(ends))
    return divide(found / volumes, sum(found))


def histogram2d(
    x: ArrayLike,
    y: ArrayLike,
    bins: Any = 10,
    range: Any = None,
    density: bool | None = None,
    weights: ArrayLike | None = None,
) -> tuple[Any, Any, Any]:
    """Return the sum of the weights in each cell of a plane, and the edges along both axes.

    ``bins``, ``range``, ``density`` and ``weights`` are those of `histogramdd`.

    >>> x, y = np.array([0.1, 0.2, 0.9]), np.array([0.1, 0.8, 0.9])
    >>> ad.histogram2d(x, y, bins=2)[0]
    array([[1., 1.],
           [0., 1.]])
    """
    points = np.stack([_samples(x, "histogram2d"), _samples(y, "histogram2d")], axis=1)
    if not np.isscalar(bins) and len(bins) not in (1, 2):
        bins = [bins, bins]
    found, (first, second) = histogramdd(points, bins, range, density, weights)
    return found, first, second


def histogram_bin_edges(
    a: ArrayLike, bins: Any = 10, range: Any = None, weights: ArrayLike | None = None
) -> Any:
    """Return the edges of bins; evenly spaced ones vary with the least and greatest sample.

    ``bins``, ``range`` and ``weights`` are those of `histogram`.

    >>> ad.histogram_bin_edges(np.array([1.0, 2.0, 5.0]), bins=4)
    array([1., 2., 3., 4., 5.])
    """
    if not values_in([a, bins, range, weights]):
        plain: tuple[Any, ...] = (a, bins, range, weights)
        return np.histogram_bin_edges(*plain)
    if isinstance(bins, int) and range is None and as_array(a).shape != (0,):
        low, high = min(as_array(a)), max(as_array(a))
        if known(low) is not None and known(low) == known(high):
            low, high = low - 0.5, high + 0.5
        return linspace(low, high, bins + 1)
    return np.histogram_bin_edges(
        _samples(a, "histogram_bin_edges"), bins, range, None if weights is None else known(weights)
    )


COMPOSITES = (histogram, histogram2d, histogramdd, histogram_bin_edges)
NUMPY.update({getattr(np, f.__name__): f for f in COMPOSITES})
