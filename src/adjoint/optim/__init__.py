"""Optimisers: each a rule, a function of values, and what it remembers."""

from __future__ import annotations

from .adam import Adam, adam_update
from .optimizer import Memory, Optimizer, Schedule, Settings
from .schedules import (
    Chained,
    Cosine,
    Exponential,
    MultiStepDecay,
    OneCycle,
    Polynomial,
    StepDecay,
    Warmup,
)
from .sgd import SGD, sgd_update

__all__ = [
    "SGD",
    "Adam",
    "Chained",
    "Cosine",
    "Exponential",
    "Memory",
    "MultiStepDecay",
    "OneCycle",
    "Optimizer",
    "Polynomial",
    "Schedule",
    "Settings",
    "StepDecay",
    "Warmup",
    "adam_update",
    "sgd_update",
]
