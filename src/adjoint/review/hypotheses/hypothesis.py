"""A hypothesis is a mistake at one place of the backward pass, with what the gradients would be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core import Node
from ..comparison import agree
from ..record import Alteration
from ..scene import Scene

Array = np.ndarray[Any, Any]
Predict = Callable[[Scene], dict[str, Array] | None]
Alter = Callable[[Scene], Alteration | None]


@dataclass(frozen=True)
class Hypothesis:
    """A mistake, the value whose cotangent it spoils, and how to tell what would come of it.

    Parameters
    ----------
    mistake : str
        A key of `MISTAKES`.
    position : int
        Of the value among the inputs and nodes of the traced forward pass.
    detail : str
        What exactly is wrong, for the reader.
    predict : callable
        Of a scene; returns the gradients by name, or None where it does not apply.
    alter : callable, optional
        Of a scene; returns how the sweep departs from the correct one.
    """

    mistake: str
    position: int
    detail: str
    predict: Predict
    alter: Alter | None = None

    def spoiled(self, scene: Scene) -> set[Node]:
        """Return the values whose cotangents would be other than the right ones."""
        alteration = None if self.alter is None else self.alter(scene)
        if alteration is None:
            return set()
        found = scene.altered(alteration)
        return {
            node
            for node, right in scene.cotangents.items()
            if node not in found or not agree(found[node], right, 1e-9)
        }

    def contradictions(self, scene: Scene) -> int:
        """Return how many of the user's variables for cotangents would hold something else."""
        alteration = None if self.alter is None else self.alter(scene)
        found = scene.cotangents if alteration is None else scene.altered(alteration)
        return sum(
            node not in found or not agree(variable, found[node], scene.tolerance)
            for node, variable in scene.variables.items()
        )


def altered(mistake: str, position: int, detail: str, alter: Alter) -> Hypothesis:
    """Return the hypothesis that an alteration of the sweep stands for."""

    def predict(scene: Scene) -> dict[str, Array] | None:
        alteration = alter(scene)
        return None if alteration is None else scene.predict(alteration)

    return Hypothesis(mistake, position, detail, predict, alter)


def total(position: int, change: Callable[[Scene, Array], Array | None]) -> Alter:
    """Return the alteration of the whole cotangent of one value."""

    def alter(scene: Scene) -> Alteration | None:
        node = scene.order[position]
        changed = change(scene, scene.cotangents[node])
        if changed is None or changed.shape != scene.value(position).shape:
            return None
        return Alteration(totals={node: lambda g: changed})

    return alter
