"""A solver is the optimiser of an estimator, by scikit-learn's name or by one of ours."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator

from .. import optim
from ..core.annotations import Array, Operand
from ..core.reproducibility import is_reproducible
from ..errors import choose
from ..nn.module import Parameter
from ..ops.exponential import sqrt, square
from ..optim import Memory, Optimizer, Settings
from ..optim.optimizer import Schedule, is_zero
from ..optim.portable_math import power

# Besides "lbfgs", which takes no steps on batches, and what scikit-learn defines in its own way.
OPTIMIZERS: dict[str, Callable[..., Optimizer]] = {
    name: kind for name, kind in optim.OPTIMIZERS.items() if name not in ("sgd", "adam")
}
# A name, or what makes an optimiser of the parameters.
Solver = str | Callable[[list[Parameter]], Optimizer]
SOLVERS = ("lbfgs", "sgd", "adam", *OPTIMIZERS)


class ScikitSGD(Optimizer):
    """Gradient descent as scikit-learn has it: the velocity carries the learning rate.

    v' = μ v - lr g, and p' = p + v', with Nesterov's momentum p' = p + μ v' - lr g. As long as the
    learning rate stays the same it is `optim.SGD`.
    """

    remembers = ("velocity",)

    def __init__(
        self, params: Iterable[Any], lr: float | Schedule, *, momentum: float, nesterov: bool
    ) -> None:
        super().__init__(params, lr=lr, momentum=momentum, nesterov=nesterov)

    def check_setting(self, name: str, value: Any) -> Any:
        """Return the setting; momentum may be 1, as in scikit-learn."""
        return float(value) if name == "momentum" else super().check_setting(name, value)

    def update(
        self, parameter: Operand, gradient: Operand, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Return the new parameter and velocity."""
        momentum, step = settings["momentum"], settings["lr"] * gradient
        velocity = -step if is_zero(momentum) else momentum * memory["velocity"] - step
        if settings["nesterov"] and not is_zero(momentum):
            return parameter + (momentum * velocity - step), {"velocity": velocity}
        return parameter + velocity, {"velocity": velocity}


class ScikitAdam(Optimizer):
    """Adam as scikit-learn has it: ε is added before the bias is corrected.

    p' = p - lr √(1 - β₂ᵗ) / (1 - β₁ᵗ) · m / (√v + ε): the order that section 2 of Kingma & Ba,
    "Adam: a method for stochastic optimization", ICLR 2015, calls more efficient. The learning rate
    comes with the correction, as from `BiasCorrected`.
    """

    remembers = ("m", "v")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule,
        *,
        betas: tuple[float, float],
        epsilon: float,
    ) -> None:
        super().__init__(params, lr=lr, beta1=betas[0], beta2=betas[1], epsilon=epsilon)

    def check_setting(self, name: str, value: Any) -> Any:
        """Return the setting as a number; the estimator has checked it."""
        return float(value)

    def update(
        self, parameter: Operand, gradient: Operand, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Return the new parameter and moments."""
        beta1, beta2 = settings["beta1"], settings["beta2"]
        m = beta1 * memory["m"] + (1 - beta1) * gradient
        v = beta2 * memory["v"] + (1 - beta2) * square(gradient)
        return parameter - settings["lr"] * m / (sqrt(v) + settings["epsilon"]), {"m": m, "v": v}


@dataclass(frozen=True)
class BiasCorrected:
    """A learning rate times Adam's correction √(1 - β₂ᵗ) / (1 - β₁ᵗ) of step t, counted from 1."""

    lr: float | Schedule
    beta1: float
    beta2: float

    def __call__(self, steps: int) -> float:
        """Return the learning rate after so many steps."""
        lr = self.lr(steps) if callable(self.lr) else self.lr
        root, rest = _corrections(self.beta1, self.beta2, steps + 1)
        return float(lr * root / rest)

    def table(self, start: int, steps: int) -> Array:
        """Return the rates of so many steps at once: the same numbers."""
        roots, rests = _tables(self.beta1, self.beta2, start, steps, is_reproducible())
        lr: Any = self.lr
        if callable(lr):
            lr = np.array([float(lr(taken)) for taken in range(start, start + steps)])
        rates: Array = lr * roots / rests
        return rates


def _corrections(beta1: float, beta2: float, t: int) -> tuple[float, float]:
    """Return √(1 - β₂ᵗ) and 1 - β₁ᵗ."""
    return math.sqrt(1 - power(beta2, t)), 1 - power(beta1, t)


@lru_cache(16)
def _tables(
    beta1: float, beta2: float, start: int, steps: int, reproducible: bool
) -> tuple[Array, Array]:
    """Return the corrections of many steps, which networks side by side have in common."""
    found = [_corrections(beta1, beta2, taken + 1) for taken in range(start, start + steps)]
    roots, rests = np.array(found, float).reshape(-1, 2).T
    return roots, rests


def make_optimizer(params: Sequence[Parameter], settings: BaseEstimator) -> Optimizer:
    """Return the optimiser that an estimator's parameters ask for."""
    solver = settings.solver
    if callable(solver):
        return _made_by(solver, params)
    lr = settings.learning_rate_init
    if callable(settings.learning_rate):
        lr = settings.learning_rate
    if solver == "sgd":
        nesterov = bool(settings.nesterovs_momentum)
        return ScikitSGD(params, lr, momentum=float(settings.momentum), nesterov=nesterov)
    if solver == "adam":
        betas = float(settings.beta_1), float(settings.beta_2)
        return ScikitAdam(
            params, BiasCorrected(lr, *betas), betas=betas, epsilon=float(settings.epsilon)
        )
    return OPTIMIZERS[choose("solver", solver, OPTIMIZERS)](params, lr=lr)


def _made_by(
    solver: Callable[[list[Parameter]], Optimizer], params: Sequence[Parameter]
) -> Optimizer:
    optimizer = solver(list(params))
    if not isinstance(optimizer, Optimizer):
        raise TypeError(
            f"solver: expected a name or a callable that makes an Optimizer, got one that makes "
            f"{type(optimizer).__name__}; for example lambda params: SGD(params, lr=0.1)"
        )
    return optimizer


def scaled_inversely(lr: float, samples: int, exponent: float) -> float:
    """Return scikit-learn's "invscaling" rate: lr / (samples seen + 1)^power."""
    return float(lr / power(float(samples + 1), exponent))
