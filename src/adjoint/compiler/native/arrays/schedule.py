"""A schedule is the order in which a graph's arrays are computed, and where each of them lies.

An elementwise operation is not scheduled by itself: it is computed in the loops of what reads it,
unless its result has to be in memory (see `materialization`). Loops over the same shape are joined,
so that an array is read once for all that is computed from it.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from ....core.node import Node, Operation
from ....graphs.graph import Graph
from ....graphs.loops.row import RESULT
from ...simplify.loops import DOUBT, is_loop, layout_of
from ..entries import kind_of
from ..formats import FORMATS
from ..unlowerable import Unlowerable
from .materialization import materialized_nodes, shared_nodes
from .operands import Operand, broadcast_operand, is_elementwise, is_move, moved_view, operands
from .parts import (
    Loops,
    Multiplication,
    Part,
    RandomFill,
    Reduction,
    Root,
    Turns,
    reads_of,
    wholes_of,
)
from .picking import IndexArray, Pick, pick_computed, pick_known
from .strided_view import Allocation, Role, StridedView, constant_view

REDUCTIONS = {
    "sum": "add",
    "prod": "multiply",
    "max": "maximum",
    "min": "minimum",
    "any": "logical_or",
    "all": "logical_and",
}
RUNNING = {"cumsum": "add", "cumprod": "multiply"}
PRODUCTS = ("matmul", "strong_matmul")
DRAWS = ("uniform",)
LOOPS = ("scan", "while_loop", "cond")
# The axes of an operand that is read at other points than the one that is computed.
_ELSEWHERE = (-1,)
# The number of operations from which on loops are not joined any more. What passes between two
# nests goes through memory, but a long nest runs out of registers, and LLVM takes long to compile
# it.
_MOST_OPERATIONS = 50
# How many products read a right factor so often that a copy whose rows are contiguous pays.
_OFTEN = 4


class Schedule:
    """The parts of a graph's evaluation, in order.

    Raises
    ------
    Unlowerable
        If an operation cannot be computed by loops or products.

    Attributes
    ----------
    parts : list of Part
    views : dict of Node to StridedView
        Where values lie that are in memory.
    picks : dict of Node to Pick
        How values are read that are entries of others, named by numbers.
    shared : set of Node
        The nodes that more than one operation reads.
    """

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.shared = shared_nodes(graph)
        self.parts: list[Part] = []
        self.views: dict[Node, StridedView] = {}
        self._constants: dict[int, tuple[Any, StridedView]] = {}
        # The number of the part after which a view holds its value.
        self._ready: dict[Node, int] = {}
        # The number of the loops that store a node, if loops do.
        self._rooted: dict[Node, int] = {}
        # The numbers of the loops over each shape that may still take on operations.
        self._open: dict[tuple[int, ...], list[int]] = {}
        self.picks: dict[Node, Pick] = {}
        self._right_factors = Counter(
            node.parents[1] for node in graph.nodes if node.primitive.name in PRODUCTS
        )
        # Where the results of loops lie, and the number of the part after which they are there.
        self._results: dict[Node | None, tuple[tuple[StridedView, ...], int]] = {}
        # Copies of values whose entries lie apart, for what reads them often.
        self._copies: dict[Node, StridedView] = {}
        self._outputs = _first_outputs(graph)
        self._needed, self._materialized = materialized_nodes(
            graph, self._outputs, (*PRODUCTS, *DRAWS, *LOOPS), (*REDUCTIONS, *RUNNING)
        )
        for number, symbol in enumerate(graph.inputs):
            assert symbol.node is not None
            allocation = Allocation(Role.INPUT, kind_of(symbol.dtype), symbol.size, number)
            self._put(symbol.node, StridedView.of(allocation, symbol.shape), -1)
        for node in graph.nodes:
            self._add(node)
        for number, output in enumerate(graph.outputs):
            self._copy_output(number, output)
        self._forget_unread()

    def view(self, arg: Any, node: Node | None) -> StridedView:
        """Return where an operand lies."""
        if node is not None:
            return self.views[node]
        # The array is remembered with its view, since a new array might get the identity of one
        # that is gone.
        return self._constants.setdefault(id(arg), (arg, constant_view(arg)))[1]

    def reads(self, operand: Operand) -> Iterator[Operand]:
        """Yield the operands in memory, other than constants, that an operand is computed from."""
        seen: set[Any] = set()
        pending = [operand]
        while pending:
            operand = pending.pop()
            node = operand.node
            if node is None or (node, operand.axes) in seen:
                continue
            seen.add((node, operand.axes))
            if node in self.views:
                yield operand
            elif node in self.picks:
                pending += [index.operand(operand.axes) for index in self.picks[node].indices]
                if node.parents[0] is not None:
                    yield Operand(node.args[0], node.parents[0], _ELSEWHERE)
            else:
                pending += operands(operand)

    def is_view_of(self, target: StridedView, node: Node | None) -> bool:
        """Return whether a view is the memory of a node's value, rather than of a copy."""
        return node is not None and self.views.get(node) is target

    def _put(self, node: Node, view: StridedView, ready: int) -> None:
        self.views[node], self._ready[node] = view, ready

    def _target(self, node: Node) -> StridedView:
        """Return memory for a node's value: that of an output, if the node is one."""
        spec, number = node.output, self._outputs.get(node, -1)
        role = Role.TEMPORARY if number < 0 else Role.OUTPUT
        return _new_view(role, spec, number)

    # --- parts ------------------------------------------------------------------------------------

    def _add(self, node: Operation) -> None:
        name = node.primitive.name
        if is_loop(node):
            self._turn(node)
            return
        if node.primitive is RESULT:
            self._read_result(node)
            return
        kind_of(node.output.dtype)
        if 0 in node.output.shape or any(0 in np.shape(arg) for arg in node.args):
            raise Unlowerable(f"{name} of arrays without entries")
        if is_elementwise(node):
            if node in self._materialized:
                self._materialize(node)
        elif is_move(node):
            self._move(node)
        elif name in REDUCTIONS or name in RUNNING:
            self._reduce(node)
        elif name == "linear_recurrence":
            self._recur(node)
        elif name in PRODUCTS:
            self._multiply(node)
        elif name in DRAWS:
            target = self._target(node)
            state = self.view(node.args[0], node.parents[0])
            self._append(node, RandomFill(state, target), target)
        elif name == "concatenate":
            self._join(node)
        elif name in ("scatter_add", "put_at"):
            self._write_part(node)
        elif name == "index":
            view = self.view(node.args[0], node.parents[0])
            self._pick(node, pick_computed(view, _key(node), _arrays(node, 1)))
        else:
            raise Unlowerable(f"{name} has no native rule")

    def _turn(self, node: Operation) -> None:
        """Add a loop or a choice; its results lie where those who take them look for them."""
        layout = layout_of(node)
        if any(0 in spec.shape for spec in layout.specs):
            raise Unlowerable(f"{node.primitive.name} with results without entries")
        takers = {
            other.params["number"]: other
            for other in reversed(self.graph.nodes)
            if other.primitive is RESULT and other.parents[0] is node
        }
        if node in self._outputs:
            raise Unlowerable(f"{node.primitive.name} whose results are not taken apart")
        operands = tuple(self._contiguous(*edge) for edge in node.edges())
        results = tuple(
            self._target(takers[n]) if n in takers else _new_view(Role.TEMPORARY, spec, -1)
            for n, spec in enumerate([*layout.specs, DOUBT])
        )
        self.parts.append(Turns(node, operands, results[:-1], results[-1]))
        self._results[node] = results, len(self.parts) - 1

    def _read_result(self, node: Operation) -> None:
        source = node.parents[0]
        if source not in self._results:
            raise Unlowerable("the results of a loop apart from it")
        views, ready = self._results[source]
        self._put(node, views[node.params["number"]], ready)

    def _contiguous(self, arg: Any, node: Node | None) -> StridedView:
        """Return where an operand lies, entry after entry; in a copy if it lies otherwise."""
        view = self.view(arg, node)
        shape = tuple(np.shape(arg) if node is None else arg.shape)
        if 0 in shape:
            raise Unlowerable("arrays without entries")
        whole = StridedView.of(view.allocation, shape)
        if all(
            size == 1 or one == other
            for size, one, other in zip(shape, view.strides, whole.strides, strict=True)
        ):
            return view
        assert node is not None
        copy = _new_view(Role.TEMPORARY, arg, -1)
        self._store(broadcast_operand(arg, node, len(shape)), copy)
        return copy

    def _materialize(self, node: Operation) -> None:
        target = self._target(node)
        at = self._store(broadcast_operand(node.output, node, node.output.ndim), target)
        self._put(node, target, at)
        self._rooted[node] = at

    def _store(
        self,
        operand: Operand,
        target: StridedView,
        *,
        after: int = -1,
        indices: tuple[IndexArray, ...] = (),
        adds: bool = False,
    ) -> int:
        """Let the earliest possible loops store an operand, and return their number."""
        axes = tuple(range(len(target.shape)))
        numbers = [index.operand(axes) for index in indices]
        reads = tuple(read for x in (operand, *numbers) for read in self.reads(x))
        # Loops can take part in what they read themselves, if it is the entry at the same point: it
        # is then in a register. Everything else must be complete before.
        earliest = after + 1
        for read in reads:
            assert read.node is not None
            ready = self._ready[read.node]
            fused = _is_same_entry(read, target.shape) and self._rooted.get(read.node) == ready
            earliest = max(earliest, ready if fused else ready + 1)
        at = self._loops(target.shape, earliest)
        part = self.parts[at]
        assert isinstance(part, Loops)
        part.roots.append(Root(operand, target, reads, indices, adds))
        part.operations += 1 if operand.node is None else self._materialized.get(operand.node, 1)
        return at

    def _loops(self, shape: tuple[int, ...], earliest: int) -> int:
        """Return the number of the first loops over a shape from a part on, new ones if need be."""
        numbers = self._open.setdefault(shape, [])
        place = bisect_left(numbers, earliest)
        while place < len(numbers):
            part = self.parts[numbers[place]]
            assert isinstance(part, Loops)
            if part.operations < _MOST_OPERATIONS:
                return numbers[place]
            del numbers[place]
        self.parts.append(Loops(shape))
        numbers.append(len(self.parts) - 1)
        return numbers[-1]

    def _append(self, node: Operation, part: Part, target: StridedView) -> None:
        self.parts.append(part)
        self._put(node, target, len(self.parts) - 1)

    def _reduce(self, node: Operation) -> None:
        arg, name = node.args[0], node.primitive.name
        axis = node.params["axis"]
        axes = range(arg.ndim) if axis is None else [a % arg.ndim for a in np.atleast_1d(axis)]
        running = name in RUNNING
        if running and axis is None and arg.ndim != 1:
            raise Unlowerable(f"{name} over several axes")
        operand = broadcast_operand(arg, node.parents[0], arg.ndim)
        copies = self._in_order(operand, arg.shape)
        target = self._target(node)
        root = Root(operand, target, tuple(self.reads(operand)), copies=copies)
        operation = (RUNNING if running else REDUCTIONS)[name]
        self._append(node, Reduction(root, frozenset(map(int, axes)), operation, running), target)

    def _in_order(
        self, operand: Operand, shape: tuple[int, ...]
    ) -> tuple[tuple[Node, StridedView], ...]:
        """Copy scattered entries that loops over a shape would collect again and again.

        They would where vectors run along a loop for the sake of others, which are contiguous.
        """
        reads = [read for read in self.reads(operand) if read.node in self.views]
        along = {axis for read in reads for axis, step in self._steps(read) if step == 1}
        copies = {}
        for read in reads:
            steps = self._steps(read)
            count = math.prod(shape[axis] for axis, _ in steps)
            is_scattered = all(step != 1 for _, step in steps)
            is_read_often = _OFTEN * count <= math.prod(shape)
            if is_scattered and is_read_often and not along.isdisjoint(dict(steps)):
                assert read.node is not None
                copies[read.node] = self._copy_of(read.arg, read.node)
        return tuple(copies.items())

    def _steps(self, read: Operand) -> list[tuple[int, int]]:
        """Return the loops along which an operand in memory moves on, with the strides."""
        assert read.node is not None
        steps = zip(read.axes, self.views[read.node].strides, strict=False)
        return [(axis, step) for axis, step in steps if axis is not None and step]

    def _recur(self, node: Operation) -> None:
        """Add a linear recurrence along an axis: total = factor · total + term."""
        ndim = len(node.output.shape)
        factor, term = (broadcast_operand(arg, parent, ndim) for arg, parent in node.edges())
        target = self._target(node)
        root = Root(term, target, (*self.reads(term), *self.reads(factor)))
        axis = node.params["axis"] % ndim
        self._append(node, Reduction(root, frozenset([axis]), "add", True, factor), target)

    def _multiply(self, node: Operation) -> None:
        kind = kind_of(node.output.dtype)
        if kind not in FORMATS or any(kind_of(arg.dtype) != kind for arg in node.args):
            raise Unlowerable("matmul of numbers of different kinds")
        target = self._target(node)
        left = self.view(node.args[0], node.parents[0])
        right = self._right_factor(node.args[1], node.parents[1])
        self._append(node, Multiplication(left, right, target), target)

    def _right_factor(self, arg: Any, node: Node | None) -> StridedView:
        """Return where a right factor lies: if its rows are scattered and read often, in a copy.

        Every product would put them in order for itself.
        """
        view = self.view(arg, node)
        if node is None or view.strides[-1] == 1 or self._right_factors[node] < _OFTEN:
            return view
        return self._copy_of(arg, node)

    def _copy_of(self, arg: Any, node: Node) -> StridedView:
        """Return where a contiguous copy of a value lies."""
        if node not in self._copies:
            copy = self._copies[node] = _new_view(Role.TEMPORARY, arg, -1)
            self._store(broadcast_operand(arg, node, len(copy.shape)), copy)
        return self._copies[node]

    def _move(self, node: Operation) -> None:
        parent, arg = node.parents[0], node.args[0]
        if parent not in self.views:
            return  # it is computed where it is read, as its operand is
        assert parent is not None
        view = moved_view(self.views[parent], node)
        if view is not None:
            self._put(node, view, self._ready[parent])
        elif node.primitive.name == "reshape":
            # The operand is not contiguous; a contiguous copy can be reshaped without moving
            # entries.
            copy = _new_view(Role.TEMPORARY, arg, -1)
            at = self._store(broadcast_operand(arg, parent, arg.ndim), copy)
            view = moved_view(copy, node)
            assert view is not None
            self._put(node, view, at)
        else:
            self._pick(node, pick_known(self.views[parent], node))

    def _pick(self, node: Operation, pick: Pick) -> None:
        """Let a value be read by numbers wherever it is used, rather than be copied once."""
        self.picks[node] = pick
        if node in self._needed:
            target = self._target(node)
            at = self._store(broadcast_operand(node.output, node, node.output.ndim), target)
            self._put(node, target, at)

    # --- parts of arrays --------------------------------------------------------------------------

    def _join(self, node: Operation) -> None:
        """Store arrays side by side, each in a part of the result."""
        target, start, at = self._target(node), 0, -1
        axis = node.params["axis"] % len(target.shape)
        for arg, parent in node.edges():
            stop = start + np.shape(arg)[axis]
            key = (*[slice(None)] * axis, slice(start, stop))
            part = target.moved(lambda x, key=key: x[key])  # type: ignore[misc]
            assert part is not None
            at = max(at, self._store(broadcast_operand(arg, parent, len(part.shape)), part))
            start = stop
        self._put(node, target, at)

    def _write_part(self, node: Operation) -> None:
        """Store an array, or zeros, and then write or add some entries."""
        adds = node.primitive.name == "scatter_add"
        target, key = self._target(node), _key(node)
        whole: tuple[Any, Node | None] = (0.0, None)
        value = node.args[0], node.parents[0]
        if not adds:
            whole, value = value, (node.args[1], node.parents[1])
        # The other entries come first: a later part may then write over them.
        before = self._store(broadcast_operand(*whole, len(target.shape)), target)
        arrays = _arrays(node, 1 if adds else 2)
        part = target.moved(lambda x: x[key]) if not arrays else None
        pick = Pick(part, ()) if part is not None else pick_computed(target, key, arrays)
        at = self._store(
            broadcast_operand(*value, len(pick.view.shape)),
            pick.view,
            after=before,
            indices=pick.indices,
            adds=adds and bool(arrays),
        )
        self._put(node, target, at)

    # --- outputs ----------------------------------------------------------------------------------

    def _copy_output(self, number: int, output: Any) -> None:
        """Store an output whose value does not lie in its memory yet."""
        node = getattr(output, "node", None)
        view = None if node is None else self.views.get(node)
        if view is None or (view.allocation.role, view.allocation.number) != (
            Role.OUTPUT,
            number,
        ):
            arg = output if node is None else output.data
            target = _new_view(Role.OUTPUT, output, number)
            self._store(broadcast_operand(arg, node, len(target.shape)), target)

    def _forget_unread(self) -> None:
        """Leave out the stores of values that only the loops which compute them read."""
        needed: set[Allocation] = set()
        for number, part in enumerate(self.parts):
            for read in reads_of(part):
                assert read.node is not None
                shape = part.shape if isinstance(part, Loops) else None
                if self._rooted.get(read.node) != number or not _is_same_entry(read, shape):
                    needed.add(self.views[read.node].allocation)
            needed |= {view.allocation for view in wholes_of(part)}
        for part in self.parts:
            if isinstance(part, Loops):
                part.roots = [
                    root
                    if root.target.allocation.role is Role.OUTPUT
                    or root.target.allocation in needed
                    else replace(root, is_stored=False)
                    for root in part.roots
                ]


