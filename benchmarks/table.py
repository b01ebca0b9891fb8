"""A table holds what one benchmark measured: a row a rival, ours first."""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field
from typing import Any

_UNITS = {"s": ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns")), "B": ((1e6, "MB"),)}


@dataclass
class Row:
    """What was measured of one rival, a number a repetition, or why nothing was.

    Attributes
    ----------
    name : str
    values : list of float
        Seconds or bytes, by the table's unit.
    about : str
        How the work was done.
    skipped : str
        Why it was not.
    threads : float
        The processor's time over the clock's, where that was measured.
    """

    name: str
    values: list[float] = field(default_factory=list)
    about: str = ""
    skipped: str = ""
    threads: float = 0.0

    @property
    def median(self) -> float:
        return statistics.median(self.values)


@dataclass
class Table:
    """Rows under a title.

    Attributes
    ----------
    title : str
    unit : {"s", "B"}
    per : str
        What a value is of, as "a step".
    rows : list of Row
        The ratios are to the first that was measured.
    notes : list of str
    """

    title: str
    unit: str
    per: str
    rows: list[Row]
    notes: list[str] = field(default_factory=list)

    def ratio(self, row: Row) -> float:
        """Return a row's median over the first row's."""
        return row.median / next(row.median for row in self.rows if row.values)

    def __str__(self) -> str:
        width = max(len(row.name) for row in self.rows)
        lines = [f"{self.title}: the median, the least, and the ratio to the first"]
        lines += [f"  {row.name:<{width}}  {self._cells(row)}".rstrip() for row in self.rows]
        return "\n".join([*lines, *(f"  {note}" for note in self.notes)])

    def _cells(self, row: Row) -> str:
        if not row.values:
            return f"skipped: {row.skipped}"
        numbers = f"{self._number(row.median)} {self._number(min(row.values))} {self.per}"
        extra = [row.about] if row.about else []
        # Less than one thread is busy where other processes take the core away, see `Worker`.
        is_usual = not row.threads or 0.8 <= row.threads <= 1.2
        extra += [] if is_usual else [f"{row.threads:.1f} threads busy"]
        return f"{numbers}  {self.ratio(row):7.3g} ×  {'; '.join(extra)}"

    def _number(self, value: float) -> str:
        units = _UNITS[self.unit]
        scale, name = next((unit for unit in units if value >= unit[0]), units[-1])
        return f"{value / scale:7.4g} {name}"

    def record(self) -> dict[str, Any]:
        """Return all of it as JSON knows it."""
        rows = []
        for row in self.rows:
            entry = asdict(row)
            if row.values:
                entry |= {"median": row.median, "min": min(row.values), "ratio": self.ratio(row)}
            rows.append(entry)
        return {**asdict(self), "rows": rows}
