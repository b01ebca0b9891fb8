"""A segment is the way from one value to a later one of the same shape: an activation, a softmax.

Its mistakes do not depend on the primitives that the forward pass happened to be written with, so
its derivative is found by a sweep from end to start, and altered as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np

from ...core import Node, Operation
from ..comparison import agree
from ..record import Alteration
from ..scene import Scene
from .hypothesis import Alter, total

Array = np.ndarray[Any, Any]
# From the cotangent of the end, the start's value and the end's: the cotangent of the start.
Formula = Callable[[Array, Array, Array], Array]


class Segment(NamedTuple):
    """The positions of the first and the last value, through which all of the cotangent comes."""

    start: int
    end: int

    def is_elementwise(self, scene: Scene) -> bool:
        """Return whether every value on the way is made entry by entry."""
        assert scene.record is not None
        shape = scene.value(self.start).shape
        return all(
            scene.record.values[node].shape == shape
            and node.primitive is not None
            and node.primitive.kind in ("elementwise", "multilinear", "constant")
            and node.primitive.name not in ("matmul", "einsum")
            for node in self._region(scene)
        )

    def _region(self, scene: Scene) -> list[Operation]:
        assert scene.record is not None
        return scene.record.between(scene.order[self.start], scene.order[self.end])

    def cotangent(self, scene: Scene) -> Array:
        """Return the right cotangent of the last value."""
        return scene.cotangents[scene.order[self.end]]

    def pulled(self, scene: Scene, g: Array, at: Array | None = None) -> Array:
        """Return what a cotangent of the end gives at the start, or would if that were ``at``."""
        assert scene.record is not None
        first, last = scene.order[self.start], scene.order[self.end]
        values = {} if at is None else scene.record.again(self._region(scene), first, at)
        operands: dict[tuple[Node | None, Node], Array] = {
            (None, node): array for node, array in values.items()
        }
        return scene.record.pull(g, Alteration(operands=operands), start=last, stop=first)[first]

    def slope(self, scene: Scene, at: Array | None = None) -> Array:
        """Return the derivative of an elementwise segment, or what it would be elsewhere."""
        return self.pulled(scene, np.ones(scene.value(self.end).shape), at)

    def is_curved(self, scene: Scene) -> bool:
        """Return whether the derivative of an elementwise segment depends on where it is taken."""
        elsewhere = 0.2 - 0.7 * scene.value(self.start)  # neither even nor odd, across kinks at 0
        return not agree(self.slope(scene, elsewhere), self.slope(scene), 1e-9)

    def diagonal(self, scene: Scene) -> Array:
        """Return the derivative of each entry of the end by the same entry of the start."""
        found = np.zeros(scene.value(self.start).shape)
        for entry in np.ndindex(found.shape):
            one = np.zeros_like(found)
            one[entry] = 1
            found[entry] = self.pulled(scene, one)[entry]
        return found

    def replaced(self, formula: Formula) -> Alter:
        """Return the alteration in which the segment's derivative is a formula's."""
        return total(
            self.start,
            lambda s, _: formula(self.cotangent(s), s.value(self.start), s.value(self.end)),
        )


def segments(scene: Scene) -> Iterator[Segment]:
    """Yield the segments of a traced forward pass, first those to a value with a name."""
    yield from sorted(_segments(scene), key=lambda each: not scene.is_named(each.end))


def _segments(scene: Scene) -> Iterator[Segment]:
    assert scene.record is not None
    for end, last in enumerate(scene.order):
        for start, first in enumerate(scene.order[:end]):
            if scene.value(start).shape != scene.value(end).shape or scene.value(end).ndim == 0:
                continue
            if first not in scene.cotangents or last not in scene.cotangents:
                continue
            if scene.record.between(first, last) and _carries_all(scene, first, last):
                yield Segment(start, end)


def _carries_all(scene: Scene, first: Node, last: Node) -> bool:
    assert scene.record is not None
    through = scene.record.pull(scene.cotangents[last], start=last, stop=first).get(first)
    return through is not None and agree(through, scene.cotangents[first], 1e-9)
