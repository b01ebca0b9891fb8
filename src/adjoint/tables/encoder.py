"""An encoder turns the columns of a table into the numbers that a network reads."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import TableError
from .column import Column, learn

if TYPE_CHECKING:
    import pyarrow


DTYPE = np.float32


@dataclass
class Encoder:
    """The columns of a table that a network reads, and why it ignores the others.

    Attributes
    ----------
    columns : list of Column
        Those that the network reads.
    ignored : dict of str to str
        Why it does not read the others.
    """

    columns: list[Column]
    ignored: dict[str, str] = field(default_factory=dict)

    @classmethod
    def fit(cls, table: pyarrow.Table, *, skip: Sequence[str]) -> Encoder:
        """Learn what the columns of a table are, save those to skip.

        Raises
        ------
        TableError
            If there is none to learn from.
        """
        found = {name: learn(name, table[name]) for name in table.column_names if name not in skip}
        ignored = {name: reason for name, reason in found.items() if isinstance(reason, str)}
        columns = [column for column in found.values() if isinstance(column, Column)]
        if not columns:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in ignored.items())
            raise TableError(f"there is no column to learn from ({reasons or 'only the target'})")
        return cls(columns, ignored)

    def check(self, names: Sequence[str], where: object) -> None:
        """Refuse a table that lacks columns.

        Raises
        ------
        TableError
        """
        lacking = [column.name for column in self.columns if column.name not in names]
        if lacking:
            raise TableError(
                f"{where}: no column {', '.join(map(repr, lacking))}, which the model reads; there "
                f"are {', '.join(names)}"
            )

    def encode(self, block: pyarrow.Table | pyarrow.RecordBatch, treated: Counter[str]) -> Array:
        """Return the rows of a block as numbers, and count the values that are treated specially.

        Returns
        -------
        (n, width) array of float32
        """
        import pyarrow

        parts = []
        for column in self.columns:
            try:
                parts.append(column.encode(block[column.name], treated))
            except pyarrow.ArrowException as error:
                raise TableError(f"column {column.name!r} is no {column.kind}: {error}") from None
        return np.hstack(parts).astype(DTYPE)

    def categories(self) -> dict[int, Column]:
        """Return the categories by the place of their numbers."""
        places = np.cumsum([0, *(column.width for column in self.columns)])
        pairs = zip(places.tolist(), self.columns, strict=False)
        return {place: column for place, column in pairs if column.kind == "category"}

    @property
    def width(self) -> int:
        """How many numbers a row becomes."""
        return sum(column.width for column in self.columns)

    def to_state(self) -> dict[str, Any]:
        """Return what JSON can hold."""
        return asdict(self)

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Encoder:
        """Return the encoder that a state was taken of."""
        return cls([Column(**column) for column in state["columns"]], dict(state["ignored"]))
