"""An event log holds what happened in a run that was watched: operations, cuts and sweeps."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...core.annotations import Array
from ...core.node import Node
from ...core.tree import leaves
from ...core.value import Value
from ...graphs.recording import Observer, Watcher, watched_by
from ...graphs.source_line import SourceLine, users_line
from ...graphs.sweep import reachable

# So many of the last backward passes are remembered, each with the operations before it.
_KEPT = 4


class OperationEvent:
    """A primitive applied at a line; ``muted`` is the line of the `no_grad` around it, if any."""

    __slots__ = ("line", "muted", "node", "recorded")

    def __init__(
        self, node: Node, recorded: bool, line: SourceLine | None, muted: Muted | None
    ) -> None:
        self.node, self.recorded, self.line, self.muted = node, recorded, line, muted


class Cut:
    """Numbers that left the graph at a line; a cut that was refused has no results.

    Sources and results are pairs of a node, or None, and numbers, as they were at that moment: a
    tensor may be given another node and other numbers later.
    """

    __slots__ = ("how", "line", "refused", "results", "sources", "subject")

    def __init__(self, how: str, source: object, result: object, line: SourceLine | None) -> None:
        self.how, self.subject, self.line = how, source, line
        self.refused = result is None
        self.sources, self.results = _parts(source), _parts(result)


def _parts(tree: object) -> list[tuple[Node | None, Any]]:
    return [(x.node, x.data) if isinstance(x, Value) else (None, x) for x in leaves(tree)]


class Sweep:
    """One backward pass: the cotangent of every node, and what each rule gave."""

    def __init__(self) -> None:
        self.cotangents: dict[Node, Any] = {}
        self.parts: dict[Node, Sequence[Any]] = {}

    @property
    def start(self) -> Node:
        """The value that was differentiated."""
        return next(iter(self.cotangents))

    def see(self, node: Node, g: Value | Array) -> None:
        """Note a whole cotangent."""
        self.cotangents[node] = plain(g)

    def note(self, node: Node, parts: Sequence[Any] | None) -> None:
        """Note what a rule gave."""
        if parts is not None:
            self.parts[node] = [None if part is None else plain(part) for part in parts]


class Pass:
    """A forward pass, and the sweep that ended it if one did."""

    def __init__(self) -> None:
        self.events: list[OperationEvent | Cut] = []
        self.sweep: Sweep | None = None


class Muted(Observer):
    """Sees the operations inside a `no_grad` block, which are not recorded."""

    def __init__(self, log: EventLog, line: SourceLine | None) -> None:
        self.log, self.line = log, line

    def see_forward(self, node: Node, recorded: bool) -> None:
        """Note an operation that is not recorded."""
        self.log.add(OperationEvent(node, recorded, users_line(), self))


class EventLog(Watcher):
    """Remembers the last few passes, and the first one whose gradient was not finite."""

    def __init__(self) -> None:
        self._passes: deque[Pass] = deque([Pass()], maxlen=_KEPT)
        self._first_bad: Pass | None = None
        self._sweep: Sweep | None = None

    # --- what it has seen

    @property
    def passes(self) -> list[Pass]:
        """The passes, oldest first."""
        first = self._first_bad
        old = [] if first is None or first in self._passes else [first]
        return [*old, *self._passes]

    @property
    def events(self) -> Iterator[OperationEvent | Cut]:
        """Operations and cuts in order."""
        return (event for one in self.passes for event in one.events)

    @property
    def sweeps(self) -> list[Sweep]:
        """The backward passes, oldest first."""
        return [one.sweep for one in self.passes if one.sweep is not None]

    # --- watching

    def inside_no_grad(self) -> Muted:
        """Return what sees the operations of a `no_grad` block that begins at the user's line."""
        return Muted(self, users_line())

    def add(self, event: OperationEvent | Cut) -> None:
        """Note an operation or a cut; after a sweep it begins another pass."""
        if self._passes[-1].sweep is not None:
            self._passes.append(Pass())
        self._passes[-1].events.append(event)

    def see_forward(self, node: Node, recorded: bool) -> None:
        """Note an operation."""
        self.add(OperationEvent(node, recorded, users_line(), None))

    def see_cut(self, how: str, source: object, result: object) -> None:
        """Note a cut."""
        self.add(Cut(how, source, result, users_line()))

    def see_cotangent(self, node: Node, g: Value | Array) -> None:
        """Note a cotangent; the first one begins a sweep."""
        if self._sweep is None:
            self._sweep = Sweep()
        self._sweep.see(node, g)

    def see_backward(self, node: Node, parts: Sequence[Any] | None) -> None:
        """Note what a rule gave."""
        if self._sweep is not None:
            self._sweep.note(node, parts)

    def see_end(self) -> None:
        """End the sweep, and the pass with it."""
        if self._sweep is None:
            return
        if self._passes[-1].sweep is not None:  # a second sweep over the same graph
            self._passes.append(Pass())
        last = self._passes[-1]
        last.sweep, self._sweep = self._sweep, None
        # The first NaN is kept, however long ago: all later ones may have come from it through the
        # weights.
        if self._first_bad is None and not all(map(_finite, last.sweep.cotangents.values())):
            self._first_bad = last


def of_graph(ends: Iterable[Node]) -> EventLog:
    """Return the log that a graph alone gives: operations without lines."""
    log = EventLog()
    for node in reachable(ends):
        if node.primitive is not None:
            log.add(OperationEvent(node, True, None, None))
    return log


def plain(x: Value | ArrayLike) -> Any:
    """Return the array of a value."""
    return np.asarray(x.data if isinstance(x, Value) else x)


def _finite(x: Array) -> bool:
    return x.dtype.kind != "f" or bool(np.isfinite(x).all())


class _Latest(threading.local):
    """The log of this thread's last block."""

    log: EventLog | None = None


_latest = _Latest()


def latest() -> EventLog | None:
    """Return the log of the block that runs, or ran last, in this thread."""
    return _latest.log


@contextmanager
def diagnose() -> Iterator[None]:
    """Record what `why` needs: the line of every operation, and where numbers leave the graph.

    Inside the ``with`` block, in this thread, operations cost several times as much, and the last
    few passes are kept in memory until another block begins. Outside nothing is recorded.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> w = ad.tensor([-1.0, -2.0], requires_grad=True)
    >>> with ad.diagnose():
    ...     loss = np.sum(np.maximum(w, 0))
    ...     loss.backward()
    >>> ad.why(w).cause
    'dead_relu'
    """
    log = _latest.log = EventLog()
    with watched_by(log):
        yield
