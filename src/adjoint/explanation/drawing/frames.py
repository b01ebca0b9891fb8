"""A frame is the box around the cards of an open module."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from .graph_layout import GraphLayout
from .scene import Scene

_BESIDE, _ABOVE, _BELOW = 8.0, 15.0, 7.0  # room around the cards inside


class Frame(NamedTuple):
    """A title, and a box with its upper left corner at (x, y)."""

    title: str
    x: float
    y: float
    width: float
    height: float


def frames(scene: Scene, layout: GraphLayout) -> Iterator[Frame]:
    """Yield the frame of each open module that has its cards to itself, outer ones first."""
    for fold, inside in sorted(scene.frames, key=lambda each: each[0].depth):
        own = [layout.boxes[index] for index in inside]
        x, y = min(box[0] for box in own) - _BESIDE, min(box[1] for box in own) - _ABOVE
        width = max(box[0] + box[2] for box in own) + _BESIDE - x
        height = max(box[1] + box[3] for box in own) + _BELOW - y
        frame = Frame(fold.title, x, y, width, height)
        others = (box for index, box in enumerate(layout.boxes) if index not in inside)
        if not any(_meet(frame, box) for box in others):
            yield frame


def _meet(frame: Frame, box: tuple[float, float, float, float]) -> bool:
    x, y, width, height = box
    across = x < frame.x + frame.width and x + width > frame.x
    return across and y < frame.y + frame.height and y + height > frame.y
