"""A history is what training recorded, epoch by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..core.annotations import Array
from ..errors import choose
from ..nn.module import Module
from ..notebook.curve import curves
from ..notebook.html import paragraph, table, view
from ..notebook.verbatim import Verbatim
from .digest import sha256_of

# Where there are more epochs than these, the first and the last ones are shown.
_MOST_SHOWN, _SHOWN = 10, 4


class History:
    """What training recorded, one number an epoch: the loss, and what else was asked for.

    Attributes
    ----------
    epochs : list of int
        Counted from 1.
    loss : list of float
        Mean over the rows of the losses of their batches, as they were met during the epoch.
    interrupted : bool
        Whether Ctrl-C ended the training.
    seed : int
        It gave the order of the batches: `fit` with this seed repeats them.
    tier : {"native", "portable", "eager"}
        How the latest epoch was run.
    reasons : list of str
        Why not faster.

    Examples
    --------
    >>> history = History(seed=0)
    >>> history.append(loss=0.5, val_loss=0.75)
    >>> history
    epoch    loss  val_loss
        1     0.5      0.75
    >>> history["val_loss"]
    [0.75]
    """

    def __init__(self, *, seed: int) -> None:
        self.seed = seed
        self.interrupted = False
        self.tier = "eager"
        self.reasons: list[str] = []
        self._records: dict[str, list[float]] = {"loss": []}

    def append(self, **numbers: float) -> None:
        """Record one epoch; every epoch records the same names."""
        self.extend({name: [number] for name, number in numbers.items()})

    def extend(self, records: Mapping[str, Sequence[float]]) -> None:
        """Record several epochs: one number each under every name."""
        if len(self) and records.keys() != self._records.keys():
            raise ValueError(f"expected {list(self._records)}, got {list(records)}")
        before = len(self)
        try:
            for name, numbers in records.items():
                self._records.setdefault(name, []).extend(map(float, numbers))
        except BaseException:
            # Ctrl-C between two records must not leave columns of different lengths.
            for values in self._records.values():
                del values[before:]
            raise

    @property
    def epochs(self) -> list[int]:
        """Numbers of the epochs, from 1."""
        return list(range(1, len(self) + 1))

    @property
    def loss(self) -> list[float]:
        """The training loss of every epoch."""
        return self["loss"]

    def keys(self) -> list[str]:
        """Return the names of what was recorded."""
        return list(self._records)

    def __getitem__(self, name: str) -> list[float]:
        """Return what was recorded under a name, one number an epoch."""
        return self._records[choose("record", name, self._records)]

    def __len__(self) -> int:
        return len(self._records["loss"])

    def to_dict(self) -> dict[str, Array]:
        """Return arrays of what was recorded, and of the epochs under the name "epoch"."""
        records = {name: np.array(values, float) for name, values in self._records.items()}
        return {"epoch": np.array(self.epochs, int), **records}

    def to_state(self) -> dict[str, Any]:
        """Return seed and records in types that JSON can hold, for `restore`."""
        return {"seed": self.seed, "records": {n: list(x) for n, x in self._records.items()}}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over the seed and the records that `to_state` returned."""
        self.seed = int(state["seed"])
        self._records = {n: [float(x) for x in xs] for n, xs in state["records"].items()}

    def sha256(self, model: Module) -> str:
        """Return one SHA-256 of the model's weights and of all that was recorded, as 64 digits.

        It is of the names and the exact bits of parameters, buffers and records; every NaN counts
        as the same one. Trainings by `fit` with ``reproducible=True`` that are given the same have
        the same on every machine.

        Examples
        --------
        >>> import adjoint as ad
        >>> model = ad.nn.MLP(2, 3, 1, rng=0)
        >>> history = ad.fit(model, (np.eye(2), [[0.0], [1.0]]), loss="mse_loss", epochs=5,
        ...                  seed=0, reproducible=True)
        >>> history.sha256(model)[:8]
        '8ae6cd8a'
        """
        return sha256_of(model.state_dict(), self._records)

    def report(self) -> Verbatim:
        """Return in which tier the latest epoch ran, and why not in a faster one."""
        reasons = (f"  {reason}" for reason in self.reasons)
        return Verbatim("\n".join([f"tier: {self.tier}", *reasons]))

    def __repr__(self) -> str:
        """Draw a table; where there are many epochs, of the first and the last ones."""
        lines = self._table()
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        table = (
            "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
            for line in lines
        )
        return "\n".join([*table, *["(interrupted)"] * self.interrupted])

    def _table(self) -> list[list[str]]:
        """Return the names of the columns, then what stands in each line."""
        names = ["epoch", *self._records]
        columns = zip(self.epochs, *self._records.values(), strict=True)
        lines = [[f"{value:.5g}" for value in line] for line in columns]
        if len(lines) > _MOST_SHOWN:
            lines = [*lines[:_SHOWN], ["..."] * len(names), *lines[-_SHOWN:]]
        return [names, *lines]

    def _repr_html_(self) -> str:
        """Draw a curve of the losses and of each metric, and the table."""
        head, *lines = self._table()
        pictures = [curves(group) for group in self._groups()]
        end = [paragraph("interrupted", faint=True)] * self.interrupted
        return view(*pictures, table(head, lines), *end)

    def _groups(self) -> list[dict[str, list[float]]]:
        """Return what is drawn together: a number of the training data and of the validation."""
        groups: dict[str, dict[str, list[float]]] = {}
        for name, numbers in self._records.items():
            groups.setdefault(name.removeprefix("val_"), {})[name] = numbers
        return list(groups.values())
