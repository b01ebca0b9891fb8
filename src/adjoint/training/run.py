"""A run trains the model of a task, epoch after epoch, in one tier.

There are three: `NativeRun` takes whole epochs without Python, `CompiledRun` calls a compiled step
for each batch, and `EagerRun` records each step and sweeps back. What uses one need not know which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from ..compiler.native.epoch_loop import Patience
from .epochs import Position
from .history import History
from .task import Task

if TYPE_CHECKING:
    from .saving import Saver

# Shows how many epochs are over, and the loss of the latest.
Show = Callable[[int, float], None]


class Watch:
    """What native code watches in a callback's place: how long there is no better record.

    Parameters
    ----------
    monitor : str
        A name in the history.
    patience : Patience
        Says what is better, and when to come back to Python.
    epoch : int
        How many epochs were recorded when it began.

    Attributes
    ----------
    weights : dict of str to array or None
        The model's state after the best epoch, if the patience keeps it and the record has become
        better since.
    """

    def __init__(self, monitor: str, patience: Patience, epoch: int = 0) -> None:
        self.monitor, self.patience, self.epoch = monitor, patience, epoch
        self.weights: dict[str, Any] | None = None

    @property
    def best(self) -> float:
        """The best number that native code saw."""
        return self.patience.sign * self.patience.best


class Run(Protocol):
    """What trains in one tier.

    Attributes
    ----------
    task : Task
    history : History
        How many records it has says which epoch comes next.
    saver : Saver
        A run asks it between two steps whether the training is to be saved.
    """

    task: Task
    history: History
    saver: Saver

    def current(self) -> Run:
        """Return what goes on with the training: itself, as long as it fits model and optimiser.

        The model must be in training mode, here and in `train`.
        """

    def train(
        self, until: int, show: Show = lambda epoch, loss: None, watch: Watch | None = None
    ) -> None:
        """Train one epoch at least and record it, or several where Python need not look between.

        Parameters
        ----------
        until : int
            The epoch after which to come back at the latest.
        show : callable
            Called now and then while it trains.
        watch : Watch, optional
            How long to go on without a better record; only native code keeps to it. Whoever gives
            one looks at every epoch that is recorded, up to the one after which it would stop.
        """

    def position(self) -> Position | None:
        """Return how far the epoch under way is; None at a moment where that cannot be told."""

    def resume(self, position: Position) -> None:
        """Go on from model, optimiser and history as they are, so far into the next epoch."""
