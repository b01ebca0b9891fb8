"""An encoder turns the columns of a table into the numbers that a network reads."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..core.annotations import Array
from ..errors import TableError
from .column import Column
from .conventions import AS_SHOWN, Conventions, seen
from .learning import learn
from .values import as_floats, as_names, finite, is_textual, plain

if TYPE_CHECKING:
    import pyarrow


DTYPE = np.float32
_INDEX_NAMES = ("index", "id", "row")
# What pandas calls a column without a name, and an index without one.
_UNNAMED = re.compile(r"Unnamed: [\d.]+|__index_level_\d+__")


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
    def fit(
        cls,
        table: pyarrow.Table,
        *,
        skip: Sequence[str],
        conventions: Conventions = AS_SHOWN,
        ignored: dict[str, str] | None = None,
    ) -> Encoder:
        """Learn what the columns of a table are, save those to skip and those ignored already.

        Raises
        ------
        TableError
            If there is none to learn from.
        """
        ignored = dict(ignored or {})
        names = [name for name in table.column_names if name not in skip and name not in ignored]
        columns: dict[bytes, Column] = {}
        for name in names:
            found = learn(name, table[name], conventions)
            if isinstance(found, str):
                ignored[name] = found
                continue
            content = found.encode(table[name], Counter()).tobytes()
            same = columns.setdefault(found.kind.encode() + content, found)
            if same is not found:
                ignored[name] = f"the same as {same.name!r}"
        if not columns:
            reasons = "; ".join(f"{name}: {reason}" for name, reason in ignored.items())
            raise TableError(f"there is no column to learn from ({reasons or 'only the target'})")
        return cls(list(columns.values()), ignored)

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


def conventions_of(table: pyarrow.Table, given: Conventions) -> Conventions:
    """Return how a table writes numbers and dates, by its columns where the user says nothing."""
    # What a dictionary holds need not be texts.
    texts = [c for c in map(plain, table.columns) if is_textual(c.type)]
    return seen(given, [as_names(column, given.missing) for column in texts])


def row_counters(table: pyarrow.Table, unnamed: Sequence[str]) -> dict[str, str]:
    """Return the columns that only count the rows, as an index does, each with the reason.

    Those are the first column if it has no name and rises, and columns with the name of an index
    that count by one.
    """
    found = {}
    for name in table.column_names:
        is_unnamed = name in unnamed or bool(_UNNAMED.fullmatch(name))
        if not is_unnamed and name.lower() not in _INDEX_NAMES:
            continue
        column = learn(name, table[name])
        if not isinstance(column, Column) or column.kind != "number" or column.has_missing:
            continue
        values = table[name]
        if is_textual(values.type):
            numbers = finite(column.numbers.parse(as_names(values)))
        else:
            numbers = as_floats(values)
        steps = np.diff(numbers)
        is_whole = bool((numbers == np.round(numbers)).all())
        if len(steps) and is_whole and (steps.min() > 0 if is_unnamed else (steps == 1).all()):
            found[name] = f"counts the rows, from {numbers[0]:.0f} to {numbers[-1]:.0f}"
    return found
