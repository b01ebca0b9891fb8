"""`vmap` applies a function of one row to many rows at once, without a loop in Python.

The function is called once, with a symbol in the place of each row. What it did with the symbols is
then done with all rows, by the batching rule of each primitive. Since the rules are made of
primitives, the result is differentiated, traced and batched again as any other code.
"""

from __future__ import annotations

import functools
from collections.abc import Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import index
from typing import Any, NamedTuple

import numpy as np

from ..core.annotations import Function, Operand, Tree
from ..core.batching import Rows
from ..core.memory import separate
from ..core.node import Node, Operation
from ..core.operand import as_operand
from ..core.spec import Spec
from ..core.tree import leaves, map_leaves
from ..core.value import Value
from ..core.views import as_argument, as_scalar
from ..errors import ShapeError
from ..ops.axes import moveaxis
from ..ops.random import HALF, advanced, running
from ..ops.structural import broadcast_to
from .lift import lift
from .sweep import reachable
from .symbol import Symbol, node_of
from .tensor import Tensor
from .tracing.tracer import Tracer, current, traced_by

Axes = int | None | Tree


def vmap(function: Function, in_axes: Axes = 0, out_axes: Axes = 0) -> Function:
    """Return a function that applies ``function`` to every row of its arguments at once.

    A row is what is left of an array when one axis is fixed. ``function`` is written for a single
    row. It is called once, with symbols, so that it cannot branch on the numbers of a row; what it
    computes for all rows is done by a few operations on whole arrays.

    Parameters
    ----------
    function : callable
        Takes arrays, or trees of arrays, and returns an array or a tree of arrays.
    in_axes : int, None, or a tuple, list or dict of them
        Along which axis the rows of each argument lie; None for an argument that is the same for
        all rows. One for all arguments, or a tuple of one for each; in the place of an argument
        that is a tree there may be a tree of the same structure. Keyword arguments have their rows
        along the first axis.
    out_axes : int, None, or a tree of them
        Along which axis of each result the rows shall lie; None for a result that is the same for
        all rows, which is then given once.

    Returns
    -------
    callable
        Takes what ``function`` takes, with one axis more where there are rows, and gives the
        results of all rows. Its results and derivatives are those of a loop over the rows, to
        rounding. It may be nested, differentiated and compiled, and so may ``function``.

    Raises
    ------
    ValueError
        When called, if no argument has rows, the numbers of rows differ, or ``in_axes`` or
        ``out_axes`` has not the structure of the arguments or results.
    ShapeError
        When called, if an argument has no such axis.
    TypeError
        When called, if the function branches on a row's numbers (take `where`), draws random
        numbers from a generator, or changes something outside of itself. `nn.Dropout` draws for
        each row what it would in a loop.

    Notes
    -----
    A few operations have no rule for many rows and are done for one after another, in a loop:
    functions with rules of your own (`custom_vjp`, `custom_jvp`), ``np.convolve``, `uniform`,
    ``np.searchsorted`` and ``np.interp`` where the sorted array differs from row to row.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> X = np.array([[3.0, 4.0], [6.0, 8.0]])
    >>> ad.vmap(np.linalg.norm)(X)
    array([ 5., 10.])

    The gradient of the loss of each row, of the same weights:

    >>> def loss(w, x, y):
    ...     return (w @ x - y) ** 2
    >>> w, y = np.array([1.0, -1.0]), np.array([0.0, 1.0])
    >>> ad.vmap(ad.grad(loss), in_axes=(None, 0, 0))(w, X, y)
    array([[ -6.,  -8.],
           [-36., -48.]])
    """
    if not callable(function):
        raise TypeError(f"vmap: expected a function, got {type(function).__name__}")

    @functools.wraps(function)
    def of_all_rows(*args: Tree, **kwargs: Tree) -> Any:
        axes = _axes_of_arguments(in_axes, args)
        batch = _Batch(zip(axes, args, strict=True), kwargs)
        is_traced = current() is not None
        with _watched(function), batch.drawing(put_back=not is_traced):
            result = function(*batch.args, **batch.kwargs)
        batch.advance()
        found = batch.evaluate(list(leaves(result)))
        placed = _placed(result, out_axes, found, batch.size)
        given = (as_operand(leaf) for leaf in leaves([args, kwargs]))
        rest = iter(separate(placed, given))
        return map_leaves(lambda _: next(rest), result)

    return of_all_rows


