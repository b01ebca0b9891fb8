"""What models predict of rows that they never saw."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..core.annotations import Array
from .baseline import baselines
from .importance import importances
from .parts import Parts
from .scores import Outputs, headline, measure
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
    by_fold : list of float
        The network's headline score in each fold.
    """

    outputs: Outputs
    y: Array
    blocks: Array | None
    importance: dict[str, float]
    duplicates: int
    by_fold: list[float]


def held_of(trained: Trained, parts: Parts, settings: TableSettings) -> Held:
    """Return what a trained network, and simpler models of the same rows, predict."""
    model = trained.model
    target = model.target
    X, y = parts.test
    outputs: dict[str, Any] = {NETWORK: model.outputs(X)} | baselines(
        model.encoder, target, *parts.train, X, class_weight=settings.class_weight
    )
    name = headline(target.kind, settings.compared_by)
    known = model.fingerprints
    return Held(
        outputs,
        y,
        parts.test_blocks,
        importances(model, X, y, seed=settings.seed, metric=name),
        known.count(X, y) if known is not None else 0,
        [measure(name, outputs[NETWORK], y, target.quantiles)],
    )


def joined(folds: list[Held]) -> Held:
    """Return what all folds say: their rows one after another, and importances by their mean."""
    # A simple model may be lacking in a fold whose rows are all of one class.
    names = [name for name in folds[0].outputs if all(name in one.outputs for one in folds)]
    blocks = [one.blocks for one in folds if one.blocks is not None]
    columns = dict.fromkeys(name for one in folds for name in one.importance)
    # A column that was left out in a fold is worth nothing there. A few rows may not tell a score.
    worth = {
        name: float(np.mean(np.nan_to_num([one.importance.get(name, 0.0) for one in folds])))
        for name in columns
    }
    return Held(
        {name: np.concatenate([one.outputs[name] for one in folds]) for name in names},
        np.concatenate([one.y for one in folds]),
        np.concatenate(blocks) if blocks else None,
        dict(sorted(worth.items(), key=lambda item: -item[1])),
        sum(one.duplicates for one in folds),
        [score for one in folds for score in one.by_fold],
    )