def _is_same_entry(read: Operand, shape: tuple[int, ...] | None) -> bool:
    """Return whether loops over a shape read a value at the point at which they compute it."""
    assert read.node is not None
    own = read.node.output
    return own.shape == shape and read.axes == broadcast_operand(own, read.node, own.ndim).axes


def _new_view(role: Role, spec: Any, number: int) -> StridedView:
    shape = tuple(spec.shape)
    return StridedView.of(Allocation(role, kind_of(spec.dtype), math.prod(shape), number), shape)


def _key(node: Operation) -> tuple[Any, ...]:
    key: tuple[Any, ...] = node.params["key"]
    return key


def _arrays(node: Operation, start: int) -> list[tuple[Any, Node | None]]:
    """Return the index arrays among a node's operands."""
    return list(zip(node.args[start:], node.parents[start:], strict=True))


def _first_outputs(graph: Graph) -> dict[Node, int]:
    """Return the nodes that are outputs, each with the first number that it has among them."""
    found: dict[Node, int] = {}
    inputs = {symbol.node for symbol in graph.inputs}
    for number, output in enumerate(graph.outputs):
        node = getattr(output, "node", None)
        # A movement's result lies in the memory of its operand, so it is copied.
        if node is not None and node not in inputs and not is_move(node):
            found.setdefault(node, number)
    return found
