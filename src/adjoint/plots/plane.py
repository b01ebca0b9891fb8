"""A plane through a table is spanned by two of its columns; the others are held where they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import require
from .scatter import as_points

if TYPE_CHECKING:
    import narwhals

Feature = int | str


class Plane:
    """Two columns of X that vary, and all others at one value each; abstract.

    Parameters
    ----------
    X : (n, d) array or data frame
    features : pair of int or str, or None
        The two columns, by place or by name; None where there are no others.
    at : mapping of int or str to a value, optional
        Where to hold a column, instead of at its median, or its most frequent value if it holds
        no numbers.

    Attributes
    ----------
    names : pair of str
        What the two columns are called.
    points : (n, 2) float array
        Their values.
    """

    def __init__(self, X: object, features: Sequence[Feature] | None, at: Mapping[Any, Any] | None):
        self.X: Any = X
        self.columns = self._columns()
        self.places = self._pair(features)
        self.held = {self._place(name, "at"): value for name, value in (at or {}).items()}
        taken = sorted(set(self.held) & set(self.places))
        if taken:
            raise ValueError(f"at holds {self.columns[taken[0]]!r}, which is one of the features")
        first, second = self.places
        self.names = (self.columns[first], self.columns[second])
        self.points = self._points()

    def rows(self, grid: Array) -> Any:
        """Return rows like those of X: the two columns from an (m, 2) grid, the others held."""
        raise NotImplementedError

    def _columns(self) -> list[str]:
        raise NotImplementedError

    def _points(self) -> Array:
        raise NotImplementedError

    def _pair(self, features: Sequence[Feature] | None) -> tuple[int, int]:
        count = len(self.columns)
        if features is None:
            if count != 2:
                raise ValueError(
                    f"X has {count} columns; expected 2, or the two to draw: features=(0, 1), by "
                    "place or by name; the others are held at their medians"
                )
            return 0, 1
        if isinstance(features, str) or len(features) != 2:
            raise ValueError(f"features: expected a pair of columns, got {features!r}")
        first, second = (self._place(feature, "features") for feature in features)
        if first == second:
            raise ValueError(f"features: expected two different columns, got {features!r}")
        return first, second

    def _place(self, feature: Feature, source: str) -> int:
        """Return where a column is."""
        if isinstance(feature, str) and feature in self.columns:
            return self.columns.index(feature)
        is_number = isinstance(feature, (int, np.integer)) and not isinstance(feature, bool)
        if is_number and int(feature) in range(len(self.columns)):
            return int(feature)
        raise ValueError(
            f"{source}: no column {feature!r}; X has {len(self.columns)}: "
            f"{', '.join(self.columns[:10])}{', …' if len(self.columns) > 10 else ''}"
        )


class ArrayPlane(Plane):
    """A plane through the rows of an array of numbers."""

    def _columns(self) -> list[str]:
        self.X = np.asarray(self.X)
        if self.X.ndim != 2:
            raise ValueError(f"X has shape {self.X.shape}; expected (n, d), a row for each point")
        return [f"Feature {place + 1}" for place in range(self.X.shape[1])]

    def _points(self) -> Array:
        return as_points(self.X[:, self.places])

    def rows(self, grid: Array) -> Any:
        """Return an (m, d) array."""
        found = np.empty((len(grid), len(self.columns)))
        for place in range(len(self.columns)):
            if place in self.places:
                found[:, place] = grid[:, self.places.index(place)]
            elif place in self.held:
                found[:, place] = self.held[place]
            else:
                found[:, place] = np.nanmedian(np.asarray(self.X[:, place], np.float64))
        return found


class FramePlane(Plane):
    """A plane through a data frame, whose columns keep their names and types."""

    def _columns(self) -> list[str]:
        narwhals = require("narwhals", extra="sklearn", purpose="a data frame as X")
        self.frame = narwhals.from_native(self.X, eager_only=True)
        return [str(name) for name in self.frame.columns]

    def _points(self) -> Array:
        narwhals = require("narwhals", extra="sklearn", purpose="a data frame as X")
        pair = [self.frame[:, place] for place in self.places]
        for name, column in zip(self.names, pair, strict=True):
            if not column.dtype.is_numeric():
                raise ValueError(
                    f"features: column {name!r} holds {column.dtype}, no numbers; an axis needs "
                    "numbers, so choose another or encode it first"
                )
        return as_points(
            np.column_stack([column.cast(narwhals.Float64).to_numpy() for column in pair])
        )

    def rows(self, grid: Array) -> Any:
        """Return a frame of m rows."""
        columns = [self._column(place, grid) for place in range(len(self.columns))]
        return columns[0].to_frame().with_columns(*columns[1:]).to_native()

    def _column(self, place: int, grid: Array) -> Any:
        narwhals = require("narwhals", extra="sklearn", purpose="a data frame as X")
        column, count = self.frame[:, place], len(grid)
        if place in self.places:
            values, dtype = grid[:, self.places.index(place)].tolist(), narwhals.Float64
        elif place in self.held:
            values, dtype = [self.held[place]] * count, None if _is_plain(column) else column.dtype
        else:
            values, dtype = [_middle(column)] * count, column.dtype
        backend = narwhals.get_native_namespace(self.frame)
        return narwhals.new_series(column.name, values, dtype, backend=backend)


def plane(X: object, features: Sequence[Feature] | None, at: Mapping[Any, Any] | None) -> Plane:
    """Return the plane through X that these two columns span."""
    is_dataframe = hasattr(X, "columns") and hasattr(X, "shape")
    return FramePlane(X, features, at) if is_dataframe else ArrayPlane(X, features, at)


def _is_plain(column: narwhals.Series[Any]) -> bool:
    return bool(column.dtype.is_numeric())


def _middle(column: narwhals.Series[Any]) -> Any:
    """Return the median of numbers, which is one of them, or the most frequent of other values."""
    known = column.drop_nulls()
    if not len(known):
        return None
    if not _is_plain(column):
        return sorted(known.mode().to_list(), key=str)[0]
    median = known.quantile(0.5, interpolation="nearest")
    return int(median) if column.dtype.is_integer() else median
