"""A callback is called after epochs of training, with the history so far and the model."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from typing import Any

from .history import History

Callback = Callable[[History, Any], Any]


class AtEpochs:
    """A callback that is called after some epochs only.

    Compiled training then runs from one of them to the next without coming back to Python.

    Parameters
    ----------
    epochs : iterable of int
        Counted from 1.
    callback : callable
        ``callback(history, model)``; a true answer ends the training.

    Examples
    --------
    >>> callback = AtEpochs([1, 10, 100], lambda history, model: None)
    >>> callback.next_after(10)
    100
    """

    def __init__(self, epochs: Iterable[int], callback: Callback) -> None:
        self.epochs = sorted(set(epochs))
        self.callback = callback

    def __call__(self, history: History, model: Any) -> Any:
        """Call the callback, if this epoch is one of those."""
        wanted = len(history) in self.epochs
        return self.callback(history, model) if wanted else None

    def next_after(self, epoch: int) -> int | None:
        """Return the first of the epochs after a given one; None after the last."""
        place = bisect_right(self.epochs, epoch)
        return self.epochs[place] if place < len(self.epochs) else None


def next_call(callbacks: Iterable[Callback], epoch: int, last: int) -> int:
    """Return after which epoch one of the callbacks wants to be called next, ``last`` at most."""
    wanted = [
        callback.next_after(epoch) if isinstance(callback, AtEpochs) else epoch + 1
        for callback in callbacks
    ]
    return min((n for n in wanted if n is not None), default=last)
