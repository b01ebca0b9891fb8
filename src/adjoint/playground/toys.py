"""Toy sets are points in the plane by name; the text of those made here goes into programs."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..core.annotations import Array
from ..data.datasets import DATASETS


def make_rays(rows: int, classes: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points around the corners of a regular polygon, and which corner."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(rows) % classes)
    angle = 2 * np.pi * y / classes
    centre = 2 * np.column_stack([np.cos(angle), np.sin(angle)])
    return centre + (0.3 + noise) * rng.standard_normal((rows, 2)), y


def make_wheel(rows: int, classes: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points on arms that wind around the origin, and which arm."""
    rng = np.random.default_rng(seed)
    y = rng.permutation(np.arange(rows) % classes)
    radius = np.sqrt(rng.uniform(0.02, 1, rows))
    angle = 2 * np.pi * y / classes + 3 * radius + noise * rng.standard_normal(rows)
    return 2.5 * np.column_stack([radius * np.cos(angle), radius * np.sin(angle)]), y


def make_slope(rows: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points in a square, and a plane over them."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (rows, 2))
    return X, 0.5 * X[:, 0] - 0.25 * X[:, 1] + noise * rng.standard_normal(rows)


def make_hills(rows: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points in a square, and a hill beside a hollow over them."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (rows, 2))
    hill = np.exp(-((X[:, 0] - 0.8) ** 2 + (X[:, 1] - 0.6) ** 2))
    hollow = np.exp(-((X[:, 0] + 0.8) ** 2 + (X[:, 1] + 0.6) ** 2))
    return X, hill - hollow + noise * rng.standard_normal(rows)


def make_waves(rows: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points in a square, and waves that cross over them."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (rows, 2))
    y = np.sin(2 * X[:, 0]) * np.cos(1.5 * X[:, 1])
    return X, y + noise * rng.standard_normal(rows)


def make_counts(rows: int, noise: float, seed: int) -> tuple[Array, Array]:
    """Return points in a square, and counts of events whose rate is greatest on a diagonal."""
    rng = np.random.default_rng(seed)
    X = rng.uniform(-2, 2, (rows, 2))
    rate = 8 * np.exp(-((X[:, 0] - X[:, 1]) ** 2)) + noise
    return X, rng.poisson(rate).astype(float)


# A small picture of a set has so many points.
_PICTURED = 60


class Toy(NamedTuple):
    """A toy set: what makes it, and whether it has classes, and whether one may choose how many."""

    make: Callable[..., tuple[Array, Array]]
    has_classes: bool
    is_of_any_classes: bool = False

    def arrays(self, rows: int, classes: int, noise: float, seed: int) -> tuple[Array, Array]:
        """Return points and targets."""
        if self.is_of_any_classes:
            return self.make(rows, classes, noise, seed)
        if self.has_classes:
            return self.make(rows, noise=noise, seed=seed)
        return self.make(rows, noise, seed)

    def picture(self) -> list[list[float]]:
        """Return some points in the unit square, each with its class, or its share of the range."""
        X, y = self.arrays(_PICTURED, 3, 0.1, 0)
        low, span = X.min(axis=0), np.ptp(X, axis=0)
        shares = y if self.has_classes else (y - y.min()) / np.ptp(y)
        points: list[list[float]] = np.column_stack([(X - low) / span, shares]).round(2).tolist()
        return points

    def definition(self) -> str:
        """Return the text of the function, where adjoint does not offer it."""
        return "" if self.make.__module__ != __name__ else inspect.getsource(self.make)

    def call(self, rows: int, classes: int, noise: float, seed: int) -> str:
        """Return the call that gives points and targets, as a program writes it."""
        name = self.make.__name__
        if self.is_of_any_classes:
            return f"{name}({rows}, {classes}, {noise!r}, {seed})"
        if self.has_classes:
            return f"ad.datasets.{name}({rows}, noise={noise!r}, seed={seed})"
        return f"{name}({rows}, {noise!r}, {seed})"


TOYS: dict[str, Toy] = {
    **{name: Toy(make, True) for name, make in DATASETS.items() if name != "blobs"},
    "rays": Toy(make_rays, True, True),
    "wheel": Toy(make_wheel, True, True),
    "slope": Toy(make_slope, False),
    "hills": Toy(make_hills, False),
    "waves": Toy(make_waves, False),
    "counts": Toy(make_counts, False),
}
