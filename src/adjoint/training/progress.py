"""A progress bar shows how far training is, where somebody is there to see it."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Protocol

# A bar of tqdm's that counts seconds.
_OF_SECONDS = "{percentage:3.0f}%|{bar}| {n_fmt}/{total_fmt} seconds{postfix}"
# Seconds between two updates of a bar, and between two lines of a log.
_REFRESH, _LOG = 0.1, 10.0


class Bar(Protocol):
    """What shows how far training is."""

    def show(self, done: int, told: str) -> None:
        """Say how much is done, and more in words."""

    def close(self) -> None:
        """Leave the last state on the screen."""


@contextmanager
def epoch_bar(epochs: int, wanted: bool | str) -> Iterator[Callable[[int, float], None]]:
    """Give a function that shows the epoch and its loss, where there is a bar to show it on."""
    with _shown(epochs, "epoch", wanted) as show:
        yield lambda epoch, loss: show(epoch, lambda: f"loss={loss:.4g}")


@contextmanager
def seconds_bar(seconds: float, wanted: bool | str) -> Iterator[Callable[[float, str], None]]:
    """Give a function that shows how much of a time is over and what goes on, on the same bars."""
    total = max(round(seconds), 1)
    with _shown(total, "second", wanted) as show:
        yield lambda over, told: show(min(int(over), total), lambda: told)


@contextmanager
def _shown(
    total: int, unit: str, wanted: bool | str
) -> Iterator[Callable[[int, Callable[[], str]], None]]:
    is_seen = _in_notebook() or _has_terminal()
    if not wanted or not (is_seen or wanted == "log"):
        yield lambda done, told: None
        return
    bar, refresh = (_bar(total, unit), _REFRESH) if is_seen else (LogBar(total, unit), _LOG)
    shown = perf_counter()

    def show(done: int, told: Callable[[], str]) -> None:
        # We look at the clock ourselves: even an update that tqdm skips takes as long as a step of
        # a small network.
        nonlocal shown
        now = perf_counter()
        if now - shown >= refresh or (is_seen and done == total):
            shown = now
            bar.show(done, told())

    try:
        yield show
    finally:
        bar.close()


class TqdmBar:
    """The bar of tqdm: its widget in a notebook that has widgets, text on stderr elsewhere."""

    def __init__(self, tqdm: Any, total: int, unit: str) -> None:
        # tqdm would say how many of them there are a second.
        form = {"bar_format": _OF_SECONDS} if unit == "second" else {}
        self.bar = tqdm(total=total, unit=unit, file=sys.stderr, mininterval=_REFRESH, **form)

    def show(self, done: int, told: str) -> None:
        """Say how much is done, and more in words."""
        self.bar.set_postfix_str(told, refresh=False)
        self.bar.n = done
        self.bar.refresh()

    def close(self) -> None:
        """Leave the last state on the screen."""
        self.bar.close()


class NotebookBar:
    """A bar of the browser's own, for notebooks without tqdm or without widgets."""

    def __init__(self, total: int, unit: str) -> None:
        shown = importlib.import_module("IPython.display")
        self.total, self.unit, self._html = total, unit, shown.HTML
        self._handle = shown.display(self._html(self._written(0, "")), display_id=True)

    def _written(self, done: int, told: str) -> str:
        bar = f'<progress value="{done}" max="{self.total}"></progress>'
        return f"<div>{bar} {done}/{self.total} {self.unit}s{told}</div>"

    def show(self, done: int, told: str) -> None:
        """Say how much is done, and more in words."""
        if self._handle is not None:  # outside of a cell there is nothing to show it on
            self._handle.update(self._html(self._written(done, f", {told}")))

    def close(self) -> None:
        """Leave the last state on the screen."""


class LineBar:
    """A line of text on stderr that is written over, for terminals without tqdm."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit, self.file, self._width = total, unit, sys.stderr, 0

    def show(self, done: int, told: str) -> None:
        """Say how much is done, and more in words."""
        text = f"{done}/{self.total} {self.unit}s, {told}"
        self.file.write(f"\r{text.ljust(self._width)}")
        self.file.flush()
        self._width = len(text)

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._width:
            self.file.write("\n")


class LogBar:
    """A line on stderr now and then, for a log that someone reads later."""

    def __init__(self, total: int, unit: str) -> None:
        self.total, self.unit = total, unit

    def show(self, done: int, told: str) -> None:
        """Say how much is done, and more in words."""
        print(f"{done}/{self.total} {self.unit}s, {told}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """Leave it at that."""


def _bar(total: int, unit: str) -> Bar:
    # Whether there are widgets tqdm itself finds out only when it makes a bar.
    needed = ("ipywidgets", "tqdm.notebook") if _in_notebook() else ("tqdm",)
    try:
        *_, module = map(importlib.import_module, needed)
    except ImportError:
        return NotebookBar(total, unit) if _in_notebook() else LineBar(total, unit)
    return TqdmBar(module.tqdm, total, unit)


def _in_notebook() -> bool:
    return "ipykernel" in sys.modules


def _has_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
