"""Runs a program in every tier, twice with a change between, and says what came of it."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import adjoint as ad
from adjoint.compiler.program import Program as Compiled
from adjoint.compiler.native.nest import Unlowerable
from adjoint.graph import trace
from adjoint.tree import leaves

from .comparison import difference
from .program import Calls, Program, copied, copied_arguments, run_plainly

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
# LLVM takes a quarter of a millisecond for each scalar operation.
_MOST_UNROLLED = 1200
_SHAKEN_RUNS = 4


@dataclass(frozen=True)
class Outcome:
    """What a tier made of a program.

    Attributes
    ----------
    tier : str
    wrong : str
        What is wrong with the numbers; empty if nothing is.
    refused : str
        The error that said no; empty if none did.
    ran : str
        "eager", "portable", "native" or "door": native code that let the graph decide.
    """

    tier: str
    wrong: str = ""
    refused: str = ""
    ran: str = ""


def derivative(f: Any) -> Any:
    """Return the gradient by the first argument of the sum of ``f``."""
    return ad.grad(lambda t, *rest: np.sum(f(t, *rest)))


@dataclass(frozen=True)
class Expected:
    """What a plain run gives, and what rounding can make of it."""

    plain: Calls
    shaken: list[Calls]

    def __init__(self, program: Program) -> None:
        object.__setattr__(self, "plain", run_plainly(program))
        runs = [run_plainly(program, is_shaken=True) for _ in range(_SHAKEN_RUNS)]
        object.__setattr__(self, "shaken", runs)

    def mistake(self, call: str, found: list[Any]) -> str:
        """Return what is wrong with the results of a call."""
        plain = getattr(self.plain, call)
        for n, (ours, theirs) in enumerate(zip(found, plain, strict=True)):
            wrong = difference(ours, theirs, [getattr(run, call)[n] for run in self.shaken])
            if wrong is not None:
                return f"{call}, result {n}: {wrong}"
        return ""


# --- each tier is a function of a program's names that returns what runs it


def _eagerly(names: Any, ways: set[str]) -> Any:
    """Run on tensors that require a gradient, recorded."""
    ways.add("eager")

    def run(*arguments: Any) -> Any:
        floats = [n for n, x in enumerate(arguments) if np.asarray(x).dtype.kind == "f"]
        assert len(floats) == len(arguments)
        return [_detached(y) for y in names["program"](*map(_leaf, arguments))]

    return run


def _eagerly_constant(names: Any, ways: set[str]) -> Any:
    """Run on tensors that require none."""
    ways.add("eager")
    return lambda *xs: [_detached(y) for y in names["program"](*map(ad.tensor, xs))]


def _leaf(x: Any) -> Any:
    return ad.tensor(x, requires_grad=True)


def _detached(y: Any) -> Any:
    return y.detach().numpy() if isinstance(y, ad.Tensor) else y


def _traced(names: Any, ways: set[str]) -> Any:
    ways.add("portable")
    return _traced_anew(names, lambda graph: graph)


def _written(names: Any, ways: set[str]) -> Any:
    ways.add("portable")

    def run(*arguments: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "written.py"
            ad.write_source(names["program"], path, *arguments)
            scope: dict[str, Any] = {}
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
        return scope["program"](*arguments)

    return run


def _portable(names: Any, ways: set[str]) -> Any:
    ways.add("portable")
    return _traced_anew(names, lambda graph: Compiled(graph, tiers={}))


def _native(limit: int) -> Callable[..., Any]:
    def lowered(names: Any, ways: set[str]) -> Any:
        from adjoint.compiler.native.function import NativeFunction

        def tier(graph: Any) -> Any:
            try:
                return NativeFunction(graph, limit=limit)
            except Unlowerable as reason:
                return str(reason)

        def make(graph: Any) -> Any:
            program = Compiled(graph, tiers={"native": tier})
            _watch(program, ways)
            return program

        return _traced_anew(names, make)

    return lowered


def _compiled(names: Any, ways: set[str]) -> Any:
    compiled = ad.compile(names["program"])
    seen: list[Any] = []

    def run(*arguments: Any) -> Any:
        with _watching(ways):
            return compiled(*arguments)

    return run


def _traced_anew(names: Any, make: Any) -> Any:
    return lambda *arguments: make(trace(names["program"], *arguments))(*arguments)


TIERS: dict[str, Callable[..., Any]] = {
    "eager": _eagerly,
    "eager, no gradient": _eagerly_constant,
    "trace": _traced,
    "written": _written,
    "portable": _portable,
}
if HAS_NATIVE:
    TIERS |= {
        "straight-line": _native(_MOST_UNROLLED),
        "loops": _native(0),
        "compile": _compiled,
    }


# --- which way native code went


def _watch(program: Any, ways: set[str]) -> None:
    """Note where a program runs, and whether its native code let the graph decide."""
    lowered = program.lowered
    ways.add("portable" if lowered is None else "native")
    for native in [lowered, *getattr(lowered, "_runs", [])]:
        evaluate = getattr(native, "_evaluate", None)
        if evaluate is not None:
            native._evaluate = _noting(evaluate, ways)


def _noting(evaluate: Any, ways: set[str]) -> Any:
    def noted(*addresses: Any) -> Any:
        in_doubt = evaluate(*addresses)
        if in_doubt:
            ways.add("door")
        return in_doubt

    return noted


@contextmanager
def _watching(ways: set[str]) -> Iterator[None]:
    """Watch all programs that are made meanwhile."""
    before = Compiled.__init__

    def watched(self: Any, *args: Any, **options: Any) -> None:
        before(self, *args, **options)
        _watch(self, ways)

    Compiled.__init__ = watched
    try:
        yield
    finally:
        Compiled.__init__ = before


# --- what came of it

# What says no: our own errors, NumPy's, Python's. None that a mistake of ours would raise.
REFUSALS = (TypeError, ValueError, IndexError, ad.GraphError, RuntimeError, NotImplementedError)


def run_in(tier: str, program: Program, expected: Expected) -> Outcome:
    """Run a program in one tier and compare."""
    ways: set[str] = set()
    names = program.load(derivative)
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            calls = _called(TIERS[tier](names, ways), names, reads_anew=True)
        except REFUSALS as error:
            return Outcome(tier, refused=f"{type(error).__name__}: {error}")
        except Exception as error:
            return Outcome(tier, wrong=f"crashed: {type(error).__name__}: {error}")
    wrong = _mistake(tier, calls, expected)
    ran = next(way for way in ("door", "native", "portable", "eager") if way in ways)
    return Outcome(tier, wrong=wrong, ran=ran)


def _called(run: Any, names: dict[str, Any], *, reads_anew: bool) -> tuple[Calls, str]:
    given = copied_arguments(names)
    results = run(*given)
    shared = _shares(results, given, names)
    first = copied(results)
    names["change"]()
    second = copied(run(*copied_arguments(names)))
    return Calls(first, second, copied(given)), shared


def _shares(results: Any, given: Any, names: dict[str, Any]) -> str:
    """Return which results lie in memory that something else is kept in."""
    arrays = [y for y in leaves(list(results)) if isinstance(y, np.ndarray)]
    kept = [x for x in [*given, *names.values()] if isinstance(x, np.ndarray)]
    for n, y in enumerate(arrays):
        if any(np.shares_memory(y, x) for x in kept):
            return f"result {n} shares memory with an argument or a constant"
        if any(np.shares_memory(y, x) for x in arrays[:n]):
            return f"result {n} shares memory with another"
    return ""


def _mistake(tier: str, calls: tuple[Calls, str], expected: Expected) -> str:
    found, shared = calls
    wrong = expected.mistake("first", found.first) or expected.mistake("second", found.second)
    if tier.startswith("eager"):
        return wrong  # tensors are never changed in place, and so may share
    return wrong or expected.mistake("arguments", found.arguments) or shared


def outcomes(program: Program, tiers: Any = None) -> list[Outcome]:
    """Run a program in every tier."""
    expected = Expected(program)
    return [run_in(tier, program, expected) for tier in tiers or TIERS]
