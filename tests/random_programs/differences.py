"""The gradient of a contraction of a program's results, by differences of plain runs."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from .comparison import agree
from .program import Program, copied_arguments, plain_derivative

# Contracted are results of a size at which differences mean something.
_MOST_MAGNITUDE = 1e3
_MOST_ENTRIES = 6
_STEP = 2e-5
# A function with features finer than the step may be steeper, and is not seen.
_STEEPEST = 1e6
_MOST_BESIDE = 1e8


@dataclass(frozen=True)
class Contraction:
    """The sum of some entries of a program's results, each times a weight."""

    picks: list[Any]
    weights: list[Any]

    def __call__(self, results: Any) -> Any:
        total = 0.0
        for y, pick, weight in zip(results, self.picks, self.weights, strict=True):
            if len(pick):
                total = total + np.sum(np.ravel(y)[pick] * weight)
        return total

    @property
    def is_empty(self) -> bool:
        """Whether there are no entries."""
        return not any(map(len, self.picks))


def contraction(results: list[Any], shaken: list[list[Any]]) -> Contraction:
    """Return a contraction of the floats that are not special, large, or a matter of rounding."""
    rng = np.random.default_rng(0)
    picks, weights = [], []
    for n, y in enumerate(results):
        pick = np.arange(0)
        if y.dtype.kind == "f":
            with np.errstate(all="ignore"):
                fits = (np.abs(y) < _MOST_MAGNITUDE) & agree(y, [run[n] for run in shaken])
            pick = np.flatnonzero(fits)
        picks.append(pick)
        weight = np.round(rng.uniform(0.5, 2, len(pick)), 2)
        weights.append(weight.astype(y.dtype if len(pick) else float))
    return Contraction(picks, weights)


class Differences:
    """Gradients by differences where these say something, else NaN; of the program in float64."""

    def __init__(self, program: Program, contract: Contraction) -> None:
        self.program = program.but(
            arguments=tuple(map(_double, program.arguments)),
            captured=tuple(map(_double, program.captured)),
            lines=tuple(map(_double, program.lines)),
        )
        self.contract = contract
        rng = np.random.default_rng(1)
        self.gradients = []
        given = copied_arguments(program.load(plain_derivative))
        # Beside a number so large a step is lost.
        is_blind = any(np.any((np.abs(x) > _MOST_BESIDE) & np.isfinite(x)) for x in given)
        for n, x in enumerate(given):
            gradient = np.full(np.shape(x), np.nan)
            finite = np.flatnonzero(np.abs(np.ravel(x)) < _MOST_MAGNITUDE)
            finite = finite[: 0 if is_blind else None]
            for entry in rng.permutation(finite)[:_MOST_ENTRIES]:
                gradient.flat[entry] = self._partial(n, entry)
            self.gradients.append(gradient)

    def _partial(self, n: int, entry: int) -> float:
        """Return a partial derivative, if left and right and a smaller step give it, too."""
        try:
            values = [self._moved(n, entry, k * _STEP) for k in (-2, -1, 0, 1, 2)]
        except Exception:  # in float64 it takes another course
            return np.nan
        if len(set(values)) == 1 and self.program.is_special:
            return np.nan  # it may have been added to a number so large that it is lost
        far, near = (values[4] - values[0]) / (4 * _STEP), (values[3] - values[1]) / (2 * _STEP)
        best = (4 * near - far) / 3
        one_sided = (values[3] - values[2]) / _STEP, (values[2] - values[1]) / _STEP
        apart = max(abs(x - near) for x in (far, *one_sided))
        is_smooth = abs(best) < _STEEPEST and apart <= 1e-3 * abs(best) + 1e-4
        return best if is_smooth else np.nan

    def _moved(self, n: int, entry: int, by: float) -> float:
        names = self.program.load(plain_derivative)
        arguments = copied_arguments(names)
        moved = np.array(arguments[n])
        moved.flat[entry] += by
        arguments[n] = moved if np.ndim(arguments[n]) else moved[()]
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            return float(self.contract(names["program"](*arguments)))


def _double(text: str) -> str:
    return text.replace("np.float32", "np.float64")
