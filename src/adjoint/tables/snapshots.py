"""Snapshots are a network's weights after some epochs, of which one is chosen later."""

from __future__ import annotations

from bisect import bisect_right
from typing import Any

from ..core.annotations import Array
from ..nn.module import Module
from ..training.callbacks import Callback, Training
from ..training.history import History
from ..training.side_by_side import Ends

# All networks of a table together keep at most so many bytes, and of each at most so many epochs.
_MOST_BYTES = 1 << 28
_MOST_KEPT = 25


def epochs_to_keep(epochs: int, *, size: int) -> list[int]:
    """Return after which epochs to keep weights: the first ones, then ever fewer, and the last.

    Parameters
    ----------
    epochs : int
        How many there will be.
    size : int
        Bytes of the weights of all networks.
    """
    count = min(max(_MOST_BYTES // max(size, 1), 2), _MOST_KEPT)
    if count >= epochs:
        return list(range(1, epochs + 1))
    found = {round(epochs ** (k / (count - 1))) for k in range(count)}
    # Rounding makes some of the first ones equal: the least that are free come in their place.
    free = (epoch for epoch in range(1, epochs) if epoch not in found)
    return sorted([*found, *(next(free) for _ in range(count - len(found)))])


class Snapshots(Callback):
    """Keeps a network's weights after some epochs.

    Parameters
    ----------
    epochs : list of int
        Rising, counted from 1.
    ends : callable, optional
        Asked after each of them whether the training is to end.

    Attributes
    ----------
    weights : dict of int to dict of str to array
        By epoch.
    """

    def __init__(self, epochs: list[int], ends: Ends | None = None) -> None:
        self._epochs, self._ends = epochs, ends
        self.weights: dict[int, dict[str, Array]] = {}

    def start(self, training: Training) -> None:
        """Forget the training before."""
        self.weights = {}

    def __call__(self, history: History, model: Module) -> bool:
        """Keep the weights if this is one of the epochs."""
        if len(history) not in self._epochs:
            return False
        self.weights[len(history)] = model.state_dict()
        return self._ends is not None and self._ends()

    def next_after(self, epoch: int) -> int | None:
        """Return the first of the epochs after a given one."""
        place = bisect_right(self._epochs, epoch)
        return self._epochs[place] if place < len(self._epochs) else None

    def state_dict(self) -> dict[str, Any]:
        """Return the weights, for a training that is killed to go on."""
        return {str(epoch): kept for epoch, kept in self.weights.items()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from such a state."""
        self.weights = {int(epoch): kept for epoch, kept in state.items()}
