"""Losses by what they compare: numbers, yes or no, classes, or vectors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .binary import *  # noqa: F403
from .classification import *  # noqa: F403
from .distance import *  # noqa: F403
from .gaussian import *  # noqa: F403
from .loss import Loss
from .regression import *  # noqa: F403

# The losses that `fit` knows by name: those that take a prediction and a target. They are read off
# once, when the families above are known, so that no class which a user derives later changes them.
LOSSES: dict[str, Callable[..., Any]] = {
    kind.function.__name__: kind.function
    for kind in Loss.__subclasses__()
    if kind.forward is Loss.forward
}
