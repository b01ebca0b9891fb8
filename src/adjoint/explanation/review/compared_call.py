"""A compared call is one call of the hand-written pass, beside the right gradients of that call."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.annotations import Array
from ...core.node import Node
from .attributes import gradient_names
from .comparison import agree
from .pass_pair import Attempt, Point
from .traced_run import CORRECT, Alteration, TracedRun


@dataclass(frozen=True)
class ComparedCall:
    """One call, and the call before it.

    Parameters
    ----------
    point : Point
        What the call was given.
    attempt : Attempt
        What the hand-written pass gave.
    expected, previous : mapping of str to array
        The right gradients of this call, and those of the call before.
    run, earlier : TracedRun or None
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
    ignoring : set of str
        The gradients that stay the same whatever the cotangent of the output is.
    without_g : ComparedCall or None
        The same call beside the gradients that are right for a cotangent of ones, where there are
        such gradients.
    supposed : Alteration
        The mistakes that were found already: ``expected`` is what they would give.
    """

    point: Point
    attempt: Attempt
    expected: Mapping[str, Array]
    previous: Mapping[str, Array]
    run: TracedRun | None
    earlier: TracedRun | None
    g: Array
    batch: int
    tolerance: float
    rate: float | None
    arrays: Mapping[str, Array]
    retry: Callable[[Callable[[Any], Any]], ComparedCall | None] | None = None
    ignoring: Collection[str] = ()
    without_g: ComparedCall | None = None
    supposed: Alteration = CORRECT

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
        compared = [name for name in self.got if name in self.expected]
        return [name for name in compared if not self.matches(name, self.expected[name])]

    def matches(self, name: str, array: Array) -> bool:
        """Return whether the given gradient agrees with an array."""
        return agree(self.got[name], array, self.tolerance)

    # --- what the run tells, by position: calls with other shapes have other nodes

    @functools.cached_property
    def order(self) -> list[Node]:
        """The inputs and the nodes of the traced forward pass, oldest first."""
        return [] if self.run is None else [*self.run.inputs, *self.run.graph.nodes]

    @functools.cached_property
    def cotangents(self) -> dict[Node, Array]:
        """The right cotangent of every value, but for the mistakes that are supposed."""
        return {} if self.run is None else self.altered(CORRECT)

    @functools.cached_property
    def _right(self) -> dict[str, Array]:
        """The right gradients of all arrays."""
        assert self.run is not None
        return dict(zip(self.arrays, self.run.gradients(self.cotangents), strict=True))

    def value(self, position: int) -> Array:
        """Return the number that a value has in this call."""
        assert self.run is not None
        return self.run.values[self.order[position]]

    def earlier_value(self, position: int) -> Array | None:
        """Return the number that a value had in the call before, if it had the same shape."""
        if self.earlier is None:
            return None
        order = [*self.earlier.inputs, *self.earlier.graph.nodes]
        found = self.earlier.values[order[position]] if position < len(order) else None
        return found if found is not None and found.shape == self.value(position).shape else None

    def is_named(self, position: int) -> bool:
        """Return whether a value is an argument, the output, or has a name of the user's."""
        assert self.run is not None
        node = self.order[position]
        given = node.primitive is None or node is self.run.output
        return given or getattr(node, "name", None) is not None

    def text(self, position: int) -> str:
        """Return what a value is called: the user's name, or its expression if it has none."""
        assert self.run is not None
        return self.run.texts[self.order[position]]

    def predict(self, alteration: Alteration = CORRECT) -> dict[str, Array]:
        """Return what the gradients would be if the sweep were altered."""
        assert self.run is not None
        one = alteration.only_total()
        if one is None or self.supposed is not CORRECT or one not in self.cotangents:
            found = self.run.gradients(self.altered(alteration))
            return dict(zip(self.arrays, found, strict=True))
        # The sweep is linear: what the change of one term gives is added to what is right.
        right = self.cotangents[one]
        change = alteration.total(one, right) - right
        added = self.run.gradients(self.run.pull(change, start=one))
        return {n: x + y for (n, x), y in zip(self._right.items(), added, strict=True)}

    def altered(self, alteration: Alteration) -> dict[Node, Array]:
        """Return what the cotangents would be if the sweep were altered."""
        assert self.run is not None
        return self.run.pull(self.g, self.supposed.then(alteration))

    def only(self, names: Collection[str]) -> ComparedCall:
        """Return the call with some of its gradients."""
        kept = {name: array for name, array in self.expected.items() if name in names}
        return dataclasses.replace(self, expected=kept)

    def giving(self, name: str, array: Array) -> ComparedCall:
        """Return the call as if it had given this for a gradient."""
        gradients = {**self.attempt.gradients, name: array}
        return dataclasses.replace(
            self, attempt=dataclasses.replace(self.attempt, gradients=gradients)
        )

    def supposing(self, found: Mapping[str, Array], alteration: Alteration) -> ComparedCall:
        """Return the call beside what a mistake gives, to look for what is wrong besides it."""
        kept = {name: found.get(name, array) for name, array in self.expected.items()}
        supposed = self.supposed.then(alteration)
        return dataclasses.replace(self, expected=kept, supposed=supposed)

    def way(self, name: str) -> list[Node]:
        """Return the values between the output and an argument, in the order of the sweep."""
        if self.run is None:
            return []
        goal = self.run.inputs[list(self.arrays).index(name)]
        # The output's cotangent is given; the argument's is the last.
        return [*reversed(self.run.between(goal, self.run.output)[:-1]), goal]

    @functools.cached_property
    def variables(self) -> dict[Node, Array]:
        """What the user's own variables hold for cotangents, recognised by their names."""
        found = {}
        for node in self.cotangents:
            for key in gradient_names(self.term(node).rpartition(".")[2]):
                if key in self.attempt.variables:
                    found[node] = self.attempt.variables[key]
                    break
        return found

    @functools.cached_property
    def differing(self) -> set[Node]:
        """The values for whose cotangents the user's variables hold something else."""
        return {
            node
            for node, variable in self.variables.items()
            if not agree(variable, self.cotangents[node], self.tolerance)
        }

    def term(self, node: Node) -> str:
        """Return the name of a value as a finding has it: for a parameter its path."""
        assert self.run is not None
        if node in self.run.inputs:
            return list(self.arrays)[self.run.inputs.index(node)]
        return self.run.graph.names[node]

    def first_spoiled(self, names: Sequence[str], spoiled: Collection[Node]) -> str:
        """Return the first spoiled term on the way to all of some gradients, by the user's name.

        If the user has variables for spoiled terms, it is one of these; else it has a name in the
        forward pass; the first gradient itself where there is none.
        """
        others = [set(self.way(name)) for name in names[1:]]
        way = [n for n in self.way(names[0]) if n in spoiled and all(n in way for way in others)]
        named = [node for node in way if getattr(node, "name", None) is not None]
        own = [node for node in way if node in self.variables]
        return next((self.term(node) for node in (*own, *named)), names[0])

    def depends_on(self, name: str) -> bool:
        """Return whether the output depends on an argument or parameter, as far as is known."""
        if self.run is None:
            return True
        return self.run.inputs[list(self.arrays).index(name)] in self.cotangents

    def last_use(self, name: str) -> int:
        """Return the place of a value's last use, which the backward pass comes to first."""
        if self.run is None or name not in self.arrays:
            return 0
        node = self.run.inputs[list(self.arrays).index(name)]
        return max((use.order for use, _ in self.run.uses.get(node, [])), default=0)

    def backward_order(self, name: str) -> tuple[int, int]:
        """Return a key that puts first the gradient that the backward pass computes first."""
        position = list(self.expected).index(name) if name in self.expected else 0
        return -self.last_use(name), position
