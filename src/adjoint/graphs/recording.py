"""Recording: whether the operations of a thread enter a graph, and who looks on meanwhile."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

from ..core.annotations import Cotangent, Tree
from ..core.node import Node, Operation
from .sweep import pull_back


class Observer:
    """An observer sees operations when they are applied; abstract."""

    def see_forward(self, node: Operation, recorded: bool) -> None:
        """Look at an operation; one that is not recorded has a node for this occasion only."""
        raise NotImplementedError


class Watcher(Observer):
    """A watcher looks on while operations are recorded and swept; abstract, see `anomaly`."""

    # Whether constant operands are copied when they are recorded. A watcher that says no looks
    # for changes of them itself.
    copies: ClassVar[bool] = True

    def inside_no_grad(self) -> Observer | None:
        """Return who sees the operations of a `no_grad` block that begins here; by default none."""
        return None

    def see_cut(self, how: str, source: Tree, result: Tree) -> None:
        """Look at numbers that leave the graph; no result where that was refused."""

    def see_backward(self, node: Operation, parts: Sequence[Any] | None) -> None:
        """Look at a node before its rule runs (None), and at what the rule gave."""
        raise NotImplementedError

    def see_cotangent(self, node: Node, g: Cotangent) -> None:
        """Look at the whole cotangent of a node, leaves included."""

    def see_end(self) -> None:
        """Note the end of a sweep."""


class Mode:
    """The mode of a thread says whether its operations are recorded, and who sees them.

    Attributes
    ----------
    records : bool
        Whether operations on tensors that require a gradient are recorded.
    observer : Observer, optional
        Who sees operations when they are applied: the watcher where they are recorded, and in a
        `no_grad` block whom the watcher has left there.
    watcher : Watcher, optional
        Who sees sweeps, and numbers that leave the graph.
    """

    # Slots, not a named tuple's fields: every operation reads two of them.
    __slots__ = ("observer", "records", "watcher")

    def __init__(
        self, records: bool, observer: Observer | None = None, watcher: Watcher | None = None
    ) -> None:
        self.records, self.observer, self.watcher = records, observer, watcher


class _Thread(threading.local):
    """The mode of each thread, in one object: reading a thread's attribute is slow."""

    mode = Mode(records=True)


thread = _Thread()


class no_grad:
    """Record nothing inside the ``with`` block, in this thread alone; also a decorator.

    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> with ad.no_grad():
    ...     print((w * 2).requires_grad)
    False
    """

    _records = False

    def __enter__(self) -> None:
        self._before, watcher = thread.mode, thread.mode.watcher
        observer: Observer | None = watcher
        if watcher is not None and not self._records:
            observer = watcher.inside_no_grad()
        thread.mode = Mode(self._records, observer, watcher)

    def __exit__(self, *_: object) -> None:
        thread.mode = self._before

    def __call__(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return ``function`` run without (or with) recording."""

        @functools.wraps(function)
        def unrecorded(*args: object, **kwargs: object) -> Any:
            with type(self)():
                return function(*args, **kwargs)

        return unrecorded


class enable_grad(no_grad):
    """Record inside the ``with`` block, also within `no_grad`.

    >>> x = ad.tensor(3.0, requires_grad=True)
    >>> with ad.no_grad():
    ...     with ad.enable_grad():
    ...         y = x * x
    >>> y.requires_grad
    True
    """

    _records = True


@contextmanager
def set_grad_enabled(on: bool) -> Iterator[None]:
    """Record inside the ``with`` block if ``on``, else record nothing there.

    >>> with ad.set_grad_enabled(False):
    ...     ad.is_recording()
    False
    """
    with enable_grad() if on else no_grad():
        yield


def is_recording() -> bool:
    """Return whether operations on tensors are recorded in this thread.

    >>> with ad.no_grad():
    ...     ad.is_recording()
    False
    """
    return thread.mode.records


def is_watched() -> bool:
    """Return whether there is a watcher in this thread."""
    return thread.mode.watcher is not None


@contextmanager
def watched_by(watcher: Watcher) -> Iterator[None]:
    """Let ``watcher`` see all that this thread records and sweeps inside the ``with`` block."""
    before = thread.mode
    thread.mode = Mode(True, watcher, watcher)
    try:
        yield
    finally:
        thread.mode = before


def show_cut(how: str, source: Tree, result: Tree) -> None:
    """Show numbers that leave the graph to the watcher if there is one."""
    watcher = thread.mode.watcher
    if watcher is not None:
        watcher.see_cut(how, source, result)


def sweep_back(seeds: dict[Node, Any], **options: Any) -> dict[Node, Any]:
    """Pull cotangents back, and show the sweep to the watcher if there is one."""
    watcher = thread.mode.watcher
    if watcher is None:
        return pull_back(seeds, **options)
    found = pull_back(seeds, inspect=watcher.see_backward, visit=watcher.see_cotangent, **options)
    watcher.see_end()
    return found
