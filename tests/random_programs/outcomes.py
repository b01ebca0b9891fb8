"""What a tier makes of a program: the right numbers, wrong ones, or an error that says no."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

import adjoint as ad

from .comparison import difference
from .differences import Contraction, Differences, contraction
from .program import Calls, Program, copied, copied_arguments, run_plainly
from .shaken import fusing
from .tiers import GRADIENT_TIERS, LOOP, NATIVE, TIERS, Tier

_SHAKEN_RUNS = 4
# Written source is NumPy as a person would have written it, views and all.
_VIEWING = ("written",)
# What says no: our own errors, NumPy's, Python's. None that a mistake of ours would raise.
_REFUSALS = (TypeError, ValueError, IndexError, RuntimeError, FloatingPointError)


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
    way : str
        See `tiers.Tier`.
    """

    tier: str
    wrong: str = ""
    refused: str = ""
    way: str = ""


def derivative(f: Any) -> Any:
    """Return the gradient by the first argument of the sum of ``f``."""
    return ad.grad(lambda t, *rest: np.sum(f(t, *rest)))


@dataclass
class Trial:
    """A program with what plain runs give."""

    program: Program
    plain: Calls = field(init=False)
    shaken: list[Calls] = field(init=False)
    # The runs that native code may differ from each other by, too.
    fused: list[Calls] = field(init=False)

    def __post_init__(self) -> None:
        self.plain = run_plainly(self.program)
        self.shaken = [run_plainly(self.program, is_shaken=True) for _ in range(_SHAKEN_RUNS)]
        with fusing():
            self.fused = [run_plainly(self.program, is_shaken=True) for _ in range(_SHAKEN_RUNS)]

    def outcomes(self) -> Iterator[Outcome]:
        """Run the program and take its gradient in every tier."""
        yield from map(self.value_in, TIERS)
        yield from self.gradients()

    def in_tier(self, tier: str) -> Outcome:
        """Return one of the outcomes."""
        if tier in TIERS or tier in LOOP:
            return self.value_in(tier)
        names = ["eager", tier.removeprefix("gradient, ")]
        return next((o for o in self.gradients(names) if o.tier == tier), Outcome(tier))

    # --- values

    def value_in(self, tier: str) -> Outcome:
        """Run the program twice, with the change between."""
        names = self.program.load(derivative)

        def check(run: Any) -> str:
            found, shared = _called_twice(run, names)
            runs = self.shaken + (self.fused if tier in NATIVE else [])
            wrong = self._mistake("first", found, runs) or self._mistake("second", found, runs)
            if tier in ("eager", "no gradient"):
                return wrong  # tensors are never changed in place, and so may share
            wrong = wrong or self._mistake("arguments", found, runs)
            return wrong or ("" if tier in _VIEWING else shared)

        return _tried(tier, (TIERS | LOOP)[tier], names["program"], check)

    def _mistake(self, call: str, found: Calls, shaken: list[Calls]) -> str:
        results = zip(getattr(found, call), getattr(self.plain, call), strict=True)
        signed = not any("d(lambda" in line for line in self.program.lines)
        for n, (ours, theirs) in enumerate(results):
            runs = [getattr(run, call)[n] for run in shaken]
            wrong = difference(ours, theirs, runs, signed=signed)
            if wrong is not None:
                return f"{call}, {n}: {wrong}"
        return ""

    # --- gradients

    @cached_property
    def contract(self) -> Contraction:
        """What gradients are taken of: a sum over the results."""
        return contraction(self.plain.first, [run.first for run in self.shaken])

    @cached_property
    def right(self) -> list[Any]:
        """The gradient, as far as differences say."""
        return Differences(self.program, self.contract).gradients

    def gradients(self, tiers: Any = GRADIENT_TIERS) -> Iterator[Outcome]:
        """Take the gradient of a contraction of the results, if there is anything to contract."""
        self.eager: list[Any] | None = None
        for tier in () if self.contract.is_empty else tiers:
            yield self._gradient(tier)

    def _gradient(self, tier: str) -> Outcome:
        names, contract = self.program.load(derivative), self.contract
        program = names["program"]

        def contracted(*arguments: Any) -> Any:
            return contract(program(*arguments))

        gradient = ad.grad(contracted, tuple(range(len(self.program.parameters))))

        def check(run: Any) -> str:
            given = copied_arguments(names)
            results = run(*given)
            wrong = self._wrong_gradient(copied(results), given)
            if tier == "eager":
                self.eager = copied(results)
            shared = _shared(results, [*given, *names.values()])
            return wrong or ("" if tier in _VIEWING else shared)

        return _tried(f"gradient, {tier}", (GRADIENT_TIERS | LOOP)[tier], gradient, check)

    def _wrong_gradient(self, found: list[Any], given: list[Any]) -> str:
        for n, (ours, x) in enumerate(zip(found, given, strict=True)):
            if ours.shape != np.shape(x) or ours.dtype != np.asarray(x).dtype:
                return f"gradient {n} is {ours.dtype}{ours.shape}"
            eager = None if self.eager is None else self.eager[n]
            # What is left of ordinary numbers that cancel; special ones may be as small.
            least = 0 if self.program.is_special else 1e-12 if ours.dtype == np.float64 else 1e-5
            wrong = _wrong_entries(ours, self.right[n], eager, least)
            if wrong:
                return f"gradient {n}: {wrong}"
        return ""


def _wrong_entries(ours: Any, right: Any, eager: Any, least: float) -> str:
    """Compare with differences, and where these say nothing with the eager gradient."""
    rtol = 2e-2 if ours.dtype == np.float32 else 1e-3
    near = np.abs(ours - right) <= rtol * np.abs(right) + rtol / 10
    wrong = ~np.isnan(right) & ~near
    if np.any(wrong):
        return f"{ours[wrong][:4]} for {right[wrong][:4]}, by differences"
    if eager is None:
        return ""
    same = np.isclose(ours, eager, rtol=rtol, atol=0, equal_nan=True)
    sizes = np.abs(eager[np.isfinite(eager)])
    same |= np.abs(ours - eager) <= max(least, rtol / 10 * np.max(sizes, initial=0))
    wrong = np.isnan(right) & ~same
    return f"{ours[wrong][:4]} for {eager[wrong][:4]}, in eager code" if np.any(wrong) else ""


# --- running


def _tried(name: str, tier: Tier, function: Any, check: Callable[[Any], str]) -> Outcome:
    ways: set[str] = set()
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        try:
            wrong = check(tier(function, ways))
        except _REFUSALS as error:
            return Outcome(name, refused=f"{type(error).__name__}: {error}")
        except Exception as error:
            return Outcome(name, wrong=f"crashed: {type(error).__name__}: {error}")
    way = next(way for way in ("doubt", "native", "portable", "eager") if way in ways)
    return Outcome(name, wrong=wrong, way=way)


def _called_twice(run: Any, names: dict[str, Any]) -> tuple[Calls, str]:
    given = copied_arguments(names)
    results = run(*given)
    shared = _shared(results, [*given, *names.values()])
    first = copied(results)
    names["change"]()
    second = copied(run(*copied_arguments(names)))
    return Calls(first, second, copied(given)), shared


def _shared(results: Any, kept: Any) -> str:
    """Return which results lie in memory where something else is."""
    arrays = [x for x in kept if isinstance(x, np.ndarray)]
    for n, y in enumerate(results):
        if isinstance(y, np.ndarray):
            if any(np.shares_memory(y, x) for x in arrays):
                return f"result {n} shares memory with another, an argument or a constant"
            arrays.append(y)
    return ""
