"""What the first call of a compiled function costs: of a long unrolled loop, and of a large array.

All is imported before. The caches are empty, but where the row says that another process has filled
them. Each program prints its seconds, the bytes by which its memory grew, and by how much its value
differs from NumPy's.
"""

from __future__ import annotations

from collections.abc import Callable

from .programs import Program, Programs, Read
from .rival import SkippedError

_ROWS, _COLUMNS = 100_000, 20

# The function's names are NumPy's at first, and later the library's.
_START = """
from time import perf_counter
import numpy as np
from numpy import exp, log1p, sin
{text}
expected = float(function({argument}))

def peak():
    with open("/proc/self/status", encoding="ascii") as file:
        return int(file.read().partition("VmHWM:")[2].split()[0]) * 1024
"""
_ADJOINT = """
import llvmlite.binding
import adjoint as ad
compiled = ad.compile(ad.value_and_grad(function))
"""
_JAX = """
import jax
jax.config.update("jax_enable_x64", True)
from jax.numpy import exp, log1p, sin
jitted = jax.jit(jax.value_and_grad(function))
compiled = lambda x: jax.block_until_ready(jitted(x))
"""
_END = """
before, start = peak(), perf_counter()
value, slope = compiled({argument})
seconds, grown = perf_counter() - start, peak() - before
print(seconds, grown, abs(float(value) / expected - 1))
"""

_LOOP = """
x = np.linspace(0, 1, 5)

def function(x):
    for _ in range({turns}):
        x = x + 0.01 * sin(x)
    return x.sum()
"""
# The gradient needs the arrays of each turn, which therefore live until the sweep comes to it.
_KEEPING_LOOP = """
x = np.linspace(0, 1, 5)

def function(x):
    for _ in range({turns}):
        x = x / ((x * x).sum() + 1) ** 0.5 + 0.1
    return x.sum()
"""
_CAPTURED = """
X = np.random.default_rng(0).normal(size=({rows}, {columns}))
w = np.linspace(-1, 1, {columns})

def function(w):
    {guard}return log1p(exp(-(X @ w))).mean()
"""


def _script(library: str, text: str, argument: str) -> tuple[str, str]:
    start, end = _START.format(text=text, argument=argument), _END.format(argument=argument)
    return "-c", start + library + end


def long_loop() -> Programs:
    """Return the first calls of loops of several lengths."""

    def program(turns: int, loop: str = _LOOP, *, warm: bool = False) -> Program:
        script = _script(_ADJOINT, loop.format(turns=turns), "x")
        of = " of reductions" if loop is _KEEPING_LOOP else ""
        name = f"adjoint, {turns:,} turns{of}{', cached' * warm}"
        return Program(name, script, ("llvmlite",), quick=turns == 500 and loop is _LOOP, warm=warm)

    programs = [program(turns) for turns in (2_000, 500, 1_000, 4_000)]
    programs += [program(2_000, warm=True)]
    programs += [program(turns, _KEEPING_LOOP) for turns in (500, 1_000)]
    jax = _script(_JAX, _LOOP.format(turns=2_000), "x")
    programs += [Program("JAX, jit, 2,000 turns", jax, ("jax",))]
    title = "The first call of an unrolled loop, 7 operations a turn, or 17: value and gradient"
    return Programs(title, programs, _read(0))


def captured_array() -> Programs:
    """Return the seconds of first calls of a function that holds an array of 16 MB."""
    title = "The first call of a function that holds 16 MB: value and gradient"
    return Programs(title, _captured_programs(), _read(0))


def captured_array_memory() -> Programs:
    """Return by how much memory these calls let their processes grow."""
    title = "By how much the first call of a function that holds 16 MB lets its process grow"
    return Programs(title, _captured_programs(), _read(1), unit="B", most=3)


def _captured_programs() -> list[Program]:
    def script(library: str, guard: str = "", rows: int = _ROWS) -> tuple[str, str]:
        text = _CAPTURED.format(rows=rows, columns=_COLUMNS, guard=guard)
        return _script(library, text, "w")

    # An array is a constant of the code where the function asks for types, see `ad.compile`.
    frozen = "if isinstance(w, int):\n        return w\n    "
    ours = ("llvmlite",)
    return [
        Program("adjoint, read at each call", script(_ADJOINT), ours, quick=True),
        Program("adjoint, a constant", script(_ADJOINT, frozen), ours, quick=True),
        Program("adjoint, a constant, cached", script(_ADJOINT, frozen), ours, warm=True),
        Program("adjoint, 200 rows of it only", script(_ADJOINT, frozen, 200), ours),
        Program("JAX, jit", script(_JAX), ("jax",)),
    ]


def _read(place: int) -> Read:
    """Return what reads one of the numbers that a program prints, if its work's value is right."""

    def read(output: str, _: float) -> float:
        *measured, error = map(float, output.split())
        if not error <= 1e-9:
            raise SkippedError(f"its result differs by {error:.1e} from NumPy's")
        return measured[place]

    return read


BENCHMARKS: dict[str, Callable[[], Programs]] = {
    "long-loop": long_loop,
    "captured-array": captured_array,
    "captured-array-memory": captured_array_memory,
}
