"""Workers are the threads, processes or machines of joblib's in which estimators are fitted."""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import ExitStack, contextmanager
from types import FrameType
from typing import Any, TypeVar

import joblib
from joblib.parallel import SequentialBackend, get_active_backend
from sklearn.utils import parallel

from ..training.side_by_side import sharing_cores

# How often work is begun again because a worker is gone. Work that ends its worker itself, as by
# taking more memory than there is, would do so for ever.
_MOST_LOSSES = 3

Result = TypeVar("Result")


def are_threads() -> bool:
    """Return whether workers are threads: nothing else was asked for by ``parallel_config``."""
    return getattr(get_active_backend(prefer="threads")[0], "uses_threads", False)


def results(
    work: Callable[..., Result], tasks: Iterable[Iterable[Any]], n_jobs: int | None
) -> Iterable[Result]:
    """Return what work returns for tasks, in any order, and as soon as it is there if possible.

    Parameters
    ----------
    work : callable
    tasks : iterable of iterable
        The arguments of each call. Backends send an object that is one of them once, however often
        it occurs.
    n_jobs : int or None
    """
    backend, _ = get_active_backend(prefer="threads")
    # scikit-learn's tells processes which warnings are wanted. Threads know, and would disturb each
    # other if they were told.
    kind = joblib if are_threads() else parallel
    runner = kind.Parallel(
        n_jobs=n_jobs,
        prefer="threads",
        return_as="generator_unordered" if backend.supports_return_generator else "list",
    )
    found: Iterable[Result] = runner(kind.delayed(work)(*task) for task in tasks)
    return found


@contextmanager
def side_by_side(n_jobs: int | None) -> Iterator[None]:
    """Let each worker in this process have its share of the cores, and no partner.

    They are threads where nothing else was asked for. Processes that joblib's backends start are
    told their share by OMP_NUM_THREADS.
    """
    with ExitStack() as opened:
        backend, _ = get_active_backend(prefer="threads")
        if are_threads() and not isinstance(backend, SequentialBackend):
            # Where threads are only preferred there is one, whatever n_jobs `parallel_config` has.
            opened.enter_context(joblib.parallel_config("threading"))
        opened.enter_context(sharing_cores(joblib.effective_n_jobs(n_jobs)))
        yield


def done_again(work: Callable[[], Result]) -> Result:
    """Return what work returns; it is begun again if a process that took part in it is gone."""
    for _ in range(_MOST_LOSSES):
        try:
            return work()
        except _losses():
            continue
    return work()


def _losses() -> tuple[type[BaseException], ...]:
    """Return what loky, Ray and Dask raise if a process is gone with what it had.

    Dask does again by itself what a process computed, but data that only this one had are lost.
    """
    named = [("ray.exceptions", "RayActorError"), ("distributed.client", "FutureCancelledError")]
    # Neither is imported for this, and not every version has the name.
    found = [getattr(sys.modules.get(module), name, None) for module, name in named]
    return BrokenProcessPool, *(kind for kind in found if kind is not None)


@contextmanager
def ended_by_ctrl_c() -> Iterator[None]:
    """Let Ctrl-C end the work in the ``with`` block even if an estimator's fit ends well by it."""
    is_ours = threading.current_thread() is threading.main_thread()
    if not is_ours or signal.getsignal(signal.SIGINT) is not signal.default_int_handler:
        yield
        return
    came: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if came:
        raise KeyboardInterrupt
