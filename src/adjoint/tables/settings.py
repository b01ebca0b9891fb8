"""Settings are how a network is trained on a table."""

from __future__ import annotations

import math
from dataclasses import dataclass

# The scores of each task, the usual ones first.
METRICS = {
    "regression": ("r2", "mae", "rmse"),
    "classification": ("accuracy", "log_loss", "roc_auc", "balanced_accuracy", "f1"),
}
# Of these less is better.
LESS_IS_BETTER = ("log_loss", "mae", "rmse")
# More bins than a table of a few thousand rows could fill.
MOST_BINS = 64


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


# Chosen by the development tables of benchmarks/tables.py alone.
_ROWS_SEEN = 750_000
_MANY_ROWS = 10_000
_BATCH, _BATCH_OF_MANY = 64, 256
_MEMBERS = ((_MANY_ROWS, 8), (100_000, 4), (math.inf, 2))
