"""A flow is where numbers went in a recorded program, across the cuts of its graph too.

Operations on tensors are linked by the graph's nodes. Where numbers leave the graph they are
followed by the identity of arrays and Python floats: the same object is the same number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np

from ...core.node import Node
from ...core.value import Value
from ...graphs.source_line import SourceLine
from ...graphs.tensor import Tensor
from .event_log import Cut, EventLog, Muted, OperationEvent
from .families import reason_of

# A point that numbers pass: the node of a leaf or of an operation, or a cut.
FlowPoint = Node | Cut


# These events say something about a leaf; no numbers go anywhere.
_NOTES = ("cleared", "frozen", "gradient")


class Link(NamedTuple):
    """Numbers that went from one place to another; ``broken`` says how the graph was cut there."""

    source: FlowPoint
    target: FlowPoint
    broken: str | None
    line: SourceLine | None
    muted: Muted | None = None


class Flow:
    """The points that numbers passed in a log, and the links between them.

    ``known`` are leaves whose arrays may have been used without any operation on the leaf.
    """

    def __init__(self, log: EventLog, known: Iterable[Tensor] = ()) -> None:
        self.lines: dict[Node, SourceLine | None] = {}
        self.operations: dict[Node, OperationEvent] = {}
        self.cuts: list[Cut] = []
        self.places: list[FlowPoint] = []
        self.forward: dict[FlowPoint, list[Link]] = defaultdict(list)
        self.backward: dict[FlowPoint, list[Link]] = defaultdict(list)
        # By identity. The log keeps all these objects alive, so that no identity is used again.
        self._makers: dict[int, FlowPoint] = {
            id(x.data): x.node for x in known if x.node is not None and x.is_leaf
        }
        for event in log.events:
            self.places.append(event.node if isinstance(event, OperationEvent) else event)
            if isinstance(event, OperationEvent):
                self._add_operation(event)
            else:
                self._add_cut(event)

    # --- building it

    def _add_operation(self, operation: OperationEvent) -> None:
        node = operation.node
        self.operations[node] = operation
        self.lines[node] = operation.line
        for arg, parent in node.edges():
            source = parent if parent is not None else self.maker(arg)
            if parent is not None and parent.primitive is None:
                self._makers.setdefault(id(arg), parent)
            if source is not None:
                broken = _breach(operation, parent is not None)
                self._link(Link(source, node, broken, operation.line, operation.muted))
        self._makers[id(node.output)] = node

    def _add_cut(self, cut: Cut) -> None:
        self.cuts.append(cut)
        if cut.how in _NOTES:
            return
        nodes = [node for node, _ in cut.sources]
        for node, numbers in cut.sources:
            source = node if node is not None else self.maker(numbers)
            if source is not None:
                self._link(Link(source, cut, cut.how, cut.line))
        for node, numbers in cut.results:
            if node is None:
                self._makers[id(numbers)] = cut
                continue
            self.lines.setdefault(node, cut.line)
            if node not in nodes:  # a copy is a leaf of its own
                self._link(Link(cut, node, None, cut.line))

    def _link(self, link: Link) -> None:
        self.forward[link.source].append(link)
        self.backward[link.target].append(link)

    # --- asking it

    def maker(self, numbers: object) -> FlowPoint | None:
        """Return where an array, a view of it, or a Python float came from."""
        while numbers is not None:
            if isinstance(numbers, (np.ndarray, np.generic, float)):
                found = self._makers.get(id(numbers))
                if found is not None:
                    return found
            # A view is another object than the array whose numbers it shows.
            numbers = getattr(numbers, "base", None) if isinstance(numbers, np.ndarray) else None
        return None

    def place_of(self, x: object) -> FlowPoint | None:
        """Return where a value, an array or a number was made."""
        if isinstance(x, Value):
            return x.node if x.node is not None else self.maker(x.data)
        return self.maker(x)

    def _walk(self, start: Iterable[FlowPoint], *, back: bool, whole: bool) -> set[FlowPoint]:
        links = self.backward if back else self.forward
        seen = set(start)
        stack = list(seen)
        while stack:
            for link in links[stack.pop()]:
                end = link.source if back else link.target
                if end not in seen and (whole is False or link.broken is None):
                    seen.add(end)
                    stack.append(end)
        return seen

    def before(self, *places: FlowPoint) -> set[FlowPoint]:
        """Return all places that numbers came from, across cuts."""
        return self._walk(places, back=True, whole=False)

    def after(self, *places: FlowPoint) -> set[FlowPoint]:
        """Return all places that numbers went to, across cuts."""
        return self._walk(places, back=False, whole=False)

    def connected(self, *places: FlowPoint) -> set[FlowPoint]:
        """Return the places to which a graph leads, without a cut."""
        return self._walk(places, back=False, whole=True)

    def leaves(self) -> Iterator[Node]:
        """Yield the leaves that operations were applied to."""
        return (p for p in list(self.forward) if isinstance(p, Node) and p.primitive is None)


def _breach(operation: OperationEvent, by_node: bool) -> str | None:
    """Return how an operation cut the graph from one of its arguments, or None.

    ``by_node`` says that the argument came with a node; else it was recognised as an array.
    """
    if operation.recorded:
        return None if by_node else "data"
    node = operation.node
    if operation.muted is not None and node.output.dtype.kind == "f" and by_node:
        if node.primitive is not None and node.primitive.vjp is None:
            return reason_of(node)
        return "no_grad"
    if not by_node and (node.primitive is None or node.primitive.vjp is not None):
        return "no_grad" if operation.muted is not None else "data"
    return reason_of(node)
