"""Stopping is a wish that a signal notes: all ranks must end a training after the same step."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Wish:
    """How many trainings look at it, and whether it was made."""

    watchers = 0
    is_made = False


_wish, _lock = _Wish(), threading.Lock()


def ask(signal: int = 0, frame: FrameType | None = None) -> None:
    """Ask for the end, as a handler of signals; where no training would see it, interrupt.

    Raises
    ------
    KeyboardInterrupt
        Outside of a distributed training.
    """
    if not _wish.watchers:
        raise KeyboardInterrupt
    _wish.is_made = True


def is_wanted() -> bool:
    """Return whether this process was asked to stop."""
    return _wish.is_made


@contextmanager
def heeded() -> Iterator[None]:
    """Let the training in the ``with`` block look at the wish after each step.

    A training that a callback of another one begins hears what the outer one hears, and leaves it
    to the outer one, too.
    """
    with _lock:
        _wish.is_made = _wish.is_made and _wish.watchers > 0
        _wish.watchers += 1
    try:
        yield
    finally:
        with _lock:
            _wish.watchers -= 1
