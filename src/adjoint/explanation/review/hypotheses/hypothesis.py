"""A hypothesis is a mistake at one place of the backward pass, with what the gradients would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ....core.annotations import Array
from ....core.node import Node
from ..compared_call import ComparedCall
from ..comparison import agree
from ..traced_run import Alteration

Predict = Callable[[ComparedCall], dict[str, Array] | None]
Alter = Callable[[ComparedCall], Alteration | None]


@dataclass(frozen=True)
class Hypothesis:
    """A mistake, the value whose cotangent it spoils, and how to tell what would come of it.

    Parameters
    ----------
    mistake : str
        A key of `MISTAKES`.
    position : int
        The value's position among the inputs and nodes of the traced forward pass.
    detail : str
        What exactly is wrong, for the reader.
    predict : callable
        Takes a call and returns the gradients by name, or None where it does not apply.
    alter : callable, optional
        Takes a call and returns how the sweep departs from the correct one.
    """

    mistake: str
    position: int
    detail: str
    predict: Predict
    alter: Alter | None = None

    def spoiled(self, call: ComparedCall) -> set[Node]:
        """Return the values whose cotangents would be other than the right ones."""
        alteration = None if self.alter is None else self.alter(call)
        if alteration is None:
            return set()
        found = call.altered(alteration)
        return {
            node
            for node, right in call.cotangents.items()
            if node not in found or not agree(found[node], right, 1e-9)
        }

    def contradictions(self, call: ComparedCall) -> int:
        """Return how many of the user's variables for cotangents would hold something else."""
        alteration = None if self.alter is None else self.alter(call)
        found = call.cotangents if alteration is None else call.altered(alteration)
        return sum(
            node not in found or not agree(variable, found[node], call.tolerance)
            for node, variable in call.variables.items()
        )


def altered(mistake: str, position: int, detail: str, alter: Alter) -> Hypothesis:
    """Return the hypothesis that an alteration of the sweep stands for."""

    def predict(call: ComparedCall) -> dict[str, Array] | None:
        alteration = alter(call)
        return None if alteration is None else call.predict(alteration)

    return Hypothesis(mistake, position, detail, predict, alter)


def total(position: int, change: Callable[[ComparedCall, Array], Array | None]) -> Alter:
    """Return the alteration of the whole cotangent of one value."""

    def alter(call: ComparedCall) -> Alteration | None:
        node = call.order[position]
        changed = change(call, call.cotangents[node])
        if changed is None or changed.shape != call.value(position).shape:
            return None
        return Alteration(totals={node: lambda g: changed})

    return alter
