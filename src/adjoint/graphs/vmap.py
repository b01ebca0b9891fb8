"""`vmap` applies a function of one row to many rows at once, without a loop in Python.

The function is called once, with a symbol in the place of each row. What it did with the symbols is
then done with all rows, by the batching rule of each primitive. Since the rules are made of
primitives, the result is differentiated, traced and batched again as any other code.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np

from ..core.annotations import Function, Tree
from ..core.memory import separate
from ..core.operand import as_operand
from ..core.tree import filled, leaves, present
from ..core.value import Value
from ..errors import ShapeError
from ..ops.axes import moveaxis
from ..ops.structural import broadcast_to
from .batch import Batch
from .row_axes import Axes, axes_of_arguments, axis_of_leaves
from .symbol import Symbol
from .tracing.tracer import Tracer, current, traced_by


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
        axes = axes_of_arguments(in_axes, args)
        batch = Batch(zip(axes, args, strict=True), kwargs)
        is_traced = current() is not None
        with _watched(function), batch.drawing(put_back=not is_traced):
            result = function(*batch.args, **batch.kwargs)
        batch.advance()
        found = batch.evaluate(present(result))
        placed = _placed(result, out_axes, found, batch.size)
        given = (as_operand(leaf) for leaf in leaves([args, kwargs]))
        return filled(result, separate(placed, given))

    return of_all_rows


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
    every = zip(axis_of_leaves(out_axes, result, "out_axes"), leaves(result), strict=True)
    axes = [axis for axis, leaf in every if leaf is not None]
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
