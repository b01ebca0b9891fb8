"""A run trains the model of a task, epoch after epoch, in one tier.

There are three: `NativeRun` takes whole epochs without Python, `CompiledRun` calls a compiled step
for each batch, and `EagerRun` records each step and sweeps back. What uses one need not know which.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Protocol

from ..compiler.native.epoch_loop import Patience
from .epochs import Position
from .history import History
from .task import Task

if TYPE_CHECKING:
    from .saving import Saver

# Shows how many epochs are over, and the loss of the latest.
Show = Callable[[int, float], None]


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
        self, until: int, show: Show = lambda epoch, loss: None, patience: Patience | None = None
    ) -> None:
        """Train one epoch at least and record it, or several where Python need not look between.

        Parameters
        ----------
        until : int
            The epoch after which to come back at the latest.
        show : callable
            Called now and then while it trains.
        patience : Patience, optional
            How long to go on without a better loss; only native code keeps to it.
        """

    def position(self) -> Position | None:
        """Return how far the epoch under way is; None at a moment where that cannot be told."""

    def resume(self, position: Position) -> None:
        """Go on from model, optimiser and history as they are, so far into the next epoch."""
