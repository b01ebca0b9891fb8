"""A progress bar shows how far training is, where somebody is there to see it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Protocol

# Seconds between two updates of a bar, and between two lines of a log.
_REFRESH, _LOG = 0.1, 10.0


class Bar(Protocol):
    """What shows how far training is."""

    def show(self, epoch: int, loss: float) -> None:
        """Say which epoch is done, and its loss."""

    def close(self) -> None:
        """Leave the last state on the screen."""


@contextmanager
def epoch_bar(epochs: int, wanted: bool | str) -> Iterator[Callable[[int, float], None]]:
    """Give a function that shows the epoch and its loss, where there is a bar to show it on."""
    is_seen = _in_notebook() or _has_terminal()
    if not wanted or not (is_seen or wanted == "log"):
        yield lambda epoch, loss: None
        return
    bar, refresh = (_bar(epochs), _REFRESH) if is_seen else (LogBar(epochs), _LOG)
    shown = perf_counter()

    def show(epoch: int, loss: float) -> None:
        # We look at the clock ourselves: even an update that tqdm skips takes as long as a step of
        # a small network.
        nonlocal shown
        now = perf_counter()
        if now - shown >= refresh or (is_seen and epoch == epochs):
            shown = now
            bar.show(epoch, loss)

    try:
        yield show
    finally:
        bar.close()


class TqdmBar:
    """The bar of tqdm: its widget in a notebook that has widgets, text on stderr elsewhere."""

    def __init__(self, tqdm: Any, epochs: int) -> None:
        self.bar = tqdm(total=epochs, unit="epoch", file=sys.stderr, mininterval=_REFRESH)

    def show(self, epoch: int, loss: float) -> None:
        """Say which epoch is done, and its loss."""
        self.bar.set_postfix(loss=f"{loss:.4g}", refresh=False)
        self.bar.n = epoch
        self.bar.refresh()

    def close(self) -> None:
        """Leave the last state on the screen."""
        self.bar.close()


class NotebookBar:
    """A bar of the browser's own, for notebooks without tqdm or without widgets."""

    def __init__(self, epochs: int) -> None:
        shown = importlib.import_module("IPython.display")
        self.epochs, self._html = epochs, shown.HTML
        self._handle = shown.display(self._html(self._written(0, "")), display_id=True)

    def _written(self, epoch: int, loss: str) -> str:
        bar = f'<progress value="{epoch}" max="{self.epochs}"></progress>'
        return f"<div>{bar} {epoch}/{self.epochs} epochs{loss}</div>"

    def show(self, epoch: int, loss: float) -> None:
        """Say which epoch is done, and its loss."""
        if self._handle is not None:  # outside of a cell there is nothing to show it on
            self._handle.update(self._html(self._written(epoch, f", loss={loss:.4g}")))

    def close(self) -> None:
        """Leave the last state on the screen."""


class LineBar:
    """A line of text on stderr that is written over, for terminals without tqdm."""

    def __init__(self, epochs: int) -> None:
        self.epochs, self.file, self._width = epochs, sys.stderr, 0

    def show(self, epoch: int, loss: float) -> None:
        """Say which epoch is done, and its loss."""
        text = f"{epoch}/{self.epochs} epochs, loss={loss:.4g}"
        self.file.write(f"\r{text.ljust(self._width)}")
        self.file.flush()
        self._width = len(text)

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._width:
            self.file.write("\n")


class LogBar:
    """A line on stderr now and then, for a log that someone reads later."""

    def __init__(self, epochs: int) -> None:
        self.epochs = epochs

    def show(self, epoch: int, loss: float) -> None:
        """Say which epoch is done, and its loss."""
        print(f"{epoch}/{self.epochs} epochs, loss={loss:.4g}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave it at that."""


def _bar(epochs: int) -> Bar:
    # Whether there are widgets tqdm itself finds out only when it makes a bar.
    needed = ("ipywidgets", "tqdm.notebook") if _in_notebook() else ("tqdm",)
    try:
        *_, module = map(importlib.import_module, needed)
    except ImportError:
        return NotebookBar(epochs) if _in_notebook() else LineBar(epochs)
    return TqdmBar(module.tqdm, epochs)


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _has_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
