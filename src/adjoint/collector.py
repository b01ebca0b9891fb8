"""Python's garbage collector waits while much is made of which hardly anything is garbage."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def paused() -> Iterator[None]:
    """Let cyclic garbage lie inside the ``with`` block.

    An import and a compilation make objects by the thousand, and hardly a cycle; to look for some
    after every few hundred takes a sixth of their time.
    """
    is_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if is_enabled:
            gc.enable()
