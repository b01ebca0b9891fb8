"""Settings are how a network is trained on a table."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

# The scores of each kind of target, see `Target.kind`, the usual ones first.
METRICS = {
    "regression": ("r2", "mae", "rmse"),
    "classification": ("accuracy", "log_loss", "roc_auc", "balanced_accuracy", "f1"),
    "quantiles": ("pinball_loss",),
    # Errors in the units of several targets have no mean.
    "several targets": ("r2",),
}
# More bins than a table of a few thousand rows could fill.
MOST_BINS = 64
# A network answers with at most so many quantiles, which it puts in order two by two.
_MOST_QUANTILES = 20


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """How a network is trained on a table.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
    hidden : tuple of int
        Units of each hidden layer.
    epochs : int, optional
        At most; it stops early. By default as many as the rows need, see `epochs_for`.
    patience : int
        Epochs without a better loss on the rows to validate on, before it stops.
    batch_size : int, optional
        By default by the number of rows, see `batch_size_for`.
    learning_rate, dropout : float
    weight_decay : float
        AdamW's: by which part of a step length weights shrink at each step.
    bins : int
        In how many bins each number enters the hidden layers besides itself; of a wide table there
        are fewer, see `model.design_for`.
    test, validation : float
        Parts of the rows that are held out: to score by (0 for none), and of the others to stop by.
    seed : int
    ensemble : int, optional
        How many networks answer together; by default by the number of rows, see `members_for`.
    reproducible : bool
        Whether the weights must have the same bits on every machine, as `fit` has it. The networks
        then do not start as a linear model, because scikit-learn's solvers do not.
    metric : str, optional
        The score that models are compared by and that columns are ranked by, see `METRICS`.
    class_weight : {"balanced"}, optional
        Whether all classes weigh alike however few their rows are; then balanced accuracy is what
        models are compared by unless a metric is chosen.
    label_smoothing : float
        The part of a class's target that all classes share, as `nn.functional.cross_entropy` has
        it; from 0, below 1.
    quantiles : tuple of float
        Which quantiles of a number to predict, rising, between 0 and 1; none for its mean.
    split_by : str, optional
        A column of which no value is on two sides: rows to train on, to stop by and to score by.
        The network does not read it.
    time : str, optional
        A column by which rows are in order; the latest are scored by, and the latest of the others
        are to stop by.
    folds : int, optional
        In how many parts all rows are scored, each by networks that were trained without it; then
        `test` is of no account.
    """

    task: str = "auto"
    hidden: tuple[int, ...] = (128, 64)
    epochs: int | None = None
    patience: int = 100
    batch_size: int | None = None
    learning_rate: float = 1e-3
    dropout: float = 0.1
    weight_decay: float = 0.01
    bins: int = 16
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0
    ensemble: int | None = None
    reproducible: bool = False
    metric: str | None = None
    class_weight: str | None = None
    label_smoothing: float = 0.0
    quantiles: tuple[float, ...] = ()
    split_by: str | None = None
    time: str | None = None
    folds: int | None = None

    @property
    def compared_by(self) -> str | None:
        """The score to compare by, None for the usual ones."""
        return self.metric or ("balanced_accuracy" if self.class_weight else None)

    def epochs_for(self, rows: int) -> int:
        """Return how many epochs to train at most: fewer where each has many steps."""
        return self.epochs or int(min(max(_ROWS_SEEN // rows, 12), 100))

    def batch_size_for(self, rows: int) -> int:
        """Return how many rows a step takes: few enough for an epoch to have many steps."""
        most = _BATCH if rows < _MANY_ROWS else _BATCH_OF_MANY
        return self.batch_size or int(min(max(rows // 24, 16), most))

    def members_for(self, rows: int) -> int:
        """Return how many networks answer together: more where a chance split decides much."""
        return self.ensemble or next(count for below, count in _MEMBERS if rows < below)


def check_quantiles(levels: Sequence[object]) -> tuple[float, ...]:
    """Return the levels of quantiles as floats.

    Raises
    ------
    ValueError
        If one is no number between 0 and 1, they do not rise by what 15 digits tell, or there are
        more than 20.
    """
    wanted = "expected rising numbers between 0 and 1, as 0.1,0.5,0.9"
    found = []
    for level in levels:
        if isinstance(level, (bool, np.bool_)) or not isinstance(level, (int, float, np.number)):
            raise ValueError(f"{level!r} is no number; {wanted}")
        if not 0 < float(f"{level:.15g}") < 1:
            raise ValueError(f"{level:g} is not between 0 and 1; {wanted}")
        found.append(float(level))
    for before, after in pairwise(found):
        if f"{before:.15g}" == f"{after:.15g}":  # columns are named so
            raise ValueError(f"{after:g} is there twice; {wanted}")
        if before > after:
            raise ValueError(f"{after:g} comes after {before:g}; {wanted}")
    if len(found) > _MOST_QUANTILES:
        raise ValueError(f"{len(found)} quantiles; expected at most {_MOST_QUANTILES}")
    return tuple(found)


# Chosen by the development tables of benchmarks/tables.py alone.
_ROWS_SEEN = 750_000
_MANY_ROWS = 10_000
_BATCH, _BATCH_OF_MANY = 64, 256
_MEMBERS = ((_MANY_ROWS, 8), (100_000, 4), (math.inf, 2))
