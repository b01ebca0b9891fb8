"""A job is a program that runs as several ranks, started by ``mpiexec`` and looked after here."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from . import blas, reports
from .leash import leashed

# What Open MPI says of a rank that a signal ended.
_KILLED = re.compile(r"process\s+rank\s+(\d+)\s.*?exited\s+on\s+signal\s+(\d+)", re.DOTALL)
# Open MPI and PRRTE write what they have to say between such lines.
_FRAME = re.compile(r"^-{60,}\s*$")


@dataclass(frozen=True)
class Plan:
    """What to start, and how.

    Parameters
    ----------
    ranks : int
    program : sequence of str
        The path of a Python program, and its arguments.
    timeout : float
        For how many seconds a rank waits for another one; 0 for ever.
    shows_all : bool
        Whether to show what ranks other than 0 print.
    options : sequence of str
        What ``mpiexec`` is given besides.
    names_variables : bool
        Whether ``mpiexec`` must be told which environment variables ranks on other machines need.
    """

    ranks: int
    program: Sequence[str]
    timeout: float = 0.0
    shows_all: bool = False
    options: Sequence[str] = ()
    names_variables: bool = False

    def command(self, mpiexec: str) -> list[str]:
        """Return the command that starts the job."""
        shown = ["--all"] if self.shows_all else []
        runner = [sys.executable, "-m", "adjoint.parallel.rank", *shown, *self.program]
        named = [part for name in self.variables(0) for part in ("-x", name)]
        options = [*self.options, *(named if self.names_variables else [])]
        return [mpiexec, *options, "-n", str(self.ranks), *runner]

    def variables(self, attempt: int) -> dict[str, str]:
        """Return the environment variables of the ranks; numbers of threads as the user set them.

        Parameters
        ----------
        attempt : int
            How often the job was started before.
        """
        threads = str(max(1, cores() // self.ranks))
        limits = {"OMP_NUM_THREADS": threads, **dict.fromkeys(blas.VARIABLES, "1")}
        return {
            **{name: os.environ.get(name, number) for name, number in limits.items()},
            reports.LAUNCHED: "1",
            reports.ATTEMPT: str(attempt),
            reports.TIMEOUT: str(self.timeout),
            reports.SHARES_CORES: str(int(self.ranks > cores())),
        }


@dataclass
class Ending:
    """How a job ended.

    Parameters
    ----------
    status : int
        What the launcher ends with: 0, 1 for a failure, or what the program asked for.
    text : str
        What to say, once.
    may_go_on : bool
        Whether the job may be started again: a rank is gone or does not answer, and the program
        itself has made no error.
    """

    status: int
    text: str = ""
    may_go_on: bool = False


@dataclass
class _Heard:
    """What was read from standard error."""

    reports: list[dict[str, Any]] = field(default_factory=list)
    framed: list[str] = field(default_factory=list)


def find_mpiexec() -> str | None:
    """Return the path of ``mpiexec``: that beside this Python, or else one on the path."""
    beside = os.path.join(os.path.dirname(sys.executable), "mpiexec")
    return beside if os.access(beside, os.X_OK) else shutil.which("mpiexec")


def cores() -> int:
    """Return how many cores this process may use."""
    count = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return count or 1


def is_open_mpi(mpiexec: str) -> bool:
    """Return whether ``mpiexec`` is Open MPI's."""
    try:
        said = subprocess.run([mpiexec, "--version"], capture_output=True, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return "Open MPI" in said.stdout or "prte" in said.stdout


def has_other_machines(options: Sequence[str]) -> bool:
    """Return whether ranks may run on other machines: options or a batch system say so."""
    is_named = any("host" in option for option in options)
    return is_named or any(
        name in os.environ for name in ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
    )


def is_container() -> bool:
    """Return whether this process runs in a container, as far as one can see."""
    signs = ("/.dockerenv", "/run/.containerenv")
    if any(map(os.path.exists, signs)):
        return True
    try:
        with open("/proc/1/sched", encoding="utf-8") as file:
            # Outside of a container the first process is the system's own.
            return not file.readline().startswith(("systemd ", "init "))
    except OSError:
        return False


def run(
    plan: Plan, mpiexec: str, *, attempt: int = 0, show: Callable[[str], None] | None = None
) -> Ending:
    """Run a job to its end, and return how it ended.

    Ctrl-C asks the ranks to stop after the step that they are taking; a second one ends them. If
    this process is killed the job ends, too, on Linux.

    Parameters
    ----------
    plan : Plan
    mpiexec : str
        A path.
    attempt : int
        How often the job was started before.
    show : callable, optional
        Given each line that is not for the launcher; by default it goes to standard error.
    """
    process = subprocess.Popen(
        leashed(plan.command(mpiexec)),
        stderr=subprocess.PIPE,
        env=os.environ | plan.variables(attempt),
        start_new_session=True,  # Ctrl-C is ours to pass on
    )
    heard = _Heard()
    listener = threading.Thread(target=_listen, args=(process, heard, show or _show), daemon=True)
    listener.start()
    with _handing_on(signal.SIGTERM, process) as handed_on:
        interruptions = _wait(process)
    listener.join(5)
    if process.stderr is not None and not listener.is_alive():
        process.stderr.close()
    if interruptions:
        return Ending(130, "interrupted")
    if handed_on:
        return Ending(128 + signal.SIGTERM, "terminated")
    return _ending(process.returncode, heard)


@contextmanager
def _handing_on(number: int, process: subprocess.Popen[bytes]) -> Iterator[list[int]]:
    """Hand a signal on to a process in the ``with`` block; what is given lists what came.

    Only the main thread can.
    """
    came: list[int] = []

    def hand_on(*_: object) -> None:
        came.append(number)
        process.send_signal(number)

    if threading.current_thread() is not threading.main_thread():
        yield came
        return
    before = signal.signal(number, hand_on)
    try:
        yield came
    finally:
        signal.signal(number, before)


def _show(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()


def _wait(process: subprocess.Popen[bytes]) -> int:
    """Wait for the end, and return how often Ctrl-C was pressed."""
    interruptions = 0
    while True:
        try:
            process.wait()
            return interruptions
        except KeyboardInterrupt:
            interruptions += 1
            # mpiexec hands this signal on to all ranks.
            ask = getattr(signal, "SIGUSR1", signal.SIGTERM)
            process.send_signal(ask if interruptions == 1 else signal.SIGTERM)


def _listen(process: subprocess.Popen[bytes], heard: _Heard, show: Callable[[str], None]) -> None:
    """Read standard error: reports are kept, as is what mpiexec says; the rest is shown."""
    assert process.stderr is not None
    is_framed, blank = False, ""
    for data in iter(process.stderr.readline, b""):
        line = data.decode(errors="replace")
        report = reports.read(line)
        if report is not None:
            heard.reports.append(report)
            blank = ""  # it came with the report
        elif _FRAME.match(line):
            is_framed = not is_framed
        elif is_framed:
            heard.framed.append(line)
        elif not line.strip():
            blank = line
        else:
            show(blank + line)
            blank = ""


def _ending(status: int, heard: _Heard) -> Ending:
    """Return how a job ended, of what was heard."""
    if status == 0:
        return Ending(0)
    for kind, ending in (("error", _of_error), ("waited", _of_silence), ("left", _of_leaving)):
        found = [report for report in heard.reports if report["kind"] == kind]
        if found:
            return ending(found)
    killed = _KILLED.search("".join(heard.framed))
    if killed:
        return Ending(1, f"rank {killed[1]} was killed by {_signal(int(killed[2]))}", True)
    said = " ".join("".join(heard.framed).split())
    if not any(report["kind"] == "began" for report in heard.reports):
        return Ending(1, f"mpiexec could not start the job: {said or f'it ended with {status}'}")
    return Ending(1, f"the job ended with status {status}: {said or 'a rank is gone'}", True)


def _signal(number: int) -> str:
    try:
        return f"{signal.Signals(number).name} ({signal.strsignal(number)})"
    except ValueError:
        return f"signal {number}"


def _of_error(found: Sequence[dict[str, Any]]) -> Ending:
    """Tell the first error once, and who else met it."""
    first = found[0]
    same = sorted({r["rank"] for r in found if r["message"] == first["message"]})
    who = f"rank {same[0]}" if len(same) == 1 else f"ranks {', '.join(map(str, same))}"
    return Ending(1, f"{who} failed:\n{first['text'].rstrip()}")


def _of_silence(found: Sequence[dict[str, Any]]) -> Ending:
    """Tell who did not answer: one that others wait for, and that waits for nobody itself."""
    waiting = {report["rank"] for report in found}
    awaited = [report for report in found if report["partner"] not in waiting] or found
    first = awaited[0]
    moment = f" in step {first['step'] + 1}" if first["step"] >= 0 else ""
    return Ending(1, f"rank {first['partner']} did not answer{moment}", True)


def _of_leaving(found: Sequence[dict[str, Any]]) -> Ending:
    return Ending(
        int(found[0]["status"]), f"rank {found[0]['rank']} ended with {found[0]['status']}"
    )
