"""A port is where an arrow leaves a card or reaches it; several at one card stand apart."""

from __future__ import annotations

from collections.abc import Sequence

from .rows import Item

PAD_X = 12.0  # between a card's side and its texts, or its first port


def apart(near: Sequence[Item], item: Item, gap: float, anchors: set[int]) -> list[float]:
    """Return an x for each of the arrows at a card, above or below its next stop if possible."""
    low, high = item.x - item.left + PAD_X, item.x + item.right - PAD_X
    xs = [min(max(other.x, low), high) for other in near]
    fixed = next((n for n, other in enumerate(near) if id(other) in anchors), None)
    if fixed is None:
        return _between(xs, low, high, gap)
    x = xs[fixed]
    left, right = len(xs[:fixed]), len(xs[fixed + 1 :])
    before = min(gap, (x - low) / max(left, 1))
    after = min(gap, (high - x) / max(right, 1))
    return [
        *_between(xs[:fixed], low, x - before, before),
        x,
        *_between(xs[fixed + 1 :], x + after, high, after),
    ]


def _between(xs: Sequence[float], low: float, high: float, gap: float) -> list[float]:
    """Return rising numbers moved as little as it takes to be a gap apart within the bounds."""
    found: list[float] = []
    for n, x in enumerate(xs):
        least = low if n == 0 else found[-1] + gap
        found.append(max(least, min(x, high - gap * (len(xs) - 1 - n))))
    return found
