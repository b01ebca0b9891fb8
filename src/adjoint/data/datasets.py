"""A toy data set is a pure function of a seed: labelled points in the plane, in balanced classes.

Each function draws a noiseless shape per class, adds normal noise to every point and shuffles.
Classes differ in size by at most one point; a later class takes the odd one.

>>> import adjoint as ad
>>> X, y = ad.datasets.make_moons(6, noise=0.0)
>>> X.shape, sorted(y.tolist())
((6, 2), [0, 0, 0, 1, 1, 1])
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
Labels = NDArray[np.int64]
Seed = int | np.random.Generator
# A shape maps (class, number of points) to that class's noiseless points.
Shape = Callable[[int, int], Points]


def make_moons(
    n_samples: int = 1000, *, noise: float = 0.1, seed: Seed = 0
) -> tuple[Points, Labels]:
    """Two interleaved half circles of radius 1, with scikit-learn's geometry.

    Parameters
    ----------
    n_samples : int
        Number of points, at least 2.
    noise : float
        Standard deviation of the normal noise on each coordinate, at least 0.
    seed : int or numpy.random.Generator
        The same int gives the same points; a generator is drawn from.

    Returns
    -------
    X : (n_samples, 2) float64 array
        The points.
    y : (n_samples,) int64 array
        Their classes: 0 for the upper moon, 1 for the lower.

    Raises
    ------
    ValueError
        If there are too few samples for the classes, or the noise is negative or not finite.

    Examples
    --------
    >>> X, y = ad.datasets.make_moons(4, noise=0.0)
    >>> X.shape, sorted(y.tolist())
    ((4, 2), [0, 0, 1, 1])
    """
    return _sample(_moon, 2, n_samples, noise, seed)


def make_circles(
    n_samples: int = 1000, *, noise: float = 0.1, factor: float = 0.5, seed: Seed = 0
) -> tuple[Points, Labels]:
    """A circle of radius 1 (class 0) around one of radius ``factor`` (class 1).

    The geometry is scikit-learn's; its ``factor`` is 0.8, where noise of 0.1 mixes the classes.

    Parameters
    ----------
    n_samples, noise, seed
        As for `make_moons`.
    factor : float
        Radius of the inner circle, between 0 and 1.

    Returns
    -------
    X : (n_samples, 2) float64 array
    y : (n_samples,) int64 array

    Raises
    ------
    ValueError
        As for `make_moons`, or if ``factor`` is not between 0 and 1.

    Examples
    --------
    >>> X, y = ad.datasets.make_circles(100, noise=0.0)
    >>> np.allclose(np.hypot(*X[y == 0].T), 1.0)
    True
    """
    if not 0 < factor < 1:
        raise ValueError(f"factor must be between 0 and 1, both excluded; got {factor!r}")

    def circle(label: int, count: int) -> Points:
        return (1.0, factor)[label] * _unit_circle(_turns(count))

    return _sample(circle, 2, n_samples, noise, seed)


def make_blobs(
    n_samples: int = 1000, *, noise: float = 0.3, seed: Seed = 0
) -> tuple[Points, Labels]:
    """Three round clouds, one per class, at the corners of an equilateral triangle.

    The corners lie at distance 1 from the origin; ``noise`` is the clouds' standard deviation.

    Parameters
    ----------
    n_samples, noise, seed
        As for `make_moons`; at least 3 samples.

    Returns
    -------
    X : (n_samples, 2) float64 array
    y : (n_samples,) int64 array

    Raises
    ------
    ValueError
        As for `make_moons`.

    Examples
    --------
    >>> X, y = ad.datasets.make_blobs(6)
    >>> X.shape, sorted(y.tolist())
    ((6, 2), [0, 0, 1, 1, 2, 2])
    """
    return _sample(_blob, 3, n_samples, noise, seed)


def make_spirals(
    n_samples: int = 1000, *, noise: float = 0.1, seed: Seed = 0
) -> tuple[Points, Labels]:
    """Two arms of a spiral, one and a half turns each, 1 apart and opposite each other.

    Parameters
    ----------
    n_samples, noise, seed
        As for `make_moons`.

    Returns
    -------
    X : (n_samples, 2) float64 array
    y : (n_samples,) int64 array

    Raises
    ------
    ValueError
        As for `make_moons`.

    Examples
    --------
    >>> X, y = ad.datasets.make_spirals(4, noise=0.0)
    >>> X.shape, sorted(y.tolist())
    ((4, 2), [0, 0, 1, 1])
    """
    return _sample(_arm, 2, n_samples, noise, seed)


def make_xor(n_samples: int = 1000, *, noise: float = 0.3, seed: Seed = 0) -> tuple[Points, Labels]:
    """Four round clouds at (±1, ±1): class 1 where the signs differ, class 0 where they agree.

    Parameters
    ----------
    n_samples, noise, seed
        As for `make_moons`; at least 4 samples.

    Returns
    -------
    X : (n_samples, 2) float64 array
    y : (n_samples,) int64 array

    Raises
    ------
    ValueError
        As for `make_moons`.

    Examples
    --------
    >>> X, y = ad.datasets.make_xor(100, noise=0.1)
    >>> bool(np.all((X[:, 0] * X[:, 1] < 0) == y))
    True
    """
    return _sample(_corners, 2, n_samples, noise, seed, fewest=4)


# The closed table of names: the command line's choices are read off it.
DATASETS: dict[str, Callable[..., tuple[Points, Labels]]] = {
    "blobs": make_blobs,
    "circles": make_circles,
    "moons": make_moons,
    "spirals": make_spirals,
    "xor": make_xor,
}


def _sample(
    shape: Shape, n_classes: int, n_samples: int, noise: float, seed: Seed, *, fewest: int = 0
) -> tuple[Points, Labels]:
    """Put the classes' shapes together, blur and shuffle them."""
    n_samples = _checked_count(n_samples, max(fewest, n_classes))
    _check_noise(noise)
    generator = np.random.default_rng(seed)
    counts = [(n_samples + label) // n_classes for label in range(n_classes)]
    points = np.concatenate([shape(label, count) for label, count in enumerate(counts)])
    labels = np.repeat(np.arange(n_classes, dtype=np.int64), counts)
    order = generator.permutation(n_samples)
    return points[order] + noise * generator.standard_normal(points.shape), labels[order]


def _checked_count(n_samples: SupportsIndex, fewest: int) -> int:
    try:
        count = operator.index(n_samples)
    except TypeError:
        raise TypeError(f"n_samples must be an integer, got {n_samples!r}") from None
    if count < fewest:
        raise ValueError(f"n_samples must be at least {fewest} for this set, got {count}")
    return count


# With more noise than this the squares of points, in scaling and distances, would overflow.
_MOST_NOISE = 1e150


def _check_noise(noise: float) -> None:
    if not (noise >= 0 and math.isfinite(noise)):
        raise ValueError(f"noise must be a finite number, 0 or more; got {noise!r}")
    if noise > _MOST_NOISE:
        raise ValueError(f"noise must be at most {_MOST_NOISE:g}; got {noise!r}")


def _turns(count: int) -> NDArray[np.float64]:
    """Angles evenly round a full turn."""
    return np.linspace(0, 2 * np.pi, count, endpoint=False)


def _unit_circle(angle: NDArray[np.float64]) -> Points:
    return np.column_stack([np.cos(angle), np.sin(angle)])


def _moon(label: int, count: int) -> Points:
    arc = _unit_circle(np.linspace(0, np.pi, count))
    # The lower moon is the upper one turned upside down, its tip inside the upper one's hollow.
    return arc if label == 0 else np.array([1.0, 0.5]) - arc


def _blob(label: int, count: int) -> Points:
    # The first corner points up.
    corner = _unit_circle(_turns(3)[[label]] + np.pi / 2)
    return np.repeat(corner, count, axis=0)


def _arm(label: int, count: int) -> Points:
    # Half a unit from the origin at least, where the two arms would meet; the radius grows with the
    # square root, which spaces the points about evenly along the arm.
    radius = 0.5 + 3.0 * np.sqrt(np.linspace(0, 1, count))
    return radius[:, None] * _unit_circle(np.pi * (radius + label))


def _corners(label: int, count: int) -> Points:
    corner = np.array([[1.0, 1.0 - 2.0 * label]])
    return np.where(np.arange(count)[:, None] % 2 == 0, corner, -corner)
