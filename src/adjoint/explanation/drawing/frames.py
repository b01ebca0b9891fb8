"""A frame is the box around the cards of an open module, and the place of its title."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from .box import Box, Point, bounds
from .curves import backward, forward, shift_of, straightened
from .graph_layout import FRAME_ABOVE, FRAME_BELOW, GraphLayout, Push
from .letters import columns, cut
from .rows import FRAME_BESIDE
from .scene import Scene

TITLE_LETTER = 6.1  # the width of a letter of 10 pixels
_TITLE_HEIGHT = 12.0
_ROOM = 3.0  # between a title, or a label, and a line
_HEAD = 3.5  # half the width of the head of an arrow
_MOST_LETTERS = 30


@dataclass(frozen=True)
class Frame:
    """The title of an open module, the box around its cards, and where the title ends."""

    title: str
    box: Box
    title_end: float
    path: str


class _Surroundings:
    """All that a frame must keep clear of: cards, labels, and the lines of arrows."""

    def __init__(self, scene: Scene, layout: GraphLayout) -> None:
        self.cards = [Box(x, y, x + width, y + height) for x, y, width, height in layout.boxes]
        self.labels = [Box(*way.label_box) for way in layout.ways if way.label_box]
        lines: list[list[Point]] = []
        both = scene.evaluated.has_gradient
        for arrow, way in zip(scene.arrows, layout.ways, strict=True):
            lines.append(list(straightened(forward(arrow, way, both=both))))
            if shift_of(arrow, both=both):
                lines.append(list(straightened(backward(arrow, way))))
        self.lines = [(line, bounds(Box(*point, *point) for point in line)) for line in lines]

    def taken(self, band: Box) -> list[Box]:
        """Return what lies in a band, in which a title may stand between."""
        near = (line for line, around in self.lines if around.touches(band))
        parts = (band.passed_at(line) for line in near)
        passed = [part.grown(_HEAD, 0, 0) for part in parts if part]
        return [*passed, *(box for box in [*self.cards, *self.labels] if box.meets(band))]


class _Module(NamedTuple):
    """An open module: its cards, those that may be in its frame, and the frame."""

    own: frozenset[int]
    kept: frozenset[int]
    frame: Frame


def frames(scene: Scene, layout: GraphLayout) -> list[Frame]:
    """Return the frame of each open module that has its cards to itself, outer ones first."""
    around = _Surroundings(scene, layout)
    shown: list[_Module] = []
    for module in _modules(scene, around):
        if not any(_intruders(module, shown, around)):
            shown.append(module)
    return [module.frame for module in reversed(shown)]


def pushes(scene: Scene, layout: GraphLayout) -> list[Push]:
    """Return what would have to move so that every open module has a frame."""
    around = _Surroundings(scene, layout)
    seen: list[_Module] = []
    for module in _modules(scene, around):
        moves = [
            _push(module, cards, box, around) for cards, box in _intruders(module, seen, around)
        ]
        if moves:
            return moves  # first make room for the inner ones
        seen.append(module)
    return []


def _modules(scene: Scene, around: _Surroundings) -> Iterator[_Module]:
    """Yield the open modules, inner ones first, with the frame that each would have."""
    found: list[_Module] = []
    for fold, inside in sorted(scene.frames, key=lambda each: -each[0].depth):
        own = frozenset(inside)
        kept = own | scene.leaves_of(own)
        inner = [module.frame.box for module in found if module.own <= own]
        box = bounds([*(around.cards[index] for index in own), *inner])
        box = box.grown(FRAME_BESIDE, FRAME_ABOVE, FRAME_BELOW)
        frame = _fitted(fold.title, box, [around.cards[index] for index in kept], around)
        found.append(_Module(own, kept, frame))
        yield found[-1]


def _intruders(
    module: _Module, others: Sequence[_Module], around: _Surroundings
) -> Iterator[tuple[frozenset[int], Box]]:
    """Yield the cards, and the modules, that are in a module's frame and are none of it."""
    for index, card in enumerate(around.cards):
        if index not in module.kept and module.frame.box.meets(card):
            yield frozenset([index]), card
    for other in others:
        if not other.own <= module.own and module.frame.box.meets(other.frame.box):
            yield other.kept, other.frame.box


def _push(module: _Module, cards: frozenset[int], box: Box, around: _Surroundings) -> Push:
    """Return how to part a module and what is in its frame: the outer one moves outwards."""
    frame = module.frame.box
    at_trunk = [
        any(around.cards[index].left < 0 < around.cards[index].right for index in those)
        for those in (module.own, cards)
    ]
    module_moves = at_trunk[1] or (not at_trunk[0] and abs(frame.middle) > abs(box.middle))
    moved, fixed = (frame, box) if module_moves else (box, frame)
    if moved.middle < fixed.middle:
        by = fixed.left - moved.right - FRAME_BESIDE
    else:
        by = fixed.right - moved.left + FRAME_BESIDE
    return (module.kept if module_moves else cards), by


def _fitted(path: str, box: Box, cards: Sequence[Box], around: _Surroundings) -> Frame:
    """Return a frame around a box and whatever its lines or its title would cross."""
    while True:
        frame = _titled(path, _clear(box, cards, around.labels), around)
        if frame.box == box:
            return frame
        box = frame.box


def _clear(box: Box, cards: Iterable[Box], labels: Iterable[Box]) -> Box:
    """Return a box that grows until its lines cross none of these: they are inside, or outside."""
    crossed = [*((card, FRAME_BESIDE) for card in cards), *((label, _ROOM) for label in labels)]
    while True:
        crossing = [
            (other, room) for other, room in crossed if box.meets(other) and not box.holds(other)
        ]
        if not crossing:
            return box
        box = bounds([box, *(other.grown(room, room, room) for other, room in crossing)])


def _titled(path: str, box: Box, around: _Surroundings) -> Frame:
    """Return a frame whose title stands at its top, as far to the right as no line crosses it."""
    title = cut(path, _MOST_LETTERS)
    width = columns(title) * TITLE_LETTER
    band = Box(box.left, box.top + 1, box.right + width, box.top + 1 + _TITLE_HEIGHT)
    taken = [part.grown(_ROOM, 0, 0) for part in around.taken(band)]
    ends = [box.right - 2 * _ROOM, *(part.left for part in taken)]
    for end in sorted((end for end in ends if end <= box.right - 2 * _ROOM), reverse=True):
        place = Box(end - width, band.top, end, band.bottom)
        if place.left >= box.left + _ROOM and not any(place.meets(part) for part in taken):
            return Frame(title, box, end, path)
    # No gap is wide enough, so the frame becomes wider.
    end = max([box.left + _ROOM, *(part.right for part in taken)]) + width
    return Frame(title, box._replace(right=max(box.right, end + 2 * _ROOM)), end, path)
