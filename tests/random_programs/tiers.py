"""The tiers: each makes of a function one that runs it, and notes the way that it went."""

from __future__ import annotations

import importlib.util
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from adjoint.graph import trace

import adjoint as ad
from adjoint.compiler.native.unlowerable import Unlowerable
from adjoint.compiler.program import Program
from adjoint.graphs.tracing.naming import function_name

HAS_NATIVE = importlib.util.find_spec("llvmlite") is not None
# LLVM takes a quarter of a millisecond for each scalar operation.
_MOST_UNROLLED = 1200

Function = Callable[..., Any]
# Given a function and a set for the ways that its runs go: "eager", "portable", "native", or
# "doubt": native code found its result in doubt and let the graph decide.
Tier = Callable[[Function, set[str]], Function]


def _eager(function: Function, ways: set[str]) -> Function:
    """Run on tensors that require a gradient."""
    ways.add("eager")
    return lambda *xs: _arrays(function(*[ad.tensor(x, requires_grad=True) for x in xs]))


def _eager_without_gradient(function: Function, ways: set[str]) -> Function:
    ways.add("eager")
    # A tensor without axes is an array, not a number: `x += 1` changes it.
    return lambda *xs: _arrays(function(*[ad.tensor(x) if np.ndim(x) else x for x in xs]))


def _arrays(results: Any) -> Any:
    return [y.detach().numpy() if isinstance(y, ad.Tensor) else y for y in results]


def itself(function: Function, ways: set[str]) -> Function:
    """Return a function of plain arrays, as `ad.grad` gives one."""
    ways.add("eager")
    return function


def _vmap(function: Function, ways: set[str]) -> Function:
    """Run on several rows at once, and return what becomes of the one in the middle."""
    ways.add("eager")

    def run(*xs: Any) -> Any:
        found = ad.vmap(function)(*map(_among_others, xs))
        return [np.array(y[1]) for y in found]

    return run


def _among_others(x: Any) -> Any:
    return np.stack([np.flip(x), x, np.zeros_like(x)])


def _scan(function: Function, ways: set[str]) -> Function:
    """Run as the body of a compiled loop of two turns, and return what the first one gathers."""
    compiled = ad.compile(
        lambda *rows: ad.scan(lambda _, x: (None, list(function(*x))), None, rows)[1]
    )

    def run(*xs: Any) -> Any:
        with _watched(ways):
            found = compiled(*(np.stack([x, np.flip(x)]) for x in xs))
        return [np.array(y[0]) for y in found]

    return run


def _trace(function: Function, ways: set[str]) -> Function:
    ways.add("portable")
    return lambda *xs: trace(function, *xs)(*xs)


def _written(function: Function, ways: set[str]) -> Function:
    ways.add("portable")

    def run(*xs: Any) -> Any:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "written.py"
            ad.write_source(function, path, *xs)
            scope: dict[str, Any] = {}
            exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), scope)
        with np.errstate(all="ignore"):
            return scope[function_name(function)](*xs)

    return run


def _portable(function: Function, ways: set[str]) -> Function:
    ways.add("portable")
    return lambda *xs: Program(trace(function, *xs), tiers={})(*xs)


def _native(limit: int) -> Tier:
    """Return the tier of straight-line code, or with limit 0 of loops over arrays."""

    def lower(graph: Any) -> Any:
        from adjoint.compiler.native.function import NativeFunction

        try:
            return NativeFunction(graph, limit=limit)
        except Unlowerable as reason:
            return str(reason)

    def tier(function: Function, ways: set[str]) -> Function:
        def run(*xs: Any) -> Any:
            with _watched(ways):
                return Program(trace(function, *xs), tiers={"native": lower})(*xs)

        return run

    return tier


def _compile(function: Function, ways: set[str]) -> Function:
    compiled = ad.compile(function)

    def run(*xs: Any) -> Any:
        with _watched(ways):
            for _ in range(2):
                compiled(*xs)
            return compiled(*xs)  # by a builtin, where there is one

    return run


COMPILED: dict[str, Tier] = {"trace": _trace, "written": _written, "portable": _portable}
if HAS_NATIVE:
    COMPILED |= {"straight-line": _native(_MOST_UNROLLED), "loops": _native(0)}
COMPILED["compile"] = _compile
TIERS = {
    "eager": _eager,
    "no gradient": _eager_without_gradient,
    "vmap": _vmap,
    "scan": _scan,
    **COMPILED,
}
# It takes as long as all others together, and is tried on fewer programs.
LOOP: dict[str, Tier] = {"scan": _scan}
NATIVE = ("straight-line", "loops", "compile")
GRADIENT_TIERS = {"eager": itself, "vmap": _vmap, **COMPILED}


# --- which way native code went


@contextmanager
def _watched(ways: set[str]) -> Iterator[None]:
    """Note where the programs run that are made meanwhile."""
    before = Program.__init__

    def watched(self: Any, *args: Any, **options: Any) -> None:
        before(self, *args, **options)
        _watch(self, ways)

    Program.__init__ = watched  # type: ignore[method-assign]
    try:
        yield
    finally:
        Program.__init__ = before  # type: ignore[method-assign]


def _watch(program: Any, ways: set[str]) -> None:
    lowered = program.lowered
    ways.add("portable" if lowered is None else "native")
    for native in [lowered, *getattr(lowered, "_runs", [])]:
        evaluate = getattr(native, "_evaluate", None)
        if evaluate is not None:
            native._evaluate = _noting(evaluate, ways)


def _noting(evaluate: Function, ways: set[str]) -> Function:
    def noted(*addresses: Any) -> Any:
        in_doubt = evaluate(*addresses)
        if in_doubt:
            ways.add("doubt")
        return in_doubt

    return noted
