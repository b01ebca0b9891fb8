"""An interrupt is held while a command that is to go on from a file has nothing yet to end."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Callable, Iterator
from types import FrameType

Release = Callable[[], None]


@contextlib.contextmanager
def held_interrupt(note: Callable[[str], None]) -> Iterator[Release]:
    """Hold Ctrl-C in the ``with`` block until what is given is called, which raises it.

    A second one is not held. Nothing is in other threads than the main one, nor where Ctrl-C is
    ignored or somebody else's to handle.

    Parameters
    ----------
    note : callable
        Is told that one is held.
    """
    came: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if came:
            signal.default_int_handler(number, frame)
        came.append(number)
        with contextlib.suppress(RuntimeError):  # where it came in the middle of a line
            note("interrupted: the best trial so far becomes the model; Ctrl-C again ends at once")

    before = signal.getsignal(signal.SIGINT)
    is_main = threading.current_thread() is threading.main_thread()
    is_ours = is_main and before is signal.default_int_handler

    def release() -> None:
        if is_ours:
            signal.signal(signal.SIGINT, before)
        if came:
            came.clear()
            raise KeyboardInterrupt

    if is_ours:
        signal.signal(signal.SIGINT, hold)
    try:
        yield release
    finally:
        if is_ours:
            signal.signal(signal.SIGINT, before)
