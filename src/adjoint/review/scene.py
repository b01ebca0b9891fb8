"""A scene is one call of the hand-written pass beside the right gradients of the same call."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core import Node
from .comparison import agree
from .record import CORRECT, Alteration, Record
from .subject import Attempt

Array = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Scene:
    """One call, and the call before it.

    Parameters
    ----------
    attempt : Attempt
        What the hand-written pass gave.
    expected, previous : mapping of str to array
        The right gradients of this call, and those of the call before.
    record, earlier : Record or None
        The traced forward pass of both; None where it cannot be traced.
    g : array
        The cotangent of the output.
    batch : int
        N, the number of rows.
    tolerance : float
    rate : float or None
        The learning rate of a pass that updates its own weights.
    arrays : mapping of str to array
        What the gradients belong to.
    retry : callable, optional
        Makes the call again with all arrays that the backward pass is given wrapped by a function.
    """

    attempt: Attempt
    expected: Mapping[str, Array]
    previous: Mapping[str, Array]
    record: Record | None
    earlier: Record | None
    g: Array
    batch: int
    tolerance: float
    rate: float | None
    arrays: Mapping[str, Array]
    retry: Callable[[Callable[[Any], Any]], Scene | None] | None = None

    @functools.cached_property
    def got(self) -> dict[str, Array]:
        """The gradients that were given as arrays of numbers."""
        found = {}
        for name, item in self.attempt.gradients.items():
            array = None if item is None else np.asarray(item)
            if array is not None and array.dtype.kind in "fiub":
                found[name] = array
        return found

    @functools.cached_property
    def wrong(self) -> list[str]:
        """The names of the gradients that are not right."""
        return [name for name in self.got if not self.matches(name, self.expected[name])]

    def matches(self, name: str, array: Array) -> bool:
        """Return whether the given gradient agrees with an array."""
        return agree(self.got[name], array, self.tolerance)

    # --- what the record tells, by position so that scenes of other shapes can be compared

    @functools.cached_property
    def order(self) -> list[Node]:
        """The inputs and the nodes of the traced forward pass, oldest first."""
        return [] if self.record is None else [*self.record.inputs, *self.record.graph.nodes]

    @functools.cached_property
    def cotangents(self) -> dict[Node, Array]:
        """The right cotangent of every value."""
        return {} if self.record is None else self.record.pull(self.g)

    def value(self, position: int) -> Array:
        """Return the number that a value has in this call."""
        assert self.record is not None
        return self.record.values[self.order[position]]

    def earlier_value(self, position: int) -> Array | None:
        """Return the number that a value had in the call before, if it had the same shape."""
        if self.earlier is None:
            return None
        order = [*self.earlier.inputs, *self.earlier.graph.nodes]
        found = self.earlier.values[order[position]] if position < len(order) else None
        return found if found is not None and found.shape == self.value(position).shape else None

    def predict(self, alteration: Alteration = CORRECT) -> dict[str, Array]:
        """Return what the gradients would be if the sweep were altered."""
        assert self.record is not None
        found = self.record.gradients(self.record.pull(self.g, alteration))
        return dict(zip(self.arrays, found, strict=True))
