"""`cond` is a choice between two functions: Python's own ``if`` where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.annotations import Tree
from ...core.tree import filled, map_leaves, present
from ...core.value import Value
from ...errors import ShapeError
from ..symbol import Symbol
from ..tracing import naming
from ..tracing.tracer import current
from .body import Run, captured_by, closed, run, spec_of
from .branching import Branch
from .carry import as_spec, guarded, in_order_of, is_weak, own, paired, told


def cond(
    pred: Any, true_fun: Callable[..., Any], false_fun: Callable[..., Any], *operands: Tree
) -> Any:
    """Return ``true_fun(*operands)`` if a condition holds, else ``false_fun(*operands)``.

    Evaluated, this is Python's own ``if``. Where the condition is a traced value, both functions
    are traced and one of them is computed; in `vmap`, with a condition that differs from row to
    row, both are, and each row picks one. It has derivatives in both modes, those of the side that
    is taken.

    Parameters
    ----------
    pred : truth value or number
        One, without axes.
    true_fun, false_fun : callable
        Both return trees of the same structure, shapes and dtypes. They may use parameters, traced
        values and arrays from outside. A Python number that one of them returns takes the dtype
        of the other's array where both are traced; evaluated, it stays a Python number.
    *operands : trees of arrays
        What the functions are given.

    Returns
    -------
    tree

    Raises
    ------
    TypeError
        If the condition is no single truth value, or the functions return different structures or
        dtypes.
    ShapeError
        If they return different shapes.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> def safe_log(x):
    ...     return ad.cond(x > 0, np.log, lambda x: x - 1, x)
    >>> slope = ad.compile(ad.grad(safe_log))
    >>> float(slope(4.0)), float(slope(-4.0))
    (0.25, 1.0)
    """
    for function in (true_fun, false_fun):
        if not callable(function):
            raise TypeError(f"cond: expected two functions, got {type(function).__name__}")
    if isinstance(pred, (list, tuple, dict)) or pred is None or spec_of(pred).shape != ():
        raise TypeError(
            f"cond: the condition is {told(pred)}; expected one truth value, as of np.any; "
            "ad.where chooses entry by entry"
        )
    if current() is None or not isinstance(pred, Symbol):
        return (true_fun if _holds(pred) else false_fun)(*operands)
    given = [map_leaves(guarded, operand) for operand in operands]
    runs = [run(lambda: function(*given), [function]) for function in (true_fun, false_fun)]  # noqa: B023
    states = list({id(state): state for each in runs for state in each.changed}.values())
    tree, other = (each.result for each in runs)
    _check_alike(tree, other)
    results = [present(tree), present(in_order_of(tree, other))]
    specs = [_shared_spec(x, y) for x, y in zip(*results, strict=True)]
    ends = [
        [*map(as_spec, found, specs), *_ends(each, states)]
        for found, each in zip(results, runs, strict=True)
    ]
    since = runs[0].since
    captured = captured_by([], [*ends[0], *ends[1]], since, hoists=False)
    yes, no = (
        closed([], end, captured, since, hoists=False, name=naming.function_name(function))
        for end, function in zip(ends, (true_fun, false_fun), strict=True)
    )
    found = Branch(yes, no).apply([pred if pred.dtype.kind == "b" else pred != 0, *captured])
    for state, end in zip(states, found[len(specs) :], strict=True):
        state.adopt(end)
    return filled(tree, found)


def _holds(pred: Any) -> bool:
    return bool(pred.data if isinstance(pred, Value) else pred)


def _ends(one: Run, states: Sequence[Any]) -> list[Any]:
    """Return what the states are after a run."""
    known = {id(state): end for state, end in zip(one.changed, one.ends, strict=True)}
    return [known.get(id(state), own(state)) for state in states]


def _check_alike(yes: Tree, no: Tree) -> None:
    pairs = paired(yes, no)
    if pairs is None:
        raise TypeError(
            f"cond: the functions must return the same structure, got {told(yes)} where the "
            f"condition holds and {told(no)} where not"
        )
    shapes = [(spec_of(x).shape, spec_of(y).shape) for x, y in pairs]
    if any(one != other for one, other in shapes):
        raise ShapeError(
            f"cond: the functions must return the same shapes, got {told(yes)} where the condition "
            f"holds and {told(no)} where not"
        )
    for x, y in pairs:
        if spec_of(x).dtype != spec_of(y).dtype and not (is_weak(x) or is_weak(y)):
            raise TypeError(
                f"cond: the functions must return the same dtypes, got {told(yes)} where the "
                f"condition holds and {told(no)} where not; convert one by .astype"
            )


def _shared_spec(x: Any, y: Any) -> Any:
    """Return the spec of both; a Python number takes the dtype of the array beside it."""
    one, other = spec_of(x), spec_of(y)
    if is_weak(x) != is_weak(y):
        strong, weak = (other, one) if is_weak(x) else (one, other)
        return strong._replace(dtype=np.result_type(strong.dtype, weak.dtype.type(0).item()))
    return one._replace(dtype=np.result_type(one.dtype, other.dtype))
