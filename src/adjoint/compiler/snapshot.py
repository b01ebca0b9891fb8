"""A snapshot is all that a training step replaces, as it stood at one moment.

It costs nothing to take: a step puts new arrays in the place of old ones and never changes them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..nn.module import Buffer, Module
from ..optim import Memory, Optimizer

Array = np.ndarray[Any, Any]


class Snapshot(NamedTuple):
    """The arrays of parameters and buffers, the optimiser's memory, and its count of steps."""

    parameters: Sequence[Array]
    memory: Sequence[Memory]
    steps: int
    buffers: Sequence[Array]


def buffers_in(*parts: Any) -> list[Buffer]:
    """Return the buffers of those parts that are modules, each once."""
    found = [
        tensor
        for part in parts
        if isinstance(part, Module)
        for _, tensor in part.named_buffers()
        if isinstance(tensor, Buffer)
    ]
    return list({id(buffer): buffer for buffer in found}.values())


class Undo:
    """What goes back to the last parameters that gave a finite loss, and all that belongs to them.

    Attributes
    ----------
    kept : Snapshot
    """

    def __init__(self, optimizer: Optimizer, buffers: Iterable[Buffer]) -> None:
        self.optimizer, self.buffers = optimizer, list(buffers)
        self.kept = self.present()

    def present(self) -> Snapshot:
        """Return what is now."""
        optimizer = self.optimizer
        return Snapshot(
            [parameter.data for parameter in optimizer.params],
            optimizer.memory[:],
            optimizer.steps,
            [buffer.data for buffer in self.buffers],
        )

    @contextmanager
    def step(self) -> Iterator[Callable[[], None]]:
        """Take a step inside the ``with`` block, or none of it if it is interrupted.

        The function that it gives keeps what was before the step; to be called once the loss is
        known to be finite.
        """
        before = self.present()

        def keep() -> None:
            self.kept = before

        try:
            yield keep
        except BaseException:
            self.put(before)
            raise

    def restore(self) -> None:
        """Go back to the snapshot that is kept."""
        self.put(self.kept)

    def put(self, snapshot: Snapshot) -> None:
        """Go back to a snapshot."""
        optimizer = self.optimizer
        for parameter, array in zip(optimizer.params, snapshot.parameters, strict=True):
            parameter.data = array
        optimizer.memory = list(snapshot.memory)
        optimizer.steps = snapshot.steps
        for buffer, array in zip(self.buffers, snapshot.buffers, strict=True):
            buffer.data = array
