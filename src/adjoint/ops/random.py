"""Random numbers are a function of a state that is handed in, so that every run can be repeated.

A state is three floats that are whole numbers, whatever their dtype: two halves of a key, and how
often it was drawn from.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, ArrayLike, Described
from ..core.kinds import constant
from ..core.metadata import literal
from ..core.philox import UNIFORM_SITE
from ..errors import ShapeError
from .indexing import put_at
from .logic import greater_equal
from .piecewise import where
from .shards import drawn_for_batch
from .structural import as_array

# The numbers of a state lie below this, so that a float32 tells them all apart.
HALF = 2**24


def new_state(rng: np.random.Generator) -> Array:
    """Return a state whose key is drawn from a generator: a (3,) float32 array.

    >>> import numpy as np
    >>> new_state(np.random.default_rng(0)).tolist()
    [14271106.0, 10686443.0, 0.0]
    """
    return np.array([*rng.integers(HALF, size=2), 0], np.float32)


def uniform_numbers(state: AnyArray, shape: tuple[int, ...], site: int) -> Array:
    """Return random numbers from 0 to below 1, of the state's dtype: every step has its own."""
    high, low, step = (int(number) for number in state)
    key = np.array([high << 24 | low, 0], np.uint64)
    counter = np.array([0, step, site, 0], np.uint64)
    words = np.random.Philox(key=key, counter=counter).random_raw(int(np.prod(shape)))
    bits = np.finfo(state.dtype).nmant + 1
    numbers = (words >> np.uint64(64 - bits)).astype(state.dtype)
    return (numbers * state.dtype.type(2.0**-bits)).reshape(shape)


def _drawn_shape(state: Described, *, shape: tuple[int, ...]) -> tuple[int, ...]:
    if tuple(state.shape) != (3,) or state.dtype.kind != "f":
        raise ShapeError(f"a state is three floats, got {state.dtype} of shape {state.shape}")
    if min(shape, default=0) < 0:
        raise ShapeError(f"a shape has no negative sizes, got {shape}")
    return shape


@constant(
    shape=_drawn_shape,
    dtype=lambda state, *, shape: state.dtype,
    source=lambda state, *, shape: f"uniform_numbers({state}, {literal(shape)}, {UNIFORM_SITE})",
    latex=r"U_{{{shape}}}\left({state}\right)",
    helpers=[uniform_numbers],
    cases=[
        (np.array([1.0, 2.0, 3.0]), {"shape": (3, 2)}),
        (np.array([HALF - 1, 5, 0], np.float32), {"shape": (7,)}),
        (np.array([1.0, 2.0, 3.0]), {"shape": ()}),
    ],
    bounds=(0, 1),
    boxes=True,
)
def uniform(state: Array, *, shape: tuple[int, ...]) -> Array:
    """Return random numbers from 0 to below 1, a pure function of the state; it has no gradient.

    They are the upper bits of the words of Philox4x64-10 (see `adjoint.core.philox`) with the
    state's key, its count as epoch and `UNIFORM_SITE`, as many bits as the dtype has.

    Parameters
    ----------
    state : (3,) float array
        As from `new_state`.
    shape : tuple of int

    Returns
    -------
    array of that shape and the state's dtype

    Examples
    --------
    >>> ad.uniform(np.array([1.0, 2.0, 0.0]), shape=(2,))
    array([0.15179984, 0.46384399])
    >>> ad.uniform(np.array([1.0, 2.0, 1.0]), shape=(2,))  # the next draw
    array([0.565975  , 0.18360805])
    """
    return uniform_numbers(state, shape, UNIFORM_SITE)


class _Running(threading.local):
    """The batches of rows whose function runs in this thread, the outermost first."""

    def __init__(self) -> None:
        self.batches: list[Any] = []


running = _Running()


def draw(state: AnyArray, *, shape: tuple[int, ...]) -> Any:
    """Return random numbers for a state that its owner then sets to the `following` one.

    They are those of `uniform`. Under `vmap` each row has the numbers that it would have in a loop
    over the rows, in order; a shard of a batch has those of its rows in the whole.

    >>> import numpy as np
    >>> draw(np.array([1.0, 2.0, 0.0]), shape=(2,))
    array([0.15179984, 0.46384399])
    """
    seen = state
    for batch in running.batches:
        seen = batch.state_of_row(state, seen)
    return drawn_for_batch(lambda shape: uniform(seen, shape=shape), shape)


def advanced(state: ArrayLike, draws: Any) -> Any:
    """Return the state after a number of draws, which is below 2²⁴.

    >>> import numpy as np
    >>> advanced(np.array([1.0, 2.0, 3.0]), 5).tolist()
    [1.0, 2.0, 8.0]
    """
    state = as_array(state)
    count, left = state[2], HALF - draws
    # Without a sum of 2²⁴ and more, which float32 would round.
    return put_at(state, where(greater_equal(count, left), count - left, count + draws), key=(2,))


def following(state: ArrayLike) -> Any:
    """Return the state after a draw; it comes round again after 2²⁴ of them.

    >>> import numpy as np
    >>> following(np.array([1.0, 2.0, 3.0])).tolist()
    [1.0, 2.0, 4.0]
    """
    state = as_array(state)
    count = state[2] + 1
    return put_at(state, where(greater_equal(count, HALF), 0.0, count), key=(2,))
