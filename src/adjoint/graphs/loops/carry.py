"""A carry is what a loop hands from turn to turn: a tree whose shapes and dtypes stay the same."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ...core.annotations import Tree
from ...core.operand import as_operand
from ...core.spec import Spec
from ...core.tree import filled, map_leaves, present
from ...core.value import Value
from ...core.views import argument_of
from ...errors import ShapeError
from ...ops.structural import astype
from ..graph import Graph
from ..lift import lift
from .body import captured_by, closed, named, run, spec_of, symbol_for


def is_weak(leaf: Any) -> bool:
    """Return whether a leaf is a Python number, which takes the dtype of the arrays beside it."""
    return leaf.is_weak if isinstance(leaf, Value) else type(leaf) in (int, float)


def guarded(x: Any) -> Any:
    """Return an array or value for the user's function, which must not change it in place."""
    if isinstance(x, np.ndarray):
        x = x.view()
        x.flags.writeable = False
    elif isinstance(x, Value) and not x.is_scalar and not x.is_weak:
        x = argument_of(type(x))(x.data, x.node)
    return x


def told(tree: Tree) -> str:
    """Return what a tree holds, as an error tells it.

    >>> told((np.ones(2), {"n": 1}))
    "(float64[2], {'n': int64[]})"
    """
    if isinstance(tree, dict):
        return f"{{{', '.join(f'{key!r}: {told(item)}' for key, item in tree.items())}}}"
    if isinstance(tree, (list, tuple)) and not isinstance(tree, Spec):
        inner = ", ".join(map(told, tree)) + "," * (len(tree) == 1 and isinstance(tree, tuple))
        return f"[{inner}]" if isinstance(tree, list) else f"({inner})"
    if tree is None:
        return "None"
    spec = spec_of(tree)
    return f"{spec.dtype}{list(spec.shape)}"


def in_order_of(tree: Tree, other: Tree) -> Any:
    """Return a tree with the keys of its dicts in the order of those of another one.

    >>> in_order_of({"a": 0, "b": 0}, {"b": 1, "a": 2})
    {'a': 2, 'b': 1}
    """
    return map_leaves(lambda _, leaf: leaf, tree, other)


def paired(tree: Tree, other: Tree) -> list[tuple[Any, Any]] | None:
    """Return the leaves of two trees beside each other, or None if their structures differ.

    >>> paired({"a": 0, "b": None}, {"b": None, "a": 2})
    [(0, 2)]
    >>> paired({"a": 0}, {"a": (0,)}), paired(0, None)
    (None, None)
    """
    pairs: list[tuple[Any, Any]] = []
    try:
        map_leaves(lambda x, y: pairs.append((x, y)), tree, other)
    except (ValueError, KeyError):
        return None
    if any(isinstance(y, (list, tuple, dict)) or (x is None) != (y is None) for x, y in pairs):
        return None
    return [pair for pair in pairs if pair[0] is not None]


def alike(name: str, what: str, before: Tree, after: Tree) -> Any:
    """Return a tree in the order of the one before, of the same structure, shapes and dtypes.

    Python numbers among the first may become arrays of another dtype, though a float no integer.
    Other differences raise.
    """
    pairs = paired(before, after)
    if pairs is None:
        raise TypeError(
            f"{name}: {what} must keep its structure, but {told(before)} became {told(after)}"
        )
    for x, y in pairs:
        old, new = spec_of(x), spec_of(y)
        if old.shape != new.shape:
            raise ShapeError(
                f"{name}: {what} must keep its shapes, but {told(before)} became {told(after)}"
            )
        if old.dtype != new.dtype and not (is_weak(x) and _is_held_by(old.dtype, new.dtype)):
            raise TypeError(
                f"{name}: {what} must keep its dtypes, but {told(before)} became {told(after)}; "
                f"convert it in the body by .astype({str(old.dtype)!r}), or begin with "
                f"{new.dtype}"
            )
    return in_order_of(before, after)


