"""Rates are the schedules of the page by name: learning rates as functions of the steps taken."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from typing import Any

from ..optim import schedules
from ..optim.optimizer import Schedule


def _steps(lr: float, first: int, second: int, factor: float = 0.1) -> Schedule:
    return schedules.MultiStepDecay(lr, (first, second), factor)


def _warmup(lr: float, warmup: int, share: float = 0.0) -> Schedule:
    return schedules.Warmup(lr, warmup, share)


def _warmup_cosine(lr: float, warmup: int, steps: int, end: float = 0.0) -> Schedule:
    return schedules.Warmup(schedules.Cosine(lr, steps, end), warmup)


def _chained(lr: float, first: int, steps: int, end: float = 0.0) -> Schedule:
    return schedules.Chained(((lr, first), (schedules.Cosine(lr, steps, end), steps)))


# What needs no more than numbers; the first of them is the learning rate.
SCHEDULES: dict[str, Callable[..., Schedule] | None] = {
    "constant": None,
    "step": schedules.StepDecay,
    "two_steps": _steps,
    "exponential": schedules.Exponential,
    "cosine": schedules.Cosine,
    "one_cycle": schedules.OneCycle,
    "polynomial": schedules.Polynomial,
    "warmup": _warmup,
    "warmup_cosine": _warmup_cosine,
    "constant_cosine": _chained,
}
# What a schedule's setting begins with where it has no default.
_FIRST = {
    "every": 1000, "factor": 0.999, "steps": 3000, "first": 1000, "second": 2000, "warmup": 300,
}  # fmt: skip


def schedule_options(name: str) -> dict[str, Any]:
    """Return the settings of a schedule beside the rate it begins with, with first values."""
    kind = SCHEDULES[name]
    if kind is None:
        return {}
    _, *rest = inspect.signature(kind).parameters.values()
    return {p.name: _FIRST[p.name] if p.default is p.empty else p.default for p in rest}


def rate(name: str, lr: float, options: dict[str, Any]) -> float | Schedule:
    """Return the learning rate: a number, or a schedule that begins with it."""
    kind = SCHEDULES[name]
    return lr if kind is None else kind(lr, **{**schedule_options(name), **options})


def text_of(number: object) -> str:
    """Return a number or a schedule as a program writes it."""
    # The repr of a schedule says all that it is, in names of `ad.optim`.
    return re.sub(r"[A-Z]\w*(?=\()", r"ad.optim.\g<0>", repr(number))
