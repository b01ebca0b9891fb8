"""Reproducibility: whether what is computed now has to have the same bits on every machine.

It is said once, at a door such as `fit`, and asked for wherever there is more than one way: how
native code is written, who takes a step that is in doubt, how a long sum is added up.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import numpy as np

from ..errors import ReproducibleError
from .annotations import Array

_is_asked: ContextVar[bool] = ContextVar("reproducible", default=False)


def is_reproducible() -> bool:
    """Return whether the same bits on every machine are asked for, in this thread."""
    return _is_asked.get()


@contextmanager
def reproducibly(asked: bool = True) -> Iterator[None]:
    """Ask for the same bits on every machine inside the ``with`` block, if ``asked``.

    A block inside of such a block cannot take it back.

    Raises
    ------
    ReproducibleError
        If this thread takes subnormal numbers for 0, as a processor does for programs that want it.

    Examples
    --------
    >>> with reproducibly():
    ...     is_reproducible()
    True
    >>> is_reproducible()
    False
    """
    if asked and sys.float_info.min / 2 == 0:
        raise ReproducibleError(
            "reproducible=True: this thread rounds subnormal numbers to 0, which a library built "
            "with -ffast-math, or torch.set_flush_denormal, has told the processor; other "
            "machines would keep them"
        )
    token = _is_asked.set(asked or _is_asked.get())
    try:
        yield
    finally:
        _is_asked.reset(token)


def ordered_sum(array: Array) -> Array:
    """Return the sum over the first axis, of which every addition is known.

    The second half is added to the first until one row is left. NumPy's sums are added in an order
    that depends on its version, its build and how the array lies in memory.

    Parameters
    ----------
    array : (n, …) float array

    Returns
    -------
    (…) array

    Examples
    --------
    >>> import numpy as np
    >>> ordered_sum(np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]]))
    array([ 9., 12.])
    """
    n = len(array)
    if not n:
        return np.zeros(array.shape[1:], array.dtype)
    sums = array.copy("K")
    while n > 1:
        half = (n + 1) // 2
        sums[: n - half] += sums[half:n]
        n = half
    return np.asarray(sums[0])
