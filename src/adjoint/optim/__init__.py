"""Optimisers replace parameters by better ones; each is a rule, and what the rule remembers.

``optimizer`` has what all share, ``sgd``, ``adam``, ``moments``, ``adaptive`` and ``averaging``
have the rules. ``schedules`` are settings that change from step to step, ``clipping`` bounds
gradients, and ``snapshot`` is how a model and its optimiser are put back to where they stood.
"""

from __future__ import annotations

from .adam import Adam, adam_update
from .adaptive import Adadelta, Adagrad, Lion, RMSprop
from .averaging import EMA
from .clipping import Clipping, clip_by_norm, clip_by_value
from .moments import AdamW, AMSGrad, NAdam, RAdam
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
    "EMA",
    "SGD",
    "AMSGrad",
    "Adadelta",
    "Adagrad",
    "Adam",
    "AdamW",
    "Chained",
    "Clipping",
    "Cosine",
    "Exponential",
    "Lion",
    "Memory",
    "MultiStepDecay",
    "NAdam",
    "OneCycle",
    "Optimizer",
    "Polynomial",
    "RAdam",
    "RMSprop",
    "Schedule",
    "Settings",
    "StepDecay",
    "Warmup",
    "adam_update",
    "clip_by_norm",
    "clip_by_value",
    "sgd_update",
]
