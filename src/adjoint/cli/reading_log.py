"""A reading log says now and then how much of a table was read."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

# Between two lines.
_SECONDS = 10.0


class ReadingLog:
    """Says every ten seconds how much of a pass was read, in rows and in bytes."""

    def __init__(self, total: int, say: Callable[[str], None]) -> None:
        self._total, self._say, self._latest = total, say, monotonic()

    def __call__(self, epoch: int, rows: int, of: int) -> None:
        """Say it if it is time."""
        if monotonic() - self._latest >= _SECONDS:
            self._latest = monotonic()
            read = self._total * rows // of
            which = f"epoch {epoch + 1}" if epoch >= 0 else "before the first epoch"
            self._say(
                f"{which}: {rows:,} of {of:,} rows, {read / 1e6:,.0f} of "
                f"{self._total / 1e6:,.0f} MB"
            )
