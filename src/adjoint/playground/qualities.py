"""Qualities are accuracy or R² as they were each time that a picture was drawn, for their curve.

They are no part of the training: `fit` records losses alone, and to measure more would slow it.
"""

from __future__ import annotations

import numpy as np

from ..core.annotations import Array
from .readings import Score
from .steps import Steps

MOST = 480


class Qualities:
    """The qualities on training and test rows by step; of many, some."""

    def __init__(self) -> None:
        self._kept: list[tuple[int, float, float, float]] = []

    def note(self, steps: Steps, train: Score | None, test: Score | None) -> None:
        """Note where a training stands, and forget what came later if it went back."""
        if train is None:
            return
        step = steps.taken
        while self._kept and self._kept[-1][0] >= step:
            self._kept.pop()
        held = float("nan") if test is None else test.quality
        self._kept.append((step, step / steps.task.steps, train.quality, held))
        if len(self._kept) > MOST:
            self._kept = self._kept[::2]

    def rows(self) -> Array:
        """Return (k, 3) epochs, parts of them included, with the qualities of training and test."""
        return np.array([each[1:] for each in self._kept], float).reshape(-1, 3)
