"""BLAS multiplies NumPy's matrices, and rounds in another way with another number of threads."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

# OpenBLAS reads the one, MKL the other; both read the last one where theirs is missing.
VARIABLES = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def in_one_thread() -> AbstractContextManager[Any] | None:
    """Return a context in which BLAS has one thread; None if that cannot be had.

    Native code shares products of matrices among threads without a change of the numbers, and is
    left alone.
    """
    if all(os.environ.get(name) == "1" for name in VARIABLES):
        return nullcontext()
    try:
        from threadpoolctl import threadpool_limits
    except ImportError:
        return None
    found: AbstractContextManager[Any] = threadpool_limits(1, user_api="blas")
    return found
