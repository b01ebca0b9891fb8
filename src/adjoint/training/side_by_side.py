"""Trainings side by side are threads that share the cores and the compiled code."""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

from ..compiler.native import team

Result = TypeVar("Result")
# Says whether a training is to end.
Ends = Callable[[], bool]
# More threads than this would train many networks ahead that nobody may ask for.
_MOST = 4


@contextmanager
def sharing_cores(threads: int) -> Iterator[None]:
    """Let each of so many threads have its share of the cores, and no partner."""
    if threads == 1:
        yield
        return
    from joblib import cpu_count
    from threadpoolctl import threadpool_limits

    with team.alone(), threadpool_limits(max(1, cpu_count() // threads), user_api="blas"):
        yield


def free_threads() -> int:
    """Return how many trainings can go on side by side: one in a thread that is one of several."""
    from joblib import cpu_count

    # joblib sets this in processes that it runs side by side.
    if team.is_alone() or os.environ.get("OMP_NUM_THREADS") == "1":
        return 1
    return min(int(cpu_count()), _MOST)


def trained_side_by_side(
    jobs: Iterable[Callable[[Ends], Result]], *, threads: int, cut: Callable[[Result], Result]
) -> Iterator[Result]:
    """Yield what trainings in threads return, in their order; few are begun ahead.

    Parameters
    ----------
    jobs : iterable of callable
        Each trains, and ends early when what it is given says so.
    cut : callable
        Makes the result of a training that Ctrl-C ended; nothing comes after that.
    """
    over = threading.Event()
    with sharing_cores(threads), ThreadPoolExecutor(threads) as pool:
        begun: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                begun.append(pool.submit(job, over.is_set))
                if len(begun) == threads:
                    yield begun[0].result()
                    begun.popleft()
            while begun:
                yield begun[0].result()
                begun.popleft()
        except KeyboardInterrupt:
            # Python tells the main thread alone.
            over.set()
            if not begun:
                raise
            yield cut(begun[0].result())
        finally:
            over.set()
