"""What models predict of rows that they never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.annotations import Array
from .baseline import baselines
from .importance import importances
from .parts import Parts
from .scores import Outputs, headline
from .settings import TableSettings
from .training import Trained

NETWORK = "network"


@dataclass(frozen=True)
class Held:
    """What models predict of rows held out, whose targets are known.

    Attributes
    ----------
    outputs : dict of str to array
        Probabilities or numbers by the model's name: the network's first, then simpler ones.
    y : (n,) array
    blocks : (n,) array of int, optional
        Which rows must stay together.
    importance : dict of str to float
        By how much the headline score gets worse without a column, for the network.
    duplicates : int
        How many rows equal one that the network was trained on.
    """

    outputs: Outputs
    y: Array
    blocks: Array | None
    importance: dict[str, float]
    duplicates: int


def held_of(trained: Trained, parts: Parts, settings: TableSettings) -> Held:
    """Return what a trained network, and simpler models of the same rows, predict."""
    model = trained.model
    X, y = parts.test
    outputs: dict[str, Any] = {NETWORK: model.outputs(X)} | baselines(
        model.encoder, model.target, *parts.train, X, class_weight=settings.class_weight
    )
    name = headline(model.target.task, settings.compared_by)
    known = model.fingerprints
    return Held(
        outputs,
        y,
        parts.test_blocks,
        importances(model, X, y, seed=settings.seed, metric=name),
        known.count(X, y) if known is not None else 0,
    )
