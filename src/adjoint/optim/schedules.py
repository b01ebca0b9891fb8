"""A schedule is a number as a function of how many steps were taken.

Any callable will do where an optimiser takes a number; these are the usual ones. They are
immutable, and their `repr` says all that they are: by it a checkpoint recognises them.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate

from .optimizer import Schedule
from .portable_math import cosine_of_half_turns, power


@dataclass(frozen=True)
class StepDecay:
    """``start`` times ``factor`` once every so many steps.

    Examples
    --------
    >>> schedule = StepDecay(1.0, every=10, factor=0.5)
    >>> [schedule(step) for step in (0, 9, 10, 25)]
    [1.0, 1.0, 0.5, 0.25]
    """

    start: float
    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check_steps("StepDecay: every", self.every)

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        return float(self.start * power(self.factor, step // self.every))


@dataclass(frozen=True)
class MultiStepDecay:
    """``start`` times ``factor`` once at each of the milestones, in steps.

    Examples
    --------
    >>> schedule = MultiStepDecay(1.0, milestones=(10, 30), factor=0.5)
    >>> [schedule(step) for step in (9, 10, 29, 30)]
    [1.0, 0.5, 0.5, 0.25]
    """

    start: float
    milestones: tuple[int, ...]
    factor: float = 0.1

    def __post_init__(self) -> None:
        object.__setattr__(self, "milestones", tuple(sorted(self.milestones)))

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        return float(self.start * power(self.factor, bisect_right(self.milestones, step)))


@dataclass(frozen=True)
class Exponential:
    """``start`` times ``factor`` to the power of the number of steps.

    Examples
    --------
    >>> Exponential(1.0, 0.5)(3)
    0.125
    """

    start: float
    factor: float

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        return float(self.start * power(self.factor, step))


@dataclass(frozen=True)
class Polynomial:
    """(start - end) (1 - step / steps)ᵖ + end, and ``end`` from then on.

    Examples
    --------
    >>> [Polynomial(1.0, steps=4)(step) for step in (0, 1, 4, 9)]
    [1.0, 0.75, 0.0, 0.0]
    """

    start: float
    steps: int
    end: float = 0.0
    power: float = 1.0

    def __post_init__(self) -> None:
        _check_steps("Polynomial: steps", self.steps)

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        left = max(0.0, 1 - step / self.steps)
        return float((self.start - self.end) * power(left, self.power) + self.end)


@dataclass(frozen=True)
class Cosine:
    """Half a wave of the cosine from ``start`` down to ``end``, and again after each restart.

    end + (start - end) (1 + cos π s/S) / 2, where s counts from the latest restart, and S, first
    ``steps``, grows ``growth``-fold at each: Loshchilov and Hutter, "SGDR: stochastic gradient
    descent with warm restarts", ICLR 2017, equation (5). Without restarts it stays at ``end``.

    Examples
    --------
    >>> schedule = Cosine(1.0, steps=4)
    >>> [round(schedule(step), 6) for step in (0, 2, 4, 7)]
    [1.0, 0.5, 0.0, 0.0]
    >>> schedule = Cosine(1.0, steps=4, restarts=True, growth=2)
    >>> [round(schedule(step), 6) for step in (2, 4, 8, 12)]
    [0.5, 1.0, 0.5, 1.0]
    """

    start: float
    steps: int
    end: float = 0.0
    restarts: bool = False
    growth: int = 1

    def __post_init__(self) -> None:
        _check_steps("Cosine: steps", self.steps)
        _check_steps("Cosine: growth", self.growth)

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        length = self.steps
        if self.restarts:
            step, length = self._since_restart(step)
        share = min(step / length, 1.0)
        return float(self.end + (self.start - self.end) * (1 + cosine_of_half_turns(share)) / 2)

    def _since_restart(self, step: int) -> tuple[int, int]:
        """Return the steps since the latest restart, and those from it to the next."""
        length = self.steps
        if self.growth == 1:
            return step % length, length
        while step >= length:
            step -= length
            length *= self.growth
        return step, length


@dataclass(frozen=True)
class OneCycle:
    """Up to ``peak`` along half a cosine, then down along another to nearly nothing.

    From peak / ``divide`` up in the first ``rise`` of the steps, then down to peak / (divide
    ``final_divide``): Smith and Topin, "Super-convergence", 2018; the shape and the defaults are
    those of PyTorch's `OneCycleLR`, which counts the last of the steps as the lowest.

    Examples
    --------
    >>> schedule = OneCycle(1.0, steps=10, rise=0.5)
    >>> [round(schedule(step), 4) for step in (0, 4, 9)]
    [0.04, 1.0, 0.0]
    """

    peak: float
    steps: int
    rise: float = 0.3
    divide: float = 25.0
    final_divide: float = 1e4

    def __post_init__(self) -> None:
        _check_steps("OneCycle: steps", self.steps)
        if not 0 < self.rise * self.steps - 1 < self.steps - 1:
            raise ValueError(
                f"OneCycle: rise={self.rise} of {self.steps} steps leaves no step on one side of "
                "the peak; expected a share between 0 and 1 of more than one step"
            )

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        lowest = self.peak / self.divide
        top, last = self.rise * self.steps - 1, self.steps - 1
        if step <= top:
            return _along_cosine(lowest, self.peak, step / top)
        share = min((step - top) / (last - top), 1.0)
        return _along_cosine(self.peak, lowest / self.final_divide, share)


@dataclass(frozen=True)
class Warmup:
    """The first ``steps`` of another schedule, or of a number, linearly up from ``share`` of it.

    The other schedule begins at once, not after the warm-up.

    Examples
    --------
    >>> schedule = Warmup(1.0, steps=4)
    >>> [schedule(step) for step in (0, 1, 3, 4)]
    [0.0, 0.25, 0.75, 1.0]
    """

    of: Schedule | float
    steps: int
    share: float = 0.0

    def __post_init__(self) -> None:
        _check_steps("Warmup: steps", self.steps)

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        done = min(step / self.steps, 1.0)
        return float(number_at(self.of, step) * (self.share + (1 - self.share) * done))


@dataclass(frozen=True)
class Chained:
    """One schedule after another: each begins at 0 when the one before is over.

    Parameters
    ----------
    parts : tuple of (schedule or number, int)
        Each with how many steps it lasts; the last goes on.

    Examples
    --------
    >>> schedule = Chained(((Polynomial(1.0, steps=2, end=0.5), 2), (Exponential(0.5, 0.5), 9)))
    >>> [schedule(step) for step in (0, 1, 2, 3)]
    [1.0, 0.75, 0.5, 0.25]
    """

    parts: tuple[tuple[Schedule | float, int], ...]

    def __post_init__(self) -> None:
        if not self.parts:
            raise ValueError("Chained: expected at least one (schedule, steps), got none")
        object.__setattr__(self, "parts", tuple((part, int(steps)) for part, steps in self.parts))
        for _, steps in self.parts:
            _check_steps("Chained: steps", steps)

    def __call__(self, step: int) -> float:
        """Return the number after so many steps."""
        ends = list(accumulate(steps for _, steps in self.parts))
        place = min(bisect_right(ends, step), len(self.parts) - 1)
        return number_at(self.parts[place][0], step - (ends[place - 1] if place else 0))


def number_at(number: Schedule | float, step: int) -> float:
    """Return what a number or a schedule is after so many steps."""
    return float(number(step) if callable(number) else number)


def _along_cosine(start: float, end: float, share: float) -> float:
    return float(end + (start - end) * (1 + cosine_of_half_turns(share)) / 2)


def _check_steps(name: str, steps: float) -> None:
    if isinstance(steps, bool) or int(steps) != steps or steps < 1:
        raise ValueError(f"{name}: expected a positive integer, got {steps!r}")
