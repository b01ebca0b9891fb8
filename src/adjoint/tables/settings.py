"""Settings are how a network is trained on a table."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class TableSettings:
    """How a network is trained on a table.

    Parameters
    ----------
    task : {"auto", "classification", "regression"}
    hidden : tuple of int
        Units of each hidden layer.
    epochs : int
        At most; it stops early.
    patience : int
        Epochs without a better loss on the rows to validate on, before it stops.
    batch_size : int
    learning_rate, dropout : float
    test, validation : float
        Parts of the rows that are held out: to score by (0 for none), and of the others to stop by.
    seed : int
    """

    task: str = "auto"
    hidden: tuple[int, ...] = (64, 32)
    epochs: int = 100
    patience: int = 8
    batch_size: int = 256
    learning_rate: float = 1e-3
    dropout: float = 0.1
    test: float = 0.2
    validation: float = 0.1
    seed: int = 0
