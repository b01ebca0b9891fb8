"""A progress bar shows how far training is, where somebody is there to see it."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any

# Seconds between two updates.
_REFRESH = 0.1


@contextmanager
def epoch_bar(epochs: int, wanted: bool) -> Iterator[Callable[[int, float], None]]:
    """Give a function that shows the epoch and its loss, where there is a bar to show it on."""
    tqdm = _tqdm() if wanted and _has_reader() else None
    if tqdm is None:
        yield lambda epoch, loss: None
        return
    with tqdm(total=epochs, unit="epoch", file=sys.stderr, mininterval=_REFRESH) as bar:
        shown = perf_counter()

        def show(epoch: int, loss: float) -> None:
            # We look at the clock ourselves: even an update that tqdm skips takes as long as a step
            # of a small network.
            nonlocal shown
            now = perf_counter()
            if now - shown >= _REFRESH or epoch == epochs:
                shown = now
                bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
                bar.n = epoch
                bar.refresh()

        yield show


def _tqdm() -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm


def _has_reader() -> bool:
    """Return whether stderr is a terminal or belongs to a notebook."""
    return "ipykernel" in sys.modules or (sys.stderr is not None and sys.stderr.isatty())
