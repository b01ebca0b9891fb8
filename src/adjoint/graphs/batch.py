"""A batch is all rows of the arguments of `vmap`, and what a function of one row does with each."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import Operand, Tree
from ..core.batching import Rows
from ..core.node import Node, Operation
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.tree import map_leaves
from ..core.value import Value
from ..core.views import as_argument, as_scalar
from ..errors import ShapeError
from ..ops.axes import moveaxis
from ..ops.random import HALF, advanced, running
from .lift import lift
from .row_axes import Axes, axis_of_leaves
from .sweep import reachable
from .symbol import Symbol, node_of
from .tensor import Tensor


class _Place(NamedTuple):
    """An argument with rows: its number, and its rows first."""

    argument: object
    axis: int
    rows: Any


class _Draws:
    """What is drawn from one random state.

    Attributes
    ----------
    state : Value
        The one that the function refers to.
    data, node
        Its own, as they were before the first draw.
    steps : Symbol
        How many draws there were in the rows before a row.
    count : int
        How often a row draws.
    last : array or value
        The state after all rows.
    """

    def __init__(self, state: Any) -> None:
        self.state, self.data, self.node = state, state.data, state.node
        self.steps = Symbol.input(Spec((), state.dtype))
        self.count = 0
        self.last: Any = None


class Batch:
    """The rows of all arguments, and the symbols that stand for one of each.

    Attributes
    ----------
    args, kwargs
        The arguments with a symbol in the place of each array that has rows.
    size : int
        How many rows there are.
    """

    def __init__(self, args: Any, kwargs: Mapping[str, Tree]) -> None:
        self.values: dict[Node, Any] = {}
        self.draws: dict[int, _Draws] = {}
        self.places: list[_Place] = []
        self.args = [self._rows_of(n, axes, arg) for n, (axes, arg) in enumerate(args)]
        self.kwargs = {name: self._rows_of(name, 0, arg) for name, arg in kwargs.items()}
        if not self.places:
            raise ValueError(
                "vmap: no argument has rows; in_axes must name an axis of at least one of them"
            )
        self.size = self._common_size()

    def _rows_of(self, argument: object, axes: Axes, tree: Tree) -> Tree:
        found = axis_of_leaves(axes, tree, "in_axes")
        return map_leaves(lambda leaf: self._row(argument, next(found), leaf), tree)

    def _row(self, argument: object, axis: int | None, leaf: Operand) -> Any:
        if axis is None:
            return _fixed(leaf)
        rows = leaf if isinstance(leaf, Value) else np.asarray(as_operand(leaf))
        ndim = len(rows.shape)
        if not -ndim <= axis < ndim:
            raise ShapeError(
                f"vmap: argument {argument!r} of shape {rows.shape} has no axis {axis} along which "
                "its rows could lie; give it None in in_axes if it is the same for all rows"
            )
        rows = rows if axis == 0 else moveaxis(rows, axis, 0)
        self.places.append(_Place(argument, axis, rows))
        symbol = Symbol.input(Spec(tuple(rows.shape[1:]), rows.dtype))
        self.values[node_of(symbol)] = rows
        return as_argument(symbol) if symbol.shape else as_scalar(symbol)

    def _common_size(self) -> int:
        sizes = {place.rows.shape[0] for place in self.places}
        if len(sizes) > 1:
            told = ", ".join(
                f"{place.rows.shape[0]} in argument {place.argument!r} (axis {place.axis})"
                for place in self.places
            )
            raise ValueError(f"vmap: the numbers of rows differ: {told}")
        return int(sizes.pop())

    # --- random numbers

    def state_of_row(self, state: Any, seen: Any) -> Any:
        """Return a random state as each row sees it: after all draws of the rows before it."""
        if id(state) not in self.draws:
            self.draws[id(state)] = _Draws(state)
        drawn = self.draws[id(state)]
        drawn.count += 1
        return advanced(seen, drawn.steps)

    @contextmanager
    def drawing(self, *, put_back: bool) -> Iterator[None]:
        """Give each row random numbers of its own in the ``with`` block.

        With ``put_back`` the states are after it as they were before: they are watched. It is
        `advance` that leaves them where the last row does.
        """
        running.batches.append(self)
        try:
            yield
        finally:
            running.batches.pop()
        for drawn in self.draws.values():
            before = np.arange(self.size) * drawn.count % HALF
            self.values[node_of(drawn.steps)] = before.astype(drawn.state.dtype)
            more = (self.size - 1) * drawn.count
            for outer in running.batches:
                outer.draws[id(drawn.state)].count += more
            drawn.last = advanced(drawn.state, more % HALF)
            if put_back:
                drawn.state.data, drawn.state.node = drawn.data, drawn.node

    def advance(self) -> None:
        """Set the random states to where all rows leave them."""
        for drawn in self.draws.values():
            drawn.state.adopt(drawn.last)

    def evaluate(self, outputs: Sequence[Any]) -> list[tuple[Any, bool]]:
        """Return each output, with the rows first where it depends on them, and whether it does."""
        ends = [x.node for x in outputs if isinstance(x, Value) and x.node is not None]
        since = min(node.order for node in self.values)
        nodes = reachable(ends, since=since)
        outer = _seen_from_outside(nodes, since)
        for node in nodes:
            if isinstance(node, Operation) and not self.values.keys().isdisjoint(node.parents):
                self.values[node] = self._applied(node, outer)
        return [
            (self.values[x.node], True)
            if isinstance(x, Value) and x.node in self.values
            else (x, False)
            for x in outputs
        ]

    def _applied(self, node: Operation, outer: Container[Node]) -> Any:
        """Return the result of an operation in all rows."""
        mapped = [parent in self.values for parent in node.parents]
        operands = [self._operand(payload, parent, outer) for payload, parent in node.edges()]
        rows = Rows(node.primitive, operands, mapped, self.size, node.output)
        with np.errstate(all="ignore"):
            return node.primitive.analyses.batch(rows, **node.params)

    def _operand(self, payload: Any, parent: Node | None, outer: Container[Node]) -> Any:
        if parent is None:
            return payload
        if parent in self.values:
            return self.values[parent]
        is_seen = parent in outer or isinstance(payload, Spec)
        return lift(payload, parent) if is_seen else payload


def _fixed(leaf: Operand) -> Any:
    """Return an argument that is the same in all rows, such that a row can index or enter it."""
    if isinstance(leaf, np.ndarray) and leaf.dtype.kind in "biuf" and leaf.shape:
        return as_argument(Tensor(as_operand(leaf), None))
    return leaf


def _seen_from_outside(nodes: Sequence[Node], since: int) -> set[Node]:
    """Return the nodes of values that are recorded outside of the function, or made of such.

    Others stand for arrays that the function itself began to differentiate by, as the unmapped
    arguments of `grad`: nobody asks for a derivative with respect to these any more.
    """
    found: set[Node] = set()
    for node in nodes:
        parents = [parent for parent in node.parents if parent is not None]
        found.update(parent for parent in parents if parent.order < since)
        if not found.isdisjoint(parents):
            found.add(node)
    return found
