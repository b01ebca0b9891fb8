"""A rank runs the user's program, and tells the launcher how it ended."""

from __future__ import annotations

import os
import runpy
import signal
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import NoReturn

from . import reports, stopping

_RANKS = ("OMPI_COMM_WORLD_RANK", "PMI_RANK", "PMIX_RANK")


def main(arguments: Sequence[str]) -> None:
    """Run a program: its path, and then its own arguments; "--all" before it shows all output."""
    shows_all, *arguments = [arguments[0] == "--all", *arguments[arguments[0] == "--all" :]]
    rank = next((int(os.environ[name]) for name in _RANKS if name in os.environ), 0)
    if rank and not shows_all:
        _be_quiet()
    for name in ("SIGUSR1", "SIGINT"):
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), stopping.ask)
    reports.tell("began", rank, pid=os.getpid())
    path = str(arguments[0])
    sys.argv = list(map(str, arguments))
    sys.path[0] = os.path.dirname(os.path.abspath(path))
    try:
        runpy.run_path(path, run_name="__main__")
    except SystemExit as end:
        _leave(rank, end)
    except KeyboardInterrupt:
        reports.tell("interrupted", rank)
        _end(130)
    except BaseException as error:
        _tell_error(rank, error)
        _end(1)


def _be_quiet() -> None:
    """Show nothing that rank 0 shows as well."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    warnings.showwarning = lambda *args, **kwargs: None


def _leave(rank: int, end: SystemExit) -> None:
    """End as the program asked for."""
    if end.code is None or end.code == 0:
        return
    if isinstance(end.code, int):
        reports.tell("left", rank, status=end.code)
        _end(end.code)
    reports.tell("error", rank, text=reports.shortened(str(end.code)), message=str(end.code)[:500])
    _end(1)


def _tell_error(rank: int, error: BaseException) -> None:
    # The first frames are this module's and runpy's.
    inside = error.__traceback__
    while inside is not None and inside.tb_frame.f_code.co_filename in (__file__, runpy.__file__):
        inside = inside.tb_next
    while inside is not None and "runpy" in inside.tb_frame.f_code.co_filename:
        inside = inside.tb_next
    text = "".join(traceback.format_exception(type(error), error, inside))
    message = f"{type(error).__name__}: {error}"
    reports.tell("error", rank, text=reports.shortened(text), message=message[:500])


def _end(status: int) -> NoReturn:
    """End this process, and with it the job."""
    sys.stdout.flush()
    sys.stderr.flush()
    mpi = sys.modules.get("mpi4py.MPI")
    if mpi is not None and mpi.Is_initialized() and not mpi.Is_finalized():
        mpi.COMM_WORLD.Abort(status)
    os._exit(status)


if __name__ == "__main__":
    main(sys.argv[1:])
