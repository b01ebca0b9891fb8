"""Native code is made ahead, in a thread of its own, while the page shows the new network."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor

from .setup import Setup
from .steps import Steps


class Ahead:
    """A thread that makes the native code of trainings before their first steps ask for it.

    What it makes is kept in the cache of native code, where the first step finds it. It traces a
    model of its own: that of the training is read meanwhile.
    """

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "adjoint native code")
        self._latest: Future[None] | None = None

    def make(self, setup: Setup) -> Future[None] | None:
        """Begin to make the code of a training; of a model of the user's nothing is made ahead."""
        if self._latest is not None:
            self._latest.cancel()  # if it has not begun nobody waits for it any more
        self._latest = None if setup.is_own_model else self._thread.submit(_make, setup)
        return self._latest

    def close(self) -> None:
        """End the thread when its turn is over."""
        self._thread.shutdown(wait=False, cancel_futures=True)


def _make(setup: Setup) -> None:
    Steps(setup).prepare()
