"""A layout gives every card a place and every arrow a way: rows of cards, and rows between them.

The method is that of Sugiyama, Tagawa and Toda, "Methods for visual understanding of hierarchical
system structures", IEEE Trans. SMC 11 (1981): rows by longest paths, orders by barycentres, an
arrow that passes rows has a place in each. Here the trunk has the same x in all rows, and what an
arrow carries has a place of its own in the row below its source.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from itertools import pairwise

from .letters import columns
from .ports import PAD_X, apart
from .ranks import ranks, trunk
from .rows import Item, gap, ordered
from .scene import LEAVES, Arrow, Card, Scene

LETTER = 7.3  # width of a monospaced letter of 12 pixels, with room to spare
SMALL = 6.7  # the same for letters of 11 pixels
LINE = 17.0  # from one line to the next
PAD_Y = 8.0
FRAME_ABOVE, FRAME_BELOW = 15.0, 7.0  # room of a frame around its cards
_ABOVE, _BELOW = 12.0, 30.0  # a label; arrows turn below it
_LABEL_HEIGHT = 13.0
STACK = 4.0  # by which the second sheet of a folded module shows
_LANE = 8.0  # half the width of an arrow there and back
_PORT = 16.0  # between the ends of arrows at one card
_ROUNDS = 8


@dataclass
class Way:
    """The points of an arrow from its source to its target, and the place of its label.

    ``label`` is where its text begins, ``label_box`` (left, top, right, bottom) what it takes; none
    where there is no text.
    """

    points: list[tuple[float, float]]
    label: tuple[float, float]
    label_box: tuple[float, float, float, float] | None = None


@dataclass
class GraphLayout:
    """Boxes of the cards as (x, y, width, height), and the ways of the arrows."""

    boxes: list[tuple[float, float, float, float]]
    ways: list[Way]
    left: float
    right: float
    height: float


# The cards that stand in the way of something, and by how much they would have to move.
Push = tuple[Collection[int], float]


def lay_out(
    scene: Scene, pushes: Callable[[Scene, GraphLayout], Sequence[Push]] | None = None
) -> GraphLayout:
    """Return the layout of a scene, its top at 0 and its trunk at x = 0.

    What ``pushes`` finds in the way is moved, until it finds no more or has been asked often.
    """
    if not scene.cards:
        return GraphLayout([], [], 0, 0, 0)
    grid = _Grid(scene)
    grid.rows = ordered(grid.rows)
    grid.place()
    layout = grid.layout()
    for _ in range(_ROUNDS):
        moves = pushes(scene, layout) if pushes else []
        if not moves:
            break
        for cards, by in moves:
            grid.push(cards, by)
        layout = grid.layout()
    return layout


def size(card: Card) -> tuple[float, float]:
    """Return the width and height of a card."""
    widths = [columns(text) * (LETTER if kind == "title" else SMALL) for text, kind in card.lines]
    more = STACK if card.kind == "module" else 0.0
    return max(widths, default=0.0) + 2 * PAD_X + more, len(
        card.lines
    ) * LINE + 2 * PAD_Y - 3 + more


class _Grid:
    """The rows: cards in the even ones, labels in the odd ones, and passing arrows in both."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.frames = _frames_of(scene)
        way = trunk(scene)
        rows = ranks(scene, way)
        lowest = min(rows)
        self.row = [2 * (row - lowest) for row in rows]
        self.rows: list[list[Item]] = [[] for _ in range(max(self.row) + 1)]
        self.items = [self._card(index) for index in self._sequence(way)]
        self.items.sort(key=lambda item: item.card or 0)
        self.anchors = {id(self.items[index]) for index in way}
        straight = dict(pairwise(way))
        self.chains: list[list[Item]] = []
        for number, arrow in enumerate(scene.arrows):
            chain = self._chain(number, arrow)
            if straight.get(arrow.source) == arrow.target:
                self.anchors.update(map(id, chain))
                del straight[arrow.source]
            self.chains.append(chain)

    def _sequence(self, way: Sequence[int]) -> list[int]:
        """Return the cards in the order in which they are put into rows: parameters to the left."""
        trunk = set(way)

        def side(index: int) -> int:
            return 1 if index in trunk else 0 if self.scene.cards[index].kind != "module" else 2

        return sorted(range(len(self.scene.cards)), key=side)

    def _card(self, index: int) -> Item:
        width, height = size(self.scene.cards[index])
        leaf = self.scene.cards[index].kind in LEAVES
        item = Item(width / 2, width / 2, height, index, frames=self.frames[index], is_leaf=leaf)
        self.rows[self.row[index]].append(item)
        return item

    def _chain(self, number: int, arrow: Arrow) -> list[Item]:
        """Put an arrow into the rows that it passes; the first has its label."""
        chain = []
        common = self.frames[arrow.source] & self.frames[arrow.target]
        for row in range(self.row[arrow.source] + 1, self.row[arrow.target]):
            first = row == self.row[arrow.source] + 1
            height = _LABEL_HEIGHT if first and arrow.label else 0.0
            chain.append(Item(_LANE, _LANE, height, arrow=number, frames=common))
            self.rows[row].append(chain[-1])
        stops = [self.items[arrow.source], *chain, self.items[arrow.target]]
        for upper, lower in pairwise(stops):
            upper.below.append(lower)
            lower.above.append(upper)
        return chain

    # --- the place in each row

    def place(self) -> None:
        """Move everything close to its neighbours; the trunk stays at 0."""
        self._make_room()
        for row in self.rows:
            self._spread(row, {})
        for step in range(2 * _ROUNDS):
            for row in self.rows if step % 2 == 0 else reversed(self.rows):
                wished = {id(item): self._wish(item) for item in row}
                self._spread(row, wished)
        self._straighten()

    def _wish(self, item: Item) -> float:
        """Return where an item would like to be: between its neighbours, a label below its card."""
        near = item.above if item.arrow is not None and item.above[0].card is not None else []
        for card in near:
            low, high = card.x - card.left + PAD_X, card.x + card.right - PAD_X
            return min(max(item.below[0].x, low), high)
        around = [*item.above, *item.below]
        return sum(other.x for other in around) / len(around) if around else item.x

    def _make_room(self) -> None:
        """Give labels their width: left of the trunk on the left, where no arrow turns to it."""
        for row in self.rows:
            trunk = next((n for n, item in enumerate(row) if id(item) in self.anchors), 0)
            for n, item in enumerate(row):
                if item.arrow is not None and item is self.chains[item.arrow][0]:
                    width = columns(self.scene.arrows[item.arrow].label) * SMALL
                    room = _LANE + width + 3 if width else _LANE
                    item.left, item.right = (room, _LANE) if n < trunk else (_LANE, room)

    def _straighten(self) -> None:
        """Let long arrows keep the x that is farthest from the trunk."""
        for chain in self.chains:
            if len(chain) > 1 and id(chain[0]) not in self.anchors:
                outer = max((item.x for item in chain[1:]), key=abs)
                wished = {id(item): outer for item in chain[1:]}
                for row in self.rows:
                    if any(id(item) in wished for item in row):
                        self._spread(row, {id(item): item.x for item in row} | wished)

    def push(self, cards: Collection[int], by: float) -> None:
        """Move cards to one side, and what is beside them out of their way; never the trunk."""
        for row in self.rows:
            # To the left is to the right in a mirror.
            facing = row if by > 0 else row[::-1]
            first = next((n for n, item in enumerate(facing) if item.card in cards), len(row))
            if any(id(item) in self.anchors for item in facing[first:]):
                continue
            for item in facing[first:]:
                item.x += by if item.card in cards else 0.0
            for before, item in pairwise(facing[first:]):
                if by > 0:
                    least = before.x + before.right + gap(before, item) + item.left
                    item.x = max(item.x, least)
                else:
                    most = before.x - before.left - gap(before, item) - item.right
                    item.x = min(item.x, most)

    def _spread(self, row: list[Item], wished: dict[int, float]) -> None:
        """Give the items of a row their wished places, or the nearest that are free."""
        if not row:
            return
        middle = next((n for n, item in enumerate(row) if id(item) in self.anchors), None)
        if middle is None:
            middle = min(range(len(row)), key=lambda n: abs(wished.get(id(row[n]), 0.0)))
            row[middle].x = wished.get(id(row[middle]), 0.0)
        # From the middle outwards: the trunk stays where it is, and pushes the others aside.
        for n in range(middle + 1, len(row)):
            least = row[n - 1].x + row[n - 1].right + gap(row[n - 1], row[n]) + row[n].left
            row[n].x = max(least, wished.get(id(row[n]), least))
        for n in range(middle - 1, -1, -1):
            most = row[n + 1].x - row[n + 1].left - gap(row[n], row[n + 1]) - row[n].right
            row[n].x = min(most, wished.get(id(row[n]), most))

    # --- the result

    def layout(self) -> GraphLayout:
        """Return boxes and ways."""
        tops, bottom = self._tops()
        boxes = []
        for index, item in enumerate(self.items):
            number = self.row[index]
            slack = max(other.height for other in self.rows[number]) - item.height
            # Leaves stand at the bottom of their row, close to what reads them.
            top = tops[number] + (slack if not item.above else slack / 2)
            boxes.append((item.x - item.left, top, item.left + item.right, item.height))
        ways = self._ways(boxes, tops)
        every = [item for row in self.rows for item in row]
        left = min(item.x - item.left for item in every)
        right = max(item.x + item.right for item in every)
        return GraphLayout(boxes, ways, left, right, bottom)

    def _tops(self) -> tuple[list[float], float]:
        """Return where each row begins, and where the last one ends."""
        tops: list[float] = []
        above, below = self._frames_at(first=True), self._frames_at(first=False)
        y = FRAME_ABOVE * above.get(0, 0)
        for number, row in enumerate(self.rows):
            tops.append(y)
            y += max((item.height for item in row), default=0)
            if number % 2:
                # One frame has room where arrows turn; each further one needs its own.
                y += _BELOW + FRAME_ABOVE * max(above.get(number + 1, 0) - 1, 0)
            else:
                y += _ABOVE + FRAME_BELOW * max(below.get(number, 0) - 1, 0)
        return tops, y - _ABOVE + FRAME_BELOW * min(below.get(len(self.rows) - 1, 0), 1)

    def _frames_at(self, *, first: bool) -> dict[int, int]:
        """Return how many frames, one in the other, begin in each row, or end there."""
        found: dict[int, int] = {}
        ends = [
            (set(inside), (min if first else max)(self.row[index] for index in inside))
            for _, inside in self.scene.frames
        ]
        for index, row in enumerate(self.row):
            here = sum(end == row and index in inside for inside, end in ends)
            found[row] = max(found.get(row, 0), here)
        return found

    def _ways(self, boxes: Sequence[tuple[float, ...]], tops: Sequence[float]) -> list[Way]:
        starts, ends = self._ports(below=True), self._ports(below=False)
        ways = []
        for number, (arrow, chain) in enumerate(zip(self.scene.arrows, self.chains, strict=True)):
            source, target = boxes[arrow.source], boxes[arrow.target]
            points = [(starts[number], source[1] + source[3])]
            for row, item in enumerate(chain, self.row[arrow.source] + 1):
                bottom = tops[row] + max(other.height for other in self.rows[row])
                points += [(item.x, tops[row]), (item.x, bottom)]
            points.append((ends[number], target[1]))
            first = chain[0]
            x = first.x + (_LANE + 3 if first.left == _LANE else 3 - first.left)
            y = tops[self.row[arrow.source] + 1]
            way = Way(points, (x, y + _LABEL_HEIGHT - 3))
            if arrow.label:
                way.label_box = (x, y, x + len(arrow.label) * SMALL, y + _LABEL_HEIGHT)
            ways.append(way)
        return ways

    def _ports(self, *, below: bool) -> dict[int, float]:
        """Return the x at which each arrow leaves its source, or reaches its target."""
        near = [chain[0 if below else -1] for chain in self.chains]
        at: dict[int, list[int]] = {}
        for number, arrow in enumerate(self.scene.arrows):
            at.setdefault(arrow.source if below else arrow.target, []).append(number)
        found: dict[int, float] = {}
        for index, numbers in at.items():
            item = self.items[index]
            numbers.sort(key=lambda number: near[number].x)
            step = min(_PORT, (item.left + item.right - 2 * PAD_X) / max(len(numbers) - 1, 1))
            xs = apart([near[number] for number in numbers], item, step, self.anchors)
            found.update(zip(numbers, xs, strict=True))
        return found


def _frames_of(scene: Scene) -> list[frozenset[int]]:
    """Return the open modules that each card is in; a leaf is in those that alone read it."""
    found: list[set[int]] = [set() for _ in scene.cards]
    for number, (_, inside) in enumerate(scene.frames):
        for index in {*inside, *scene.leaves_of(inside)}:
            found[index].add(number)
    return [frozenset(each) for each in found]
