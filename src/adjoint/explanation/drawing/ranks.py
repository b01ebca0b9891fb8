"""A rank is the row of a card; the trunk is the way of the data, which a picture keeps straight."""

from __future__ import annotations

from collections.abc import Sequence

from .scene import Scene

_NEVER = -(10**6)  # so that the longest way never begins at a parameter


def trunk(scene: Scene) -> list[int]:
    """Return the cards of the longest way from an input to the result, the input first."""
    before = _before(scene)
    length: list[int] = []
    for index, card in enumerate(scene.cards):
        start = 0 if card.kind == "input" else _NEVER
        length.append(max((length[source] + 1 for source in before[index]), default=start))
    results = [index for index, card in enumerate(scene.cards) if card.is_result]
    at = results[-1] if results else len(scene.cards) - 1
    way = [at]
    while before[way[-1]]:
        way.append(max(before[way[-1]], key=lambda source: length[source]))
    return way[::-1]


def ranks(scene: Scene, trunk: Sequence[int]) -> list[int]:
    """Return the row of each card: below all that it reads, a leaf just above its first reader.

    A module begins below everything that it is given, so that nothing else stands between its rows.
    """
    before, after = _before(scene), _after(scene)
    waits = _waits(scene, before)
    row = [0] * len(scene.cards)
    for index, sources in enumerate(before):
        row[index] = max((row[source] + 1 for source in {*sources, *waits[index]}), default=0)
    for index in reversed(range(len(row))):
        # A card that reads only leaves of its own may move down to the card that reads it.
        free = all(not before[source] and len(after[source]) == 1 for source in before[index])
        if after[index] and free and index not in trunk:
            row[index] = min(row[target] for target in after[index]) - 1
    return row


def _waits(scene: Scene, before: Sequence[Sequence[int]]) -> list[set[int]]:
    """Return what else stands above each card: whatever enters an open module that it is in."""
    waits: list[set[int]] = [set() for _ in scene.cards]
    for _, inside in scene.frames:
        entering = {source for index in inside for source in before[index]} - set(inside)
        given = {source for source in entering if before[source]}
        for index in inside:
            waits[index] |= given
    return waits


def _before(scene: Scene) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in scene.cards]
    for arrow in scene.arrows:
        found[arrow.target].append(arrow.source)
    return found


def _after(scene: Scene) -> list[list[int]]:
    found: list[list[int]] = [[] for _ in scene.cards]
    for arrow in scene.arrows:
        found[arrow.source].append(arrow.target)
    return found
