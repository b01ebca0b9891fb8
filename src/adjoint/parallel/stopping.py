"""Stopping is a wish that a signal notes: all ranks must end a training after the same step."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class _Wish:
    """Whether someone looks at it, and whether it was made."""

    is_looked_at = False
    is_made = False


_wish = _Wish()


def ask(signal: int = 0, frame: FrameType | None = None) -> None:
    """Ask for the end, as a handler of signals; where no training would see it, interrupt.

    Raises
    ------
    KeyboardInterrupt
        Outside of a distributed training.
    """
    if not _wish.is_looked_at:
        raise KeyboardInterrupt
    _wish.is_made = True


def is_wanted() -> bool:
    """Return whether this process was asked to stop."""
    return _wish.is_made


@contextmanager
def heeded() -> Iterator[None]:
    """Let the training in the ``with`` block look at the wish after each step."""
    _wish.is_looked_at, _wish.is_made = True, False
    try:
        yield
    finally:
        _wish.is_looked_at = False
