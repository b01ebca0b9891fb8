"""Parts are a table's rows as they are trained on, stopped by and scored by."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..core.annotations import Array
from ..data.window import ByWindow
from .fingerprints import Fingerprints


@dataclass(frozen=True)
class Parts:
    """Encoded rows to train on, to stop by and to score by, and what is said of the others.

    Where there is a stream, it gives the rows to train on, which have these fingerprints; then
    ``train`` is a sample of them, for simpler models. Without one, members of an ensemble may
    exchange rows of the first two parts, unless these were parted by time.

    Where some rows must stay together, ``blocks`` are their numbers in the first two parts, one
    after the other, and ``test_blocks`` those of the last. ``weights`` are how much each row of the
    first two parts counts, if not all alike. ``split`` says in sentences how the table was parted.
    """

    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]
    left_out: str = ""
    stream: ByWindow | None = None
    fingerprints: Fingerprints | None = None
    blocks: Array | None = None
    test_blocks: Array | None = None
    in_time: bool = False
    weights: Array | None = None
    split: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        """How many rows there are to train on."""
        return len(self.train[1]) if self.stream is None else self.stream.rows
