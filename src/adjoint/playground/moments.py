"""A moment is where a training stood; moments kept in a ring are the way back."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..optim.snapshot import Snapshot
from ..training.epochs import Position

MOST_MOMENTS, MOST_BYTES = 500, 200_000_000


@dataclass(frozen=True)
class Moment:
    """Parameters, optimiser and random state, and how far the training was.

    Attributes
    ----------
    snapshot : Snapshot
    position : Position
        How far the epoch was.
    epochs : int
        How many were recorded.
    """

    snapshot: Snapshot
    position: Position
    epochs: int

    @property
    def step(self) -> int:
        """How many steps were taken."""
        return self.snapshot.steps

    @property
    def bytes(self) -> int:
        """What it holds in memory."""
        memory = [x for entry in self.snapshot.memory for x in entry.values()]
        arrays: list[Any] = [*self.snapshot.arrays, *memory]
        return sum(np.asarray(x).nbytes for x in arrays)


class Moments:
    """The latest moments, and the first one; so many, or so many bytes of them.

    Parameters
    ----------
    first : Moment
    most, most_bytes : int
    """

    def __init__(
        self, first: Moment, *, most: int = MOST_MOMENTS, most_bytes: int = MOST_BYTES
    ) -> None:
        self.first, self.most, self.most_bytes = first, most, most_bytes
        self._kept: deque[Moment] = deque()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def keep(self, moment: Moment) -> None:
        """Keep one that is later than all others; the oldest make room."""
        if self._kept and moment.step <= self._kept[-1].step:
            return
        self._kept.append(moment)
        self.bytes += moment.bytes
        while len(self._kept) > self.most or (self.bytes > self.most_bytes and len(self._kept) > 1):
            self.bytes -= self._kept.popleft().bytes

    def before(self, step: int) -> Moment:
        """Return the latest one that is not after a step, and forget those that are."""
        while self._kept and self._kept[-1].step > step:
            self.bytes -= self._kept.pop().bytes
        return self._kept[-1] if self._kept else self.first
