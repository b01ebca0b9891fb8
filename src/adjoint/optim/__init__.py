"""Optimisers replace parameters by better ones; each is a rule, and what the rule remembers.

``optimizer`` has what all share, ``sgd``, ``adam``, ``moments``, ``adaptive`` and ``averaging``
have the rules. ``schedules`` are settings that change from step to step, ``clipping`` bounds
gradients, and ``snapshot`` is how a model and its optimiser are put back to where they stood.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from ..deferred import deferred
from .adam import Adam, adam_update
from .adaptive import Adadelta, Adagrad, Lion, RMSprop
from .averaging import EMA
from .clipping import Clipping, clip_by_norm, clip_by_value
from .moments import AdamW, AMSGrad, NAdam, RAdam
from .optimizer import Memory, Optimizer, Schedule, Settings
from .sgd import SGD, sgd_update

if TYPE_CHECKING:
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

__all__ = [
    "EMA",
    "OPTIMIZERS",
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

# The rules by name, for `fit`; `EMA` is none of its own, since it needs another one.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    name.lower(): kind
    for name, kind in sorted(globals().items())
    if isinstance(kind, type) and issubclass(kind, Optimizer) and kind not in (Optimizer, EMA)
}

# Most trainings do without schedules.
__getattr__, __dir__ = deferred(__name__, ("schedules",), __all__)
