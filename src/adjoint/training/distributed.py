"""Distributed training, as `fit` is asked for it: what it takes, and what it refuses."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext

from ..core.checks import positive_size
from ..parallel import blas, stopping
from ..parallel.communicator import Communicator
from ..parallel.mpi import join
from .agreement import Agreement
from .callbacks.callback import Called
from .history import History
from .run import Run
from .saving import Saver
from .task import Task, work_of

SHARDS = 8
# About how many floating-point operations a rank does in a second, and how many seconds a shard
# takes besides, see docs/scaling.md.
_OPERATIONS, _SECONDS_A_SHARD = 1e11, 7e-6
_THREADS = (
    "products of matrices without native code are rounded as the threads of BLAS have it; for bits "
    "that do not depend on their number install threadpoolctl, or set OPENBLAS_NUM_THREADS=1"
)


class Distributed:
    """How a training is distributed over processes.

    A batch is dealt out in shards, whose gradients are added up in a fixed tree: so the numbers
    depend on how many shards there are, and not on how many ranks.

    Parameters
    ----------
    shards : int or None
        At least as many as ranks. None makes one for each rank, which takes fewer and larger
        operations, but then the last bits of all numbers depend on how many ranks there are.
    communicator : Communicator, optional
        Connects the ranks; by default those of the MPI job that this process belongs to, if any.

    Examples
    --------
    >>> import adjoint as ad
    >>> def trained(distributed):
    ...     model = ad.nn.MLP(2, 8, 2, rng=0)
    ...     ad.fit(model, ad.datasets.make_moons(100, seed=0), loss="cross_entropy", epochs=2,
    ...            seed=0, distributed=distributed)
    ...     return model
    >>> model, same = trained(True), trained(ad.Distributed(shards=8))
    >>> bool((model.layers[0].weight == same.layers[0].weight).all())
    True
    """

    def __init__(
        self, *, shards: int | None = SHARDS, communicator: Communicator | None = None
    ) -> None:
        self.shards = None if shards is None else positive_size("shards", shards)
        self.communicator = communicator

    def __repr__(self) -> str:
        return f"Distributed(shards={self.shards})"


class Job(Agreement):
    """A training that several ranks do together, seen from one of them.

    Parameters
    ----------
    settings : Distributed

    Raises
    ------
    ValueError
        If there are more ranks than shards.
    """

    def __init__(self, settings: Distributed) -> None:
        super().__init__(settings.communicator or join())
        size = self.communicator.size
        self.shards = settings.shards or size
        if size > self.shards:
            raise ValueError(
                f"fit: {size} ranks, but a batch has {self.shards} shards, and a rank without one "
                f"has nothing to do; take distributed=ad.Distributed(shards={_as_many(size)})"
            )

    def refuse(self, task: Task, *, compile: bool | str, reproducible: bool) -> None:
        """Refuse what cannot be distributed, and note in the task how it is.

        Raises
        ------
        ValueError
        """
        reasons = {
            "batches from a stream, whose rows no rank can find by their number; give arrays, or "
            "memory maps": task.stream is not None,
            "accumulate=, since a batch passes through the model in shards anyway": (
                task.accumulate > 1
            ),
            "reproducible=True: its bits are those of any number of ranks, but of one kind of "
            "processor": reproducible,
            "compile=False, since the step on shards is a traced graph": compile is False,
        }
        for reason, holds in reasons.items():
            if holds:
                raise ValueError(f"fit: distributed training does not take {reason}")
        task.shards = self.shards

    @contextmanager
    def working(self, history: History) -> Iterator[None]:
        """Let numbers not depend on threads in the ``with`` block, and a wish to stop be heard.

        Raises
        ------
        RuntimeError
            If another thread is in a training of the same ranks.
        """
        in_one_thread = blas.in_one_thread()
        if in_one_thread is None:
            history.reasons.append(_THREADS)
        with self.communicator.in_one_thread(), in_one_thread or nullcontext(), stopping.heeded():
            yield

    def called(self, callbacks: Sequence[Called]) -> list[Called]:
        """Return the callbacks that this rank calls."""
        return [c for c in callbacks if self.is_first or not getattr(c, "is_of_first_rank", False)]

    def run(self, task: Task, history: History, saver: Saver) -> Run:
        """Return the run of a task.

        Raises
        ------
        ValueError
            If the step cannot be traced.
        """
        from .distributed_run import DistributedRun  # here: it needs programs, others do not

        try:
            found = DistributedRun(task, history, saver, agreement=self, shards=self.shards)
        except (TypeError, ValueError) as error:
            raise ValueError(f"fit: the step cannot be distributed: {error}") from error
        if self.communicator.are_processes:
            self._advise(task, history, found.seconds_of_sum())
        return found

    def _advise(self, task: Task, history: History, seconds: float) -> None:
        """Warn, on rank 0, where the sum over ranks takes longer than they save."""
        size = self.communicator.size
        arithmetic = work_of(task.model, task.batch_size) / _OPERATIONS
        arithmetic += self.shards * _SECONDS_A_SHARD
        saved = arithmetic * (1 - 1 / size)
        if seconds < saved:
            return
        text = (
            f"fit: the arithmetic of a step takes about {arithmetic * 1e3:.2g} ms, of which {size} "
            f"ranks save {saved * 1e3:.2g} ms, and to add up their gradients takes "
            f"{seconds * 1e3:.2g} ms: fewer ranks, a larger batch_size, or a training that is not "
            "distributed will be faster"
        )
        history.reasons.append(text)
        if self.is_first:
            warnings.warn(text, UserWarning, stacklevel=5)


def joined(distributed: bool | Distributed) -> Job | None:
    """Return the job that a training is part of; None if it is not to be distributed.

    Raises
    ------
    TypeError
        If ``distributed`` is neither true, false nor a `Distributed`.
    """
    if isinstance(distributed, Distributed):
        return Job(distributed)
    if distributed not in (True, False):
        raise TypeError(
            f"distributed: expected True, False or ad.Distributed(...), got {distributed!r}"
        )
    return Job(Distributed()) if distributed else None


def _as_many(size: int) -> int:
    """Return the least power of two that is not below a size."""
    return 1 << (size - 1).bit_length()