def _is_held_by(number: Any, dtype: Any) -> bool:
    """Return whether a Python number, of a dtype, takes another one beside its arrays."""
    return bool(np.result_type(dtype, number.type(0).item()) == dtype)


class Names(NamedTuple):
    """What errors and written source call a loop's function, its body and its arguments."""

    function: str
    body: str
    carry: str
    row: str = "x"


class Traced(NamedTuple):
    """A body that was traced with what is carried and, it may be, a row.

    Attributes
    ----------
    starts : list
        What is carried at first, states from outside among it; each an array or a value.
    states : list of Value
    graph : Graph
        Its inputs are what is carried, the row and what was captured.
    captured : list of Value
    onward, besides : tree
        What the function gave to carry on, in the order of what it was given, and besides; with
        symbols of the trace.
    """

    starts: list[Any]
    states: list[Any]
    graph: Graph
    captured: list[Any]
    onward: Any
    besides: Any


def traced_body(
    function: Callable[..., Any],
    init: Tree,
    rows: Tree = None,
    *,
    names: Names,
    roots: Sequence[Callable[..., Any]],
    split: Callable[[Any], tuple[Tree, Tree]],
    weak_rows: bool = False,
) -> Traced:
    """Trace a function of what is carried, and of a row, until dtypes and states are known.

    Parameters
    ----------
    init : tree
        What is carried at first.
    rows : tree
        All rows of what a turn is given besides.
    names : Names
    roots : sequence of callable
        The user's functions that it calls.
    split : callable
        Takes the function's result and gives what is carried on, and what is given besides.
    weak_rows : bool
        Whether each row is one Python number.
    """
    specs = [spec_of(leaf) for leaf in present(init)]
    weak = [is_weak(leaf) for leaf in present(init)]
    states: list[Any] = []
    while True:
        carry = [
            symbol_for(spec, path, is_weak=w)
            for spec, w, path in zip(specs, weak, named(names.carry, init), strict=False)
        ]
        changing = [symbol_for(spec_of(state), None) for state in states]
        turn = [
            symbol_for(Spec(tuple(x.shape[1:]), x.dtype), path, is_weak=weak_rows)
            for x, path in zip(present(rows), named(names.row, rows), strict=False)
        ]
        given = filled(init, carry), filled(rows, turn)
        found = run(lambda: function(*given), roots, states, changing)  # noqa: B023
        onward, besides = split(found.result)
        onward = alike(names.function, "the carry", given[0], onward)
        widened = _widened(specs, weak, present(onward))
        if len(found.changed) == len(states) and widened == specs:
            break
        states = found.changed
        weak = [w and a == b for w, a, b in zip(weak, widened, specs, strict=True)]
        specs = widened
    inputs = [*carry, *changing, *turn]
    outputs = [*present(onward), *found.ends, *present(besides)]
    captured = captured_by(inputs, outputs, found.since, hoists=True)
    graph = closed(inputs, outputs, captured, found.since, hoists=True, name=names.body)
    starts = [as_spec(leaf, spec) for leaf, spec in zip(present(init), specs, strict=True)]
    return Traced([*starts, *map(own, states)], states, graph, captured, onward, besides)


def _widened(specs: Sequence[Spec], weak: Sequence[bool], onward: Sequence[Any]) -> list[Spec]:
    """Return the specs, with the dtype that a Python number takes in the body."""
    return [spec_of(leaf) if w else spec for spec, w, leaf in zip(specs, weak, onward, strict=True)]


def as_spec(leaf: Any, spec: Spec) -> Any:
    """Return a leaf as an array or a value of its spec's dtype."""
    array = own(leaf) if isinstance(leaf, Value) else np.asarray(as_operand(leaf))
    return array if array.dtype == spec.dtype else astype(array, dtype=spec.dtype)


def own(value: Value) -> Any:
    """Return the same value as one that stays as it is."""
    return value.data if value.node is None else lift(value.data, value.node)