def _axes_of_arguments(in_axes: Axes, args: Sequence[Tree]) -> Sequence[Any]:
    if in_axes is None or _is_axis(in_axes):
        return [in_axes] * len(args)
    if not isinstance(in_axes, (tuple, list)):
        raise TypeError(
            f"vmap: in_axes is an integer, None, or a tuple of one for each argument, got "
            f"{in_axes!r}"
        )
    if len(in_axes) != len(args):
        raise ValueError(
            f"vmap: in_axes has {len(in_axes)} entries, but the function was called with "
            f"{len(args)} arguments without a keyword"
        )
    return in_axes


def _is_axis(axis: object) -> bool:
    try:
        index(axis)  # type: ignore[arg-type]
    except TypeError:
        return False
    return not isinstance(axis, (bool, np.bool_))


def _spread(axes: Any, tree: Any, what: str) -> Iterator[int | None]:
    """Yield the axis of each leaf of a tree, given those of its branches."""
    if axes is None or _is_axis(axes):
        axis = None if axes is None else index(axes)
        yield from (axis for _ in leaves(tree))
        return
    fits = type(axes) is type(tree) or (
        isinstance(axes, (list, tuple)) and isinstance(tree, (list, tuple))
    )
    if not fits or len(axes) != len(tree):
        raise ValueError(f"vmap: {what} {axes!r} has not the structure of {_outline(tree)}")
    if isinstance(tree, dict):
        if axes.keys() != tree.keys():
            raise ValueError(f"vmap: {what} {axes!r} has not the keys of {list(tree)}")
        for key, item in tree.items():
            yield from _spread(axes[key], item, what)
        return
    for part, item in zip(axes, tree, strict=True):
        yield from _spread(part, item, what)


def _outline(tree: Tree) -> str:
    if isinstance(tree, (list, tuple, dict)):
        return f"a {type(tree).__name__} of {len(tree)}"
    return f"an array of shape {np.shape(as_operand(tree))}"


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


class _Batch:
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
        found = _spread(axes, tree, "in_axes")
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
            return node.primitive.batch(rows, **node.params)

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


@contextmanager
def _watched(function: Function) -> Iterator[None]:
    """Trace what a function does in the ``with`` block; an outer trace sees it already."""
    if current() is not None:
        yield
        return
    from .tracing import effects  # here: with all it reads, it is needed by traces alone

    tracer = Tracer()
    with effects.refused(function, resumed=tracer.resumed), traced_by(tracer):
        yield
    if tracer.saw_entropy:
        effects.refuse_entropy()


def _placed(
    result: Tree, out_axes: Axes, found: Sequence[tuple[Any, bool]], size: int
) -> Iterator[Any]:
    """Yield the results with the rows where they shall lie."""
    axes = _spread(out_axes, result, "out_axes")
    for axis, (x, is_mapped) in zip(axes, found, strict=True):
        if not is_mapped:
            is_recorded = isinstance(x, Value) and (x.node is not None or isinstance(x, Symbol))
            x = x if is_recorded else np.asarray(as_operand(x))
            x = x if axis is None else broadcast_to(x, shape=(size, *x.shape))
        elif axis is None:
            raise ValueError(
                "vmap: out_axes is None for a result that differs from row to row; give it the "
                "axis along which the rows shall lie"
            )
        ndim = len(x.shape)
        if axis is not None and not -ndim <= axis < ndim:
            raise ShapeError(f"vmap: out_axes names axis {axis} of a result with {ndim} axes")
        yield x if axis in (None, 0) else moveaxis(x, 0, axis)
