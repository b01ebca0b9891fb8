"""Taylor coefficients along a direction: derivatives of any order by one walk forward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.annotations import Function, Tree
from ..core.node import Node, Operation
from ..core.operand import as_operand
from ..core.tree import filled, leaves, map_leaves, present
from ..core.value import Value
from ..graphs.series import Series, moved
from ..graphs.sweep import reachable
from ..ops.structural import stack
from .derivatives import Record, record_run, same_shape, zeros_of


def taylor(function: Function, x: Tree, v: Tree, order: int) -> Any:
    """Return the Taylor coefficients of ``function`` at ``x`` along ``v``.

    These are the c₀, c₁, … in f(x + t v) = Σ cₖ tᵏ: cₖ is the k-th derivative along v, divided
    by k!. To the order n they take about n² / 2 times as long as the function, where derivatives
    of derivatives take 2ⁿ times as long.

    Parameters
    ----------
    function : callable
        Takes one argument, and returns an array or a tree of arrays.
    x : float array, or tree of them
        Where.
    v : array, or tree of the structure and shapes of x
        The direction.
    order : int
        The highest order, 0 or more.

    Returns
    -------
    array or tree
        The coefficients of each result y along a new first axis: of shape ``(order + 1, *y.shape)``
        and y's dtype. A result that is None stays None.

    Raises
    ------
    TypeError
        If x is not of floats, ``order`` is no integer, or the function calls one with a rule of
        its own (`custom_jvp`, `custom_vjp`, `checkpoint`).
    ValueError
        If ``order`` is negative.
    ShapeError
        If the direction has not the shape of x.

    Notes
    -----
    Branches and choices, as of `where`, ``np.abs`` and ``np.max``, are those at x; at a kink the
    conventions of the derivatives hold for every order. A root at 0 has infinite coefficients.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> ad.taylor(np.exp, 0.0, 1.0, 4)
    array([1.        , 1.        , 0.5       , 0.16666667, 0.04166667])
    >>> ad.taylor(lambda x: x[0] * x[1] ** 2, np.array([2.0, 3.0]), np.array([1.0, 1.0]), 3)
    array([18., 21.,  8.,  1.])
    """
    order = _read_order(order)
    record = record_run(function, (x,), {}, (0,))
    directions: list[Any] = []
    map_leaves(lambda _, direction: directions.append(direction), x, v)
    directions = [
        same_shape(direction, value, "direction")
        for value, direction in zip(record.inputs, directions, strict=True)
    ]
    if any(isinstance(t, Value) and t.node is not None for t in directions):
        record = record._replace(nested=True)
    found = _walked(record, directions, order)
    piled = [_piled(record, y, found, order) for y in present(record.result)]
    return filled(record.result, record.expose(piled, (x, v)))


def _read_order(order: int) -> int:
    if isinstance(order, bool) or not isinstance(order, (int, np.integer)):
        raise TypeError(f"taylor: order must be a whole number, got {order!r}")
    if order < 0:
        raise ValueError(f"taylor: order must be 0 or more, got {order}")
    return int(order)


def _walked(record: Record, directions: Iterable[Any], order: int) -> dict[Node, Series]:
    """Return the series of the results of a record, by node."""
    found: dict[Node, Series] = {}
    for value, direction in zip(record.inputs, directions, strict=True):
        assert value.node is not None
        start = value if record.nested else value.data
        found[value.node] = Series(start, [start, direction].__getitem__, 1)
    since = min((node.order for node in found), default=0)
    ends = {x.node for x in leaves(record.result) if isinstance(x, Value) and x.node is not None}
    order_of_nodes = reachable(ends, since=since)
    readers = Counter(parent for node in order_of_nodes for parent in node.parents)
    with np.errstate(all="ignore"):
        for node in order_of_nodes:
            if isinstance(node, Operation) and not found.keys().isdisjoint(node.parents):
                _follow(record, node, found, order)
            for parent in node.parents:
                readers[parent] -= 1
                if not readers[parent] and parent not in ends:
                    found.pop(parent, None)  # type: ignore[arg-type]
    return found


def _follow(record: Record, node: Operation, found: dict[Node, Series], order: int) -> None:
    """Add the series of an operation's result, with all coefficients."""
    lift = record.lift
    args = [
        found[parent]
        if parent in found
        else payload
        if not (lift and parent)
        else lift(payload, parent)
        for payload, parent in node.edges()
    ]
    start = lift(node.output, node) if lift else node.output
    result = moved(node.primitive, args, node.params, start)
    if isinstance(result, Series):
        known = [result.coefficient(k) for k in range(order + 1)]
        # Without what it was made of, and what was made of its operands, memory is free again.
        found[node] = Series(start, known.__getitem__, min(result.degree, order))
    for arg in args:
        if isinstance(arg, Series):
            arg.uses.clear()


def _piled(record: Record, output: Any, found: dict[Node, Series], order: int) -> Any:
    """Return the coefficients of a result along a new first axis."""
    series = found.get(output.node) if isinstance(output, Value) and output.node else None
    if series is not None:
        parts = [series.coefficient(k) for k in range(order + 1)]
    else:
        is_seen = record.nested and isinstance(output, Value)
        start = output.data if isinstance(output, Value) and not is_seen else output
        parts = [start if is_seen else np.asarray(as_operand(start)), *[None] * order]
    zeros = zeros_of(parts[0])
    return stack([zeros if part is None else part for part in parts])
