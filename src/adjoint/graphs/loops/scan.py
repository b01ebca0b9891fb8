"""`scan` is a loop over rows: Python's own where it runs, one operation where it is traced."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from ...core.annotations import Tree
from ...core.operand import as_operand
from ...core.tree import filled, map_leaves, present
from ...core.value import Value
from ...errors import ShapeError
from ...ops.structural import concatenate, stack
from ..tracing import naming
from ..tracing.tracer import current
from .body import spec_of
from .carry import Names, alike, as_spec, guarded, is_weak, own, told, traced_body
from .scanning import scanned, turned


def scan(
    f: Callable[[Any, Any], tuple[Any, Any]],
    init: Tree,
    xs: Tree = None,
    length: int | None = None,
    reverse: bool = False,
    unroll: int | bool = 1,
    *,
    checkpoint_every: int | None = None,
) -> tuple[Any, Any]:
    """Call a function once for each row, and hand what it returns first on to the next call.

    ``carry, y = f(carry, x)`` for each row x of ``xs``; the last carry is returned, and all y
    stacked. Evaluated, this is Python's own loop. In a function that is compiled, traced or
    mapped it is one operation, however many rows there are: the body is traced once, and becomes
    one loop in native code and a ``for`` in written source.

    Parameters
    ----------
    f : callable
        ``f(carry, x)`` returns a pair: the next carry, of the same structure, shapes and dtypes,
        and a tree of arrays, or None, to gather. It may use parameters, traced values and arrays
        from outside, and they are differentiated by. What it changes outside of itself by
        assignment, a buffer, a random state or a traced array, is carried from turn to turn, too.
    init : tree of arrays
        The first carry. A Python number takes the dtype that it has after a turn.
    xs : tree of arrays, optional
        Their first axes have the same length. A turn is given one row of each.
    length : int, optional
        How many turns there are; needed without ``xs``.
    reverse : bool
        Whether to begin with the last row. The first y still belongs to the first row.
    unroll : int or bool
        Accepted for JAX's sake, and without effect.
    checkpoint_every : int, optional
        By default all carries are kept for the way back, and of each turn what takes long to
        compute. With a number n only each n-th carry is kept, and n turns are computed again
        before the way back goes through them: less memory for more time. About √length needs
        least; 1 keeps all carries and nothing else. The body is then traced even where nothing is
        compiled or mapped; there it must not change a buffer or a random state.

    Returns
    -------
    carry : tree
        That after the last turn, ``init`` if there is none.
    ys : tree
        What the turns gave besides, stacked in the order of the rows; (0, …) if there is none.

    Raises
    ------
    TypeError
        If ``f`` does not return a pair, or the carry changes its structure or dtype.
    ShapeError
        If the carry changes its shape, or the rows have different lengths.
    ValueError
        If neither ``xs`` nor ``length`` says how many turns there are, or they disagree.

    Examples
    --------
    >>> import numpy as np
    >>> import adjoint as ad
    >>> def step(total, x):
    ...     total = total + x
    ...     return total, total * 10
    >>> ad.scan(step, 0.0, np.array([1.0, 2.0, 3.0]))
    (np.float64(6.0), array([10., 30., 60.]))

    A function that is compiled in the same time for any number of rows:

    >>> def last(rate, xs):
    ...     return ad.scan(lambda c, x: (c + rate * (x - c), None), 0.0, xs)[0]
    >>> slope = ad.compile(ad.grad(last))
    >>> float(slope(0.5, np.array([1.0, 2.0, 3.0])))
    2.75
    """
    if not callable(f):
        raise TypeError(f"scan: expected a function of a carry and a row, got {type(f).__name__}")
    rows = map_leaves(_row_array, xs)
    count = _length(rows, length)
    every = None if checkpoint_every is None else _checked_every(checkpoint_every)
    # A loop without turns is traced too, for its dtypes.
    if count and current() is None and every is None:
        return _looped(f, init, rows, count, reverse)
    with _told_why_traced():
        if every is not None and 1 < every < count:
            return _in_blocks(f, init, rows, count, reverse, every)
        return _traced(f, init, rows, count, reverse, saves=every is None)


def _row_array(leaf: Any) -> Any:
    if leaf is None or isinstance(leaf, Value):
        return leaf
    return np.asarray(as_operand(leaf))


def _length(rows: Tree, length: int | None) -> int:
    arrays = present(rows)
    if any(not x.shape for x in arrays):
        raise ShapeError(
            f"scan: xs has a number without axes, {told(rows)}; expected arrays whose first axis "
            "is that of the turns"
        )
    sizes = {int(x.shape[0]) for x in arrays}
    if len(sizes) > 1:
        raise ShapeError(f"scan: the first axes of xs have different lengths: {told(rows)}")
    if length is None:
        if not sizes:
            raise ValueError("scan: without xs, length must say how many turns there are")
        return sizes.pop()
    try:
        count = int(length.__index__())
    except (AttributeError, TypeError):
        raise TypeError(
            f"scan: length is {length!r}; expected an integer that is known while the function is "
            "traced, or take while_loop"
        ) from None
    if count < 0 or (sizes and sizes != {count}):
        raise ValueError(f"scan: length is {count}, but xs has {told(rows)}")
    return count


def _checked_every(every: Any) -> int:
    if isinstance(every, bool) or not isinstance(every, (int, np.integer)) or every < 1:
        raise ValueError(f"scan: checkpoint_every is {every!r}; expected a positive integer")
    return int(every)


def _pair(result: Any) -> tuple[Any, Any]:
    if not isinstance(result, tuple) or len(result) != 2:
        told_ = f"a {type(result).__name__}"
        told_ += f" of {len(result)}" if isinstance(result, tuple) else ""
        raise TypeError(
            f"scan: the function returned {told_}; expected a pair, the next carry and what to "
            "gather (None for nothing)"
        )
    return result


# --- Python's own loop


def _looped(f: Any, init: Tree, rows: Tree, count: int, reverse: bool) -> tuple[Any, Any]:
    carry, ys = init, [None] * count
    for turn in reversed(range(count)) if reverse else range(count):
        row = map_leaves(lambda x: x if x is None else guarded(x[turn]), rows)  # noqa: B023
        after, y = _pair(f(map_leaves(guarded, carry), row))
        ys[turn] = map_leaves(_as_it_is, y)
        carry = alike("scan", "the carry", carry, after)
    first = ys[0]
    for y in ys[1:]:
        alike("scan", "what is gathered", first, y)
    return carry, map_leaves(_stacked, *ys)


def _as_it_is(leaf: Any) -> Any:
    """Return what a turn gathers: an array that a later turn may assign into, as it is now."""
    return leaf.copy() if isinstance(leaf, np.ndarray) else guarded(leaf)


def _stacked(*items: Any) -> Any:
    """Return what the turns gathered side by side.

    A Python number takes the dtype of the arrays beside it: the first turn may gather one, of a
    carry that begins as one.
    """
    if items[0] is None:
        return None
    kinds = {spec_of(x).dtype for x in items if not is_weak(x)}
    if len(kinds) != 1 or not any(map(is_weak, items)):
        return stack(items)
    return stack([as_spec(x, spec_of(x)._replace(dtype=min(kinds))) for x in items])


# --- one operation


@contextmanager
def _told_why_traced() -> Iterator[None]:
    """Say in an error that a body is traced, if nothing around it is."""
    is_outermost = current() is None
    try:
        yield
    except TypeError as error:
        if is_outermost:
            error.add_note(
                "scan traces its body though nothing is compiled: with checkpoint_every, and if "
                "there is no turn"
            )
        raise


def _traced(
    f: Any, init: Tree, rows: Tree, count: int, reverse: bool, *, saves: bool = True
) -> tuple[Any, Any]:
    arguments = naming.argument_names(f, (init, rows))
    names = Names("scan", naming.function_name(f), *arguments)
    body = traced_body(f, init, rows, names=names, roots=[f], split=_pair)
    carried = len(body.starts)
    loop = scanned(body, len(present(rows)), count, bool(reverse), saves=saves)
    given = [x if isinstance(x, np.ndarray) else own(x) for x in present(rows)]
    found = turned(loop, [*body.starts, *given, *body.captured])
    for state, end in zip(body.states, found[len(present(body.onward)) : carried], strict=True):
        state.adopt(end)
    return filled(body.onward, found), filled(body.besides, found[carried:])


def _in_blocks(
    f: Any, init: Tree, rows: Tree, count: int, reverse: bool, every: int
) -> tuple[Any, Any]:
    """Scan over blocks of turns, of which each is a scan: only what blocks begin with is kept."""
    whole = count // every * every
    # The rest comes where the loop ends, so that all blocks before it have the same length.
    cut = count - whole if reverse else whole
    first, second = ((cut, count), (0, cut)) if reverse else ((0, cut), (cut, count))
    blocks = map_leaves(
        lambda x: (
            x if x is None else x[first[0] : first[1]].reshape(whole // every, every, *x.shape[1:])
        ),
        rows,
    )
    inner = functools.partial(_traced, f, count=every, reverse=reverse, saves=False)
    carry, ys = _traced(
        lambda carry, rows: inner(carry, rows), init, blocks, whole // every, reverse, saves=False
    )
    ys = map_leaves(lambda y: y if y is None else y.reshape(whole, *y.shape[2:]), ys)
    if whole == count:
        return carry, ys
    rest = map_leaves(lambda x: x if x is None else x[second[0] : second[1]], rows)
    carry, more = _traced(f, carry, rest, count - whole, reverse, saves=False)
    both = (more, ys) if reverse else (ys, more)
    return carry, map_leaves(lambda a, b: a if a is None else concatenate([a, b], axis=0), *both)
