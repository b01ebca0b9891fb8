"""`while_loop` and `fori_loop`: Python's own loops where they run, one operation where traced."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.annotations import Tree
from ...core.tree import filled, map_leaves, present
from ...core.value import Value
from ..graph import Graph
from ..symbol import Symbol
from ..tracing import naming
from ..tracing.tracer import current
from .body import run, spec_of, symbol_for
from .carry import Names, Traced, alike, guarded, is_weak, told, traced_body
from .repetition import Repetition
from .scanning import scanned, turned


def while_loop(
    cond_fun: Callable[[Any], Any], body_fun: Callable[[Any], Any], init_val: Tree
) -> Any:
    """Call ``body_fun`` on what it returned before, as long as ``cond_fun`` of that is true.

    Evaluated, this is Python's own loop, and derivatives go through it as through any other. In a
    function that is compiled, traced or mapped it is one operation: a branch or a limit that
    depends on traced numbers needs it. There it has tangents, but no way back.

    Parameters
    ----------
    cond_fun : callable
        ``cond_fun(carry)`` returns one truth value.
    body_fun : callable
        ``body_fun(carry)`` returns the next carry, of the same structure, shapes and dtypes.
    init_val : tree of arrays
        The first carry. A Python number takes the dtype that it has after a turn.

    Returns
    -------
    tree
        The first carry of which the condition does not hold.

    Raises
    ------
    TypeError
        If the carry changes its structure or dtype, or the condition is no single truth value.
    ShapeError
        If the carry changes its shape.
    GraphError
        If it is traced and a gradient is asked for: the error names what has one.

    Notes
    -----
    In `vmap` the loop goes on until the condition holds in no row; rows that are done stay as they
    are. Native code of an endless loop cannot be interrupted.

    Examples
    --------
    >>> import adjoint as ad
    >>> def newton(a):
    ...     def is_far(x):
    ...         return abs(x * x - a) > 1e-12
    ...     return ad.while_loop(is_far, lambda x: (x + a / x) / 2, a)
    >>> round(float(ad.compile(newton)(2.0)), 12)
    1.414213562373
    """
    if current() is None:
        return _looped(cond_fun, body_fun, init_val)
    return _traced(cond_fun, body_fun, init_val)


def _looped(cond_fun: Any, body_fun: Any, carry: Tree) -> Any:
    while _truth(cond_fun(map_leaves(guarded, carry))):
        after = body_fun(map_leaves(guarded, carry))
        carry = alike("while_loop", "the carry", carry, after)
    return carry


def _truth(found: Any) -> Any:
    """Return what a condition gave, checked."""
    if isinstance(found, (list, tuple, dict)) or found is None or spec_of(found).shape != ():
        raise TypeError(
            f"while_loop: the condition returned {told(found)}; expected one truth value, as of "
            "np.any or np.all"
        )
    return found if isinstance(found, Symbol) else bool(found)


def _traced(cond_fun: Any, body_fun: Any, init: Tree) -> Any:
    if _is_stateful(cond_fun, init):
        return _asked_in_turns(cond_fun, body_fun, init)

    def turn(carry: Any, _: Any) -> Any:
        holds = _truth(cond_fun(carry))
        return body_fun(carry), _as_truth(holds)

    (argument,) = naming.argument_names(body_fun, [init])
    names = Names("while_loop", naming.function_name(body_fun), argument)
    body = traced_body(
        turn, init, names=names, roots=[cond_fun, body_fun], split=lambda found: found
    )
    count, graph = len(body.starts), body.graph
    test = Graph(graph.inputs, graph.outputs[count:], name=naming.function_name(cond_fun))
    step = Graph(graph.inputs, graph.outputs[:count], name=graph.name)
    ends = Repetition(test, step, count).apply([*body.starts, *body.captured])
    return _handed_back(body, ends)


def _is_stateful(cond_fun: Any, init: Tree) -> bool:
    """Return whether a condition changes a buffer, a random state or an array from outside."""
    symbols = [symbol_for(spec_of(x), None, is_weak=is_weak(x)) for x in present(init)]
    return bool(run(lambda: cond_fun(filled(init, symbols)), [cond_fun]).changed)


def _asked_in_turns(cond_fun: Any, body_fun: Any, init: Tree) -> Any:
    """Repeat with a condition that changes something: it is asked where a turn ends.

    What it changes when it does not hold any more is then carried on, too.
    """

    def turn(carry: Any) -> Any:
        after = body_fun(carry[0])
        return after, _as_truth(_truth(cond_fun(after)))

    first = _as_truth(_truth(cond_fun(map_leaves(guarded, init))))
    return _traced(lambda carry: carry[1], turn, (init, first))[0]


def _as_truth(found: Any) -> Any:
    if not isinstance(found, Symbol):
        return np.array(found)
    return found if found.dtype.kind == "b" else found != 0


def _handed_back(body: Traced, ends: list[Any]) -> Any:
    for state, end in zip(body.states, ends[len(present(body.onward)) :], strict=True):
        state.adopt(end)
    return filled(body.onward, ends)


def fori_loop(
    lower: Any,
    upper: Any,
    body_fun: Callable[[Any, Any], Any],
    init_val: Tree,
    *,
    unroll: int | bool | None = None,
) -> Any:
    """Call ``body_fun(i, carry)`` for each integer i from ``lower`` to below ``upper``.

    Evaluated, this is Python's own ``for i in range(lower, upper)``. Where it is traced, it is a
    `scan` if both limits are known, with gradients in both modes, and else a `while_loop`.

    Parameters
    ----------
    lower, upper : int
    body_fun : callable
        Returns the next carry, of the same structure, shapes and dtypes.
    init_val : tree of arrays
        The first carry. A Python number takes the dtype that it has after a turn.
    unroll : int or bool, optional
        Accepted for JAX's sake, and without effect.

    Returns
    -------
    tree
        What the last turn returned, ``init_val`` if there was none.

    Raises
    ------
    TypeError
        If the limits are no integers, or the carry changes its structure or dtype.
    ShapeError
        If the carry changes its shape.

    Examples
    --------
    >>> import adjoint as ad
    >>> ad.fori_loop(1, 6, lambda i, product: product * i, 1)
    120
    """
    limits = [_limit(lower), _limit(upper)]
    if any(isinstance(limit, Symbol) for limit in limits):
        return while_loop(
            lambda carry: carry[0] < limits[1],
            lambda carry: (carry[0] + 1, body_fun(*carry)),
            (limits[0], init_val),
        )[1]
    low, high = limits
    if current() is None:
        carry = init_val
        for i in range(low, high):
            after = body_fun(i, map_leaves(guarded, carry))
            carry = alike("fori_loop", "the carry", carry, after)
        return carry
    names = Names(
        "fori_loop",
        naming.function_name(body_fun),
        *naming.argument_names(body_fun, (low, init_val))[::-1],
    )
    turns = np.arange(low, max(low, high))
    body = traced_body(
        lambda carry, i: (body_fun(i, carry), None),
        init_val,
        turns,
        names=names,
        roots=[body_fun],
        split=lambda found: found,
        weak_rows=True,
    )
    loop = scanned(body, 1, len(turns), False)
    ends = turned(loop, [*body.starts, turns, *body.captured])
    return _handed_back(body, ends[: len(body.starts)])


def _limit(limit: Any) -> Any:
    """Return a limit as a Python integer, or a traced one."""
    spec = spec_of(limit)
    if spec.shape != () or spec.dtype.kind not in "iu":
        raise TypeError(f"fori_loop: a limit is {told(limit)}; expected an integer")
    if isinstance(limit, Symbol):
        return limit
    return int(limit.data if isinstance(limit, Value) else limit)
