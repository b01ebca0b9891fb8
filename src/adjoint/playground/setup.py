"""A setup is all that a training begins with: rows, a network, an optimiser, a loss, an order."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..nn.module import Module
from ..optim import Optimizer
from . import designs, optimisers
from .losses import loss_of
from .mistakes import MISTAKES
from .problem import Problem, Rows, problem_of
from .settings import Settings


@dataclass(frozen=True)
class Setup:
    """What a training begins with; ``make_model`` gives the same first weights each time.

    Attributes
    ----------
    problem : Problem
    loss : callable
    make_model, make_optimizer : callable
    batch_size, seed : int
    settings : Settings
        For a model of the user's it says data, loss and order only.
    is_own_model : bool
    """

    problem: Problem
    loss: Callable[..., Any]
    make_model: Callable[[], Module]
    make_optimizer: Callable[[list[Any]], Optimizer]
    batch_size: int
    seed: int
    settings: Settings
    is_own_model: bool = False


def setup_of(settings: Settings, own: Rows | None, problem: Problem | None = None) -> Setup:
    """Return what a training of these settings begins with; a problem is made if none is given."""
    optimisers.check(settings)
    problem = problem or problem_of(settings, own)
    width, classes = problem.X.shape[1], problem.classes
    return Setup(
        problem,
        MISTAKES[settings.mistake] or loss_of(settings.loss),
        lambda: designs.network(settings, width, classes),
        optimisers.make_optimizer(settings),
        settings.batch_size,
        settings.seed,
        settings,
    )


@dataclass(frozen=True)
class Given:
    """A model and an optimiser of the user's, which every training begins with a copy of."""

    model: Module
    loss: Callable[..., Any]
    make_optimizer: Callable[[list[Any]], Optimizer]

    def setup(self, settings: Settings, problem: Problem) -> Setup:
        """Return what a training of this model on a problem begins with."""
        return Setup(
            problem,
            self.loss,
            lambda: copy.deepcopy(self.model),
            optimisers.with_changes(self.make_optimizer, settings.changes),
            settings.batch_size,
            settings.seed,
            settings,
            is_own_model=True,
        )
