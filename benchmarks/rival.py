"""A rival is one way to do a benchmark's work; made in a process of its own, it is a contestant."""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import numpy as np


class SkippedError(Exception):
    """A rival cannot take part; the text says why, and stands in its row of the table."""


@dataclass(frozen=True)
class Contestant:
    """A rival made ready.

    Attributes
    ----------
    run : callable
        ``run(count)`` does the work that many times and returns the seconds it took.
    result : callable
        The numbers by which the work is compared with the reference's, always from the same start.
    start : callable
        Does the work once with all that a first time costs: what the latency benchmark times.
    about : callable
        What is to be known of how the work is done, as the tier it runs in; asked after it was.
    """

    run: Callable[[int], float]
    result: Callable[[], Any]
    start: Callable[[], Any]
    about: Callable[[], str] = field(default=lambda: "")


def contestant(
    work: Callable[[int], Any], result: Callable[[], Any], about: Callable[[], str] = lambda: ""
) -> Contestant:
    """Return a contestant from a function that does the work a number of times."""
    return Contestant(timed(work), result, lambda: work(1), about)


def of_gradients(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    """Return the contestant of a call that gives a value and the gradients of several arrays."""

    def result() -> Any:
        value, gradients = call()
        return np.concatenate([np.ravel(x).astype(float) for x in (value, *gradients)])

    return contestant(repeated(call), result, about)


def timed(work: Callable[[int], Any]) -> Callable[[int], float]:
    """Return a function that does the work a number of times and returns the seconds it took."""

    def run(count: int) -> float:
        start = perf_counter()
        work(count)
        return perf_counter() - start

    return run


def repeated(once: Callable[[], Any]) -> Callable[[int], None]:
    """Return a function that does something a number of times."""

    def work(count: int) -> None:
        for _ in range(count):
            once()

    return work


@dataclass(frozen=True)
class Rival:
    """A name in the table and what makes the contestant.

    Attributes
    ----------
    name : str
    make : callable
        Imports what it needs and returns a `Contestant`; compiles nothing yet.
    needs : tuple of str
        Modules, or "cc", without which the rival is skipped.
    quick : bool
        Whether it takes part in a quick run.
    """

    name: str
    make: Callable[[], Contestant]
    needs: tuple[str, ...] = ()
    quick: bool = False

    def missing(self) -> str:
        """Return what is not installed, or nothing."""
        return ", ".join(need for need in self.needs if not is_installed(need))


def is_installed(need: str) -> bool:
    """Return whether there is a module of this name, or for "cc" a C compiler."""
    if need == "cc":
        return shutil.which("cc") is not None
    return importlib.util.find_spec(need) is not None
