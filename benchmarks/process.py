"""A process is where a rival works: its threads are set before it imports anything."""

from __future__ import annotations

import compileall
import functools
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from time import perf_counter
from typing import Any

from .rival import SkippedError

REPOSITORY = Path(__file__).parent.parent
_THREADS = ("OPENBLAS", "OMP", "MKL", "NUMEXPR", "NUMBA", "BLIS", "VECLIB_MAXIMUM")


def environment(*, threads: int | None, cache: Path) -> dict[str, str]:
    """Return the variables of a process with so many threads, and caches of code in a folder.

    With None every library has the threads that it chooses. The adjoint that is imported is this
    checkout's.
    """
    compile_bytecode()
    path = [str(REPOSITORY), str(REPOSITORY / "src"), os.environ.get("PYTHONPATH", "")]
    variables = {
        "PYTHONPATH": os.pathsep.join(filter(None, path)),
        "ADJOINT_CACHE": str(cache / "adjoint"),
        "NUMBA_CACHE_DIR": str(cache / "numba"),
        "TORCHINDUCTOR_CACHE_DIR": str(cache / "torch"),
        "JAX_COMPILATION_CACHE_DIR": str(cache / "jax"),
        "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "0",
        "JAX_PLATFORMS": "cpu",
    }
    found = {**os.environ, **variables, **({} if threads is None else _limits(threads))}
    found.pop("PYTHONDONTWRITEBYTECODE", None)
    return found


@functools.cache
def compile_bytecode() -> None:
    """Compile this checkout to bytecode, as pip does with what it installs, the rivals included."""
    for folder in ("src", "benchmarks"):
        compileall.compile_dir(REPOSITORY / folder, quiet=2)


def _limits(threads: int) -> dict[str, str]:
    variables = {f"{library}_NUM_THREADS": str(threads) for library in _THREADS}
    del variables["VECLIB_MAXIMUM_NUM_THREADS"]
    variables |= {"VECLIB_MAXIMUM_THREADS": str(threads), "MKL_DYNAMIC": "FALSE"}
    # XLA takes its pool's size from NPROC.
    variables["NPROC"] = str(threads)
    if threads == 1:
        variables["JAX_CPU_ENABLE_ASYNC_DISPATCH"] = "0"
    return variables


def _pin(threads: int) -> None:
    """Keep this process on as many cores as it has threads."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[-threads:])


class Worker:
    """A process that makes one rival's contestant and does what it is told.

    Where the system can, it is pinned to as many cores as it has threads: a library that hands work
    from one thread to another would wait for a sleeping core, or use two and be called
    single-threaded.

    Raises
    ------
    SkippedError
        If the rival cannot take part.
    """

    def __init__(self, benchmark: str, rival: str, *, threads: int, cache: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.worker", benchmark, rival],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment(threads=threads, cache=cache),
            cwd=REPOSITORY,
            preexec_fn=partial(_pin, threads) if hasattr(os, "sched_setaffinity") else None,
        )
        try:
            self.ask("make")
        except SkippedError:
            self.close()
            raise

    def ask(self, what: str, count: int = 0) -> dict[str, Any]:
        """Return the worker's answer."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"do": what, "count": count}) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            raise SkippedError(f"its process ended with {self.process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        if "skipped" in answer:
            raise SkippedError(answer["skipped"])
        return answer

    def close(self) -> None:
        """End the process."""
        self.process.communicate()


def run_to_end(
    arguments: Sequence[str], variables: Mapping[str, str], *, limit: float = 120.0
) -> tuple[str, float]:
    """Run Python with these arguments; return what it printed, and the seconds it took.

    Raises
    ------
    SkippedError
        If it takes longer than the limit, or fails.
    """
    start = perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=dict(variables),
        cwd=REPOSITORY,
    )
    try:
        output, errors = process.communicate(timeout=limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
        raise SkippedError(f"took more than {limit:.0f} s") from None
    seconds = perf_counter() - start
    if process.returncode:
        last = (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]
        raise SkippedError(f"failed: {last}")
    return output, seconds
