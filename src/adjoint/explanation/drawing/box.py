"""A box is a rectangle of a picture, and what it may meet."""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from itertools import pairwise
from typing import NamedTuple

Point = tuple[float, float]


class Box(NamedTuple):
    """A rectangle from its upper left corner to its lower right one."""

    left: float
    top: float
    right: float
    bottom: float

    @property
    def middle(self) -> float:
        """The x halfway between left and right."""
        return (self.left + self.right) / 2

    def meets(self, other: Box) -> bool:
        """Return whether two boxes have a part in common."""
        across = self.left < other.right and other.left < self.right
        return across and self.top < other.bottom and other.top < self.bottom

    def holds(self, other: Box) -> bool:
        """Return whether the other box lies inside."""
        across = self.left <= other.left and other.right <= self.right
        return across and self.top <= other.top and other.bottom <= self.bottom

    def around(self, other: Box) -> Box:
        """Return the smallest box that holds both."""
        return Box(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
        )

    def grown(self, beside: float, above: float, below: float) -> Box:
        """Return a box with so much more room."""
        return Box(self.left - beside, self.top - above, self.right + beside, self.bottom + below)

    def passed_at(self, line: Iterable[Point]) -> Box | None:
        """Return the part of a box's width that a line of straight pieces takes, if any."""
        parts = [part for a, b in pairwise(line) if (part := self._passed(a, b))]
        return bounds(parts) if parts else None

    def touches(self, other: Box) -> bool:
        """Return whether two boxes have at least a point in common."""
        across = self.left <= other.right and other.left <= self.right
        return across and self.top <= other.bottom and other.top <= self.bottom

    def _passed(self, a: Point, b: Point) -> Box | None:
        piece = Box(min(a[0], b[0]), min(a[1], b[1]), max(a[0], b[0]), max(a[1], b[1]))
        return piece if self.touches(piece) else None


def bounds(boxes: Iterable[Box]) -> Box:
    """Return the smallest box that holds all of at least one."""
    return reduce(Box.around, boxes)
