"""A subgraph leads from one value to a later one of the same shape: an activation, a softmax.

Its mistakes do not depend on the primitives that the forward pass happened to be written with, so
its derivative is found by a sweep from end to start, and altered as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ....core.annotations import Array
from ....core.node import Node, Operation
from ..compared_call import ComparedCall
from ..comparison import agree
from ..traced_run import Alteration
from .hypothesis import Alter, total

# Gives the cotangent of the start, from that of the end and the values of the start and the end.
Formula = Callable[[Array, Array, Array], Array]


class Subgraph(NamedTuple):
    """The positions of the first and the last value; all of the cotangent comes through both."""

    start: int
    end: int

    def is_elementwise(self, call: ComparedCall) -> bool:
        """Return whether every value on the way is made entry by entry."""
        assert call.run is not None
        shape = call.value(self.start).shape
        return all(
            call.run.values[node].shape == shape
            and node.primitive.kind in ("elementwise", "multilinear", "constant")
            and node.primitive.name not in ("matmul", "einsum")
            for node in self._region(call)
        )

    def _region(self, call: ComparedCall) -> list[Operation]:
        assert call.run is not None
        return call.run.between(call.order[self.start], call.order[self.end])

    def cotangent(self, call: ComparedCall) -> Array:
        """Return the right cotangent of the last value."""
        return call.cotangents[call.order[self.end]]

    def pulled(self, call: ComparedCall, g: Array, at: Array | None = None) -> Array:
        """Return what a cotangent of the end gives at the start, or would if that were ``at``."""
        assert call.run is not None
        first, last = call.order[self.start], call.order[self.end]
        values = {} if at is None else call.run.again(self._region(call), first, at)
        operands: dict[tuple[Node | None, Node], Array] = {
            (None, node): array for node, array in values.items()
        }
        return call.run.pull(g, Alteration(operands=operands), start=last, stop=first)[first]

    def slope(self, call: ComparedCall, at: Array | None = None) -> Array:
        """Return the derivative of an elementwise subgraph, or what it would be elsewhere."""
        return self.pulled(call, np.ones(call.value(self.end).shape), at)

    def is_curved(self, call: ComparedCall) -> bool:
        """Return whether the derivative of an elementwise subgraph depends on where it is taken."""
        elsewhere = 0.2 - 0.7 * call.value(self.start)  # neither even nor odd, across kinks at 0
        return not agree(self.slope(call, elsewhere), self.slope(call), 1e-9)

    def diagonal(self, call: ComparedCall) -> Array:
        """Return the derivative of each entry of the end by the same entry of the start."""
        found = np.zeros(call.value(self.start).shape)
        for entry in np.ndindex(found.shape):
            one = np.zeros_like(found)
            one[entry] = 1
            found[entry] = self.pulled(call, one)[entry]
        return found

    def replaced(self, formula: Formula) -> Alter:
        """Return the alteration in which the subgraph's derivative is a formula's."""
        return total(
            self.start,
            lambda s, _: formula(self.cotangent(s), s.value(self.start), s.value(self.end)),
        )


def subgraphs(call: ComparedCall) -> Iterator[Subgraph]:
    """Yield the subgraphs of a traced forward pass, first those to a value with a name."""
    yield from sorted(_subgraphs(call), key=lambda each: not call.is_named(each.end))


def _subgraphs(call: ComparedCall) -> Iterator[Subgraph]:
    assert call.run is not None
    for end, last in enumerate(call.order):
        for start, first in enumerate(call.order[:end]):
            if call.value(start).shape != call.value(end).shape or call.value(end).ndim == 0:
                continue
            if first not in call.cotangents or last not in call.cotangents:
                continue
            if call.run.between(first, last) and _carries_all(call, first, last):
                yield Subgraph(start, end)


def _carries_all(call: ComparedCall, first: Node, last: Node) -> bool:
    assert call.run is not None
    through = call.run.pull(call.cotangents[last], start=last, stop=first).get(first)
    # Both come from one float64 sweep, so that they differ by rounding if at all.
    return through is not None and agree(through, call.cotangents[first], 1e-9)
