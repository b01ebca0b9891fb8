"""A curve is the line of an arrow: vertical at each of its points, and smooth between them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from .graph_layout import Way
from .scene import Arrow

Point = tuple[float, float]
Piece = tuple[Point, Point, Point, Point]  # of Bézier: two ends, and two points it is drawn to

APART = 4.0  # from each of two arrows to the line between them
TRIM = 6.0  # by which a line ends before the tip of its head
_STEPS = 8  # straight pieces that stand for a bent one


def forward(arrow: Arrow, way: Way, *, both: bool) -> list[Piece]:
    """Return the line of the value, to the left of the way where a gradient comes back."""
    shift = shift_of(arrow, both=both)
    return curve([(x - shift, y) for x, y in way.points], trim=TRIM, bend=shift * 1.4)


def backward(arrow: Arrow, way: Way) -> list[Piece]:
    """Return the line of the gradient, from the target to the source."""
    points = [(x + APART, y) for x, y in way.points[::-1]]
    return curve(points, trim=0 if arrow.flow == "none" else TRIM, bend=APART * 1.4)


def shift_of(arrow: Arrow, *, both: bool) -> float:
    """Return how far the lines of an arrow are from its way: constants have no gradient."""
    return APART if both and arrow.edges else 0.0


def curve(points: Sequence[Point], *, trim: float, bend: float) -> list[Piece]:
    """Return a smooth line, vertical at every point, that ends before the head.

    Where it turns it goes by ``bend`` lower or higher, so that two lines side by side stay apart.
    """
    x, y = points[-1]
    points = [*points[:-1], (x, y + (-trim if points[0][1] < y else trim))]
    pieces: list[Piece] = []
    for (x0, y0), (x1, y1) in pairwise(points):
        middle = (y0 + y1) / 2 + (bend if x1 > x0 else -bend)
        if abs(x0 - x1) < 0.05:
            pieces.append(((x0, y0), (x0, y0), (x0, y1), (x0, y1)))
        else:
            pieces.append(((x0, y0), (x0, middle), (x1, middle), (x1, y1)))
    return pieces


def straightened(pieces: Sequence[Piece]) -> Iterator[Point]:
    """Yield points along a curve that are close to each other."""
    yield pieces[0][0]
    for piece in pieces:
        steps = 1 if piece[0][0] == piece[3][0] else _STEPS
        yield from (_at(piece, step / steps) for step in range(1, steps + 1))


def _at(piece: Piece, t: float) -> Point:
    weights = (1 - t) ** 3, 3 * t * (1 - t) ** 2, 3 * t**2 * (1 - t), t**3
    x = sum(weight * point[0] for weight, point in zip(weights, piece, strict=True))
    y = sum(weight * point[1] for weight, point in zip(weights, piece, strict=True))
    return x, y
