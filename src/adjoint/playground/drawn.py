"""Drawn points are rows that a user set by hand in the plane, each of a class or with a number."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .problem import Rows
from .settings import MOST_CLASSES
from .values import SettingsError, listed, number

MOST_DRAWN = 1_000
_FARTHEST = 1e6


@dataclass(frozen=True)
class Drawn:
    """Points by hand.

    Attributes
    ----------
    points : tuple of (float, float, float)
        Two coordinates, then the number of a class, or a number that is predicted.
    is_number : bool
    sight : tuple of four floats
        What is in sight at least: the lowest coordinates, and the highest.
    """

    points: tuple[tuple[float, ...], ...]
    is_number: bool
    sight: tuple[float, ...]

    def as_json(self) -> dict[str, Any]:
        """Return what `read_drawn` reads."""
        points = [list(point) for point in self.points]
        return {"points": points, "is_number": self.is_number, "sight": list(self.sight)}

    def rows(self) -> Rows:
        """Return the points as rows."""
        table = np.array(self.points)
        X, y = table[:, :2], table[:, 2]
        labels: list[str] = []
        if not self.is_number:
            y = y.astype(int)
            labels = [str(label) for label in range(max(2, int(y.max()) + 1))]
        return Rows(X, y, ["x₁", "x₂", "y"], labels, self.sight)


def read_drawn(given: object) -> Drawn:
    """Return the points that JSON gave.

    Raises
    ------
    SettingsError
        If they are no points, or too few to learn from.
    """
    if not isinstance(given, dict) or given.keys() != {"points", "is_number", "sight"}:
        raise SettingsError("drawn: expected points, is_number and sight")
    is_number = given["is_number"]
    if not isinstance(is_number, bool):
        raise SettingsError("drawn: expected true or false as is_number")
    points = [_point(each, is_number) for each in listed("drawn", given["points"], most=MOST_DRAWN)]
    if len(points) < 2:
        raise SettingsError("drawn: expected two points at least")
    if not is_number and len({point[2] for point in points}) < 2:
        raise SettingsError("drawn: expected points of two classes at least")
    return Drawn(tuple(points), is_number, _sight(given["sight"]))


def _point(given: object, is_number: bool) -> tuple[float, ...]:
    parts = listed("drawn", given, most=3)
    if len(parts) != 3:
        raise SettingsError("drawn: expected two coordinates and a class or number of each point")
    x, y = (number("drawn", part, -_FARTHEST, _FARTHEST) for part in parts[:2])
    most = _FARTHEST if is_number else MOST_CLASSES - 1
    value = number("drawn", parts[2], -most if is_number else 0, most, whole=not is_number)
    return x, y, value


def _sight(given: object) -> tuple[float, ...]:
    sight = [number("sight", x, -_FARTHEST, _FARTHEST) for x in listed("sight", given, most=4)]
    if len(sight) != 4 or not (sight[0] < sight[2] and sight[1] < sight[3]):
        raise SettingsError("sight: expected two low coordinates, and two that are higher")
    return tuple(sight)
