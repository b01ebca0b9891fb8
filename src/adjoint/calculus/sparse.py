"""A sparse Jacobian is found by a few sweeps, each of which finds many columns or rows of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import sparse

from ..core.annotations import Array
from ..core.value import Value
from .colouring import Colouring, coloured
from .derivatives import Record
from .sparsity import Pattern, Step, pattern_of, steps_of

# A function may take a few ways; of one that takes a new one each time, nothing is kept for long.
_KEPT = 8


class Block(NamedTuple):
    """The pattern of the derivative of one result by one argument, and how to find its entries."""

    pattern: Pattern
    colouring: Colouring


class Blocks:
    """The blocks of all that a function was seen to do; a new way through it makes new ones."""

    def __init__(self, mode: str) -> None:
        self.mode = mode
        self._known: list[tuple[list[Step], list[list[Block]]]] = []
        self._lock = threading.Lock()

    def of(self, inputs: Sequence[Value], outputs: Sequence[Value]) -> list[list[Block]]:
        """Return the blocks of each result by each argument of a record."""
        steps = steps_of(inputs, outputs)
        for known, blocks in list(self._known):
            if len(known) == len(steps) and all(map(Step.is_like, known, steps)):
                return blocks
        blocks = [[self._block(x, y) for x in inputs] for y in outputs]
        with self._lock:
            self._known = [(steps, blocks), *self._known[: _KEPT - 1]]
        return blocks

    def _block(self, x: Value, y: Value) -> Block:
        pattern = pattern_of(x, y)
        return Block(pattern, coloured(pattern, self.mode))


def refuse_nested(record: Record) -> None:
    """Raise if somebody wants the derivative of a sparse one, or its graph.

    Raises
    ------
    TypeError
    """
    if record.nested:
        raise TypeError(
            "a sparse derivative is a scipy.sparse array of numbers, which can be neither "
            "differentiated nor traced: inside of grad, vmap, compile and the like take "
            "sparse=False, or the product with a vector by jvp, vjp or hvp"
        )


def entries(
    block: Block,
    x: Value,
    y: Value,
    push: Callable[[Array], Array],
    pull: Callable[[Array], Array],
) -> Any:
    """Return the derivative of a result by an argument as a sparse array.

    Parameters
    ----------
    block : Block
    x, y : Value
        The argument and the result.
    push, pull : callable
        Take directions in the rows of a matrix, of x or of y flattened, and give the derivatives
        along them in the same way.
    """
    pattern, (columns, rows, by_rows) = block
    m, n = pattern.shape
    # A result that does not depend on x may be of integers, or of more digits; that says nothing.
    dtypes = [x.dtype, y.dtype] if by_rows.size else [x.dtype]
    # SciPy has no sparse arrays of half precision.
    found = np.zeros(by_rows.size, np.result_type(*dtypes, np.float32))
    row_of = np.repeat(np.arange(m), np.diff(pattern.indptr))
    forward = push(_directions(columns, x.dtype))
    if len(forward):
        ours = ~by_rows
        found[ours] = forward[columns[pattern.indices[ours]], row_of[ours]]
    backward = pull(_directions(rows, y.dtype))
    if len(backward):
        found[by_rows] = backward[rows[row_of[by_rows]], pattern.indices[by_rows]]
    # The caller may alter the array in place: it owns its pattern.
    owned = found, pattern.indices.copy(), pattern.indptr.copy()
    return sparse.csr_array(owned, shape=(m, n))


def _directions(colours: Array, dtype: Any) -> Array:
    """Return the sum of the unit vectors of each colour, in rows."""
    directions = np.zeros((int(colours.max(initial=-1)) + 1, colours.size), dtype)
    used = np.flatnonzero(colours >= 0)
    directions[colours[used], used] = 1
    return directions
