"""Ten programs of scientists beside autograd and JAX: python -m benchmarks.scientists [NAME …].

Each is an example of the repository, and the very same functions run on all libraries: only the
name ``np`` in them stands for another library's NumPy. What is timed is a value and its gradient;
rivals take turns in one process, on one core, and the least time of all turns counts. A rival whose
gradient differs, that refuses the program, or compiles it for more than a minute is not timed, and
the table says why.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any

NAMES = {
    "sir_model": "SIR model, 448 Runge-Kutta slopes",
    "survival_model": "survival model, 42 patients",
    "kalman_filter": "Kalman filter, 100 years",
    "lotka_volterra": "Lotka and Volterra, 320 slopes",
    "hamiltonian_sampler": "energy of the sampler, 10 numbers",
    "gaussian_process": "Gaussian process, 70 points",
    "inverse_heat": "inverse heat, 160 steps in place",
    "neural_ode": "neural ODE, 62 weights",
    "truss": "truss, 796 coordinates",
    "bundle_adjustment": "bundle adjustment, 1,020 unknowns",
}
EXAMPLES = Path(__file__).parents[1] / "examples"
# Seconds that a library may take to compile.
LONGEST = 60
Call = Callable[[Any], Any]


def one_core() -> None:
    """Keep the process, and what it imports later, to one core."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[name] = "1"
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false"
    os.environ["JAX_PLATFORMS"] = "cpu"
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def load(name: str) -> Any:
    """Return an example as a module of its own."""
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def compiled(name: str) -> tuple[Call, Any]:
    """Return adjoint's compiled value and gradient, and where to call it."""
    import adjoint as ad

    loss, x = load(name).problem()
    return ad.compile(ad.value_and_grad(loss)), x


def eager(name: str) -> tuple[Call, Any]:
    """Return adjoint's value and gradient, not compiled."""
    import adjoint as ad

    loss, x = load(name).problem()
    return ad.value_and_grad(loss), x


def autograd(name: str) -> tuple[Call, Any]:
    """Return autograd's value and gradient of the same functions."""
    import autograd.numpy
    from autograd import value_and_grad

    module = load(name)
    loss, x = module.problem()
    module.np = autograd.numpy
    return value_and_grad(loss), x


def jax(name: str) -> tuple[Call, Any]:
    """Return JAX's value and gradient of the same functions, by jit."""
    import jax
    import jax.numpy

    jax.config.update("jax_enable_x64", True)
    module = load(name)
    loss, x = module.problem()
    module.np = jax.numpy
    called = jax.jit(jax.value_and_grad(loss))
    return (lambda x: jax.block_until_ready(called(x))), jax.numpy.asarray(x)


RIVALS = {"adjoint, compiled": compiled, "adjoint, eager": eager, "autograd": autograd, "JAX": jax}


def measured(name: str, rounds: int, seconds: float) -> dict[str, Any]:
    """Return for each rival the least time of a call and that of the first one, or why not."""
    import numpy as np

    ready: dict[str, tuple[Call, Any]] = {}
    found: dict[str, Any] = {}
    expected: Any = None
    for rival, make in RIVALS.items():
        if not _has_code_in_time(rival, name):
            found[rival] = f"none in {LONGEST} s: compiling takes longer"
            continue
        try:
            call, x = make(name)
            start = perf_counter()
            gradient = np.asarray(call(x)[1])
            first = perf_counter() - start
        except Exception as error:  # whatever a library says is what is reported
            found[rival] = f"{type(error).__name__}: {str(error).splitlines()[0][:60]}"
            continue
        expected = gradient if expected is None else expected
        if not np.allclose(gradient, expected, rtol=1e-6, atol=1e-8 * np.abs(expected).max()):
            found[rival] = "another gradient"
            continue
        ready[rival], found[rival] = (call, x), [float("inf"), first]
    for _ in range(rounds):
        for rival, (call, x) in ready.items():
            found[rival][0] = min(found[rival][0], _turn(call, x, seconds))
    return found


def _has_code_in_time(rival: str, name: str) -> bool:
    """Return whether JAX compiles a program in a minute; within a process nothing stops it."""
    if rival != "JAX" or importlib.util.find_spec("jax") is None:
        return True
    text = f"from benchmarks.scientists import jax; call, x = jax({name!r}); call(x)"
    try:
        subprocess.run(
            [sys.executable, "-c", text], timeout=LONGEST, capture_output=True, check=False
        )
    except subprocess.TimeoutExpired:
        return False
    return True


def _turn(call: Call, x: Any, seconds: float) -> float:
    """Return the least mean of a call in blocks that take some seconds together."""
    start = perf_counter()
    call(x)
    count = max(1, int(seconds / 5 / max(perf_counter() - start, 1e-7)))
    best = float("inf")
    for _ in range(5):
        start = perf_counter()
        for _ in range(count):
            call(x)
        best = min(best, (perf_counter() - start) / count)
    return best


def row(name: str, found: dict[str, Any]) -> str:
    """Return a row of the table in Markdown; times in microseconds, and first calls in seconds."""
    ours = found["adjoint, compiled"]
    cells = [f"[{NAMES[name]}](../../examples/{name}.py)"]
    for rival in RIVALS:
        entry = found[rival]
        if isinstance(entry, str):
            cells.append(entry.partition(":")[0])
            continue
        text = f"{entry[0] * 1e6:,.1f}"
        if rival != "adjoint, compiled":
            text += f" ({entry[0] / ours[0]:,.1f} ×)"
        cells.append(text)
    firsts = [found[r][1] if not isinstance(found[r], str) else None for r in (*RIVALS,)]
    cells += ["–" if t is None else f"{t:.2f}" for t in (firsts[0], firsts[3])]
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", choices=[[], *NAMES], metavar="NAME")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each rival")
    parser.add_argument("--seconds", type=float, default=0.2, help="of a turn, about")
    chosen = parser.parse_args()
    one_core()
    print(f"| program | {' | '.join(RIVALS)} | first call: adjoint, s | JAX, s |")
    print(f"|{'---|' * (len(RIVALS) + 3)}", flush=True)
    for name in chosen.names or NAMES:
        found = measured(name, chosen.rounds, chosen.seconds)
        print(row(name, found), flush=True)
        for rival, entry in found.items():
            if isinstance(entry, str):
                print(f"{name}, {rival}: {entry}", file=sys.stderr)


if __name__ == "__main__":
    main()
