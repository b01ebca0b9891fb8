"""Optimisers that scale each entry of the gradient by its own past, or keep its sign alone."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array
from ..ops.exponential import sqrt
from ..ops.piecewise import maximum, sign
from .optimizer import Memory, Optimizer, Schedule, Settings, decayed, is_zero


class RMSprop(Optimizer):
    """Steps of the gradient divided by the root of its mean square.

    v ← α v + (1 - α) g²;  p ← p - lr g / (√v + ε), or with momentum b ← momentum b + g / (√v + ε),
    p ← p - lr b; centred, the square of the running mean of g is taken from v. Tieleman and Hinton,
    "Lecture 6.5: rmsprop", 2012; centred, Graves, "Generating sequences with recurrent neural
    networks", 2013, equations (38)-(41).

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate; as every number here, a function of the steps taken will do.
    alpha : float
        From 0 to below 1: the weight of the past in the running mean of g².
    epsilon : float
        Positive; keeps the divisor from 0.
    weight_decay : float
        Times the parameter is added to its gradient.
    momentum : float
        From 0 (none) to below 1.
    centered : bool
        Divide by the standard deviation.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.RMSprop([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("second_moment", "mean", "velocity")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-2,
        *,
        alpha: float | Schedule = 0.99,
        epsilon: float = 1e-8,
        weight_decay: float | Schedule = 0.0,
        momentum: float | Schedule = 0.0,
        centered: bool = False,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            alpha=alpha,
            epsilon=epsilon,
            weight_decay=weight_decay,
            momentum=momentum,
            centered=centered,
        )

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        alpha, new = settings["alpha"], dict(memory)
        second = alpha * memory["second_moment"] + (1.0 - alpha) * (gradient * gradient)
        new["second_moment"] = variance = second
        if "mean" in memory:
            new["mean"] = mean = alpha * memory["mean"] + (1.0 - alpha) * gradient
            variance = maximum(second - mean * mean, 0.0)  # rounding may leave less
        direction = gradient / (sqrt(variance) + settings["epsilon"])
        if "velocity" in memory:
            direction = settings["momentum"] * memory["velocity"] + direction
            new["velocity"] = direction
        return parameter - settings["lr"] * direction, new

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return zeros for what the settings need."""
        left_out = {"mean"} if not settings["centered"] else set()
        left_out |= {"velocity"} if is_zero(settings["momentum"]) else set()
        initial = super().initial_memory(parameter, settings)
        return {name: array for name, array in initial.items() if name not in left_out}


class Adagrad(Optimizer):
    """Steps of the gradient divided by the root of the sum of all its squares.

    s ← s + g²;  p ← p - lr / (1 + t lr_decay) g / (√s + ε), t counted from 0: Duchi, Hazan and
    Singer, "Adaptive subgradient methods for online learning and stochastic optimization", JMLR
    2011, figure 1.

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate; as every number here, a function of the steps taken will do.
    lr_decay : float
        By which the learning rate falls as one over the steps.
    weight_decay : float
        Times the parameter is added to its gradient.
    initial : float
        The sum of squares to begin with.
    epsilon : float
        Positive; keeps the divisor from 0.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.Adagrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("total", "steps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-2,
        *,
        lr_decay: float = 0.0,
        weight_decay: float | Schedule = 0.0,
        initial: float = 0.0,
        epsilon: float = 1e-10,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            lr_decay=lr_decay,
            weight_decay=weight_decay,
            initial=initial,
            epsilon=epsilon,
        )

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        # The sum only grows, so that steps in an entry shrink for good once its gradient was large.
        total = memory["total"] + gradient * gradient
        rate, steps = settings["lr"], memory["steps"]
        if not is_zero(settings["lr_decay"]):
            rate = rate / (1.0 + steps * settings["lr_decay"])
        new = parameter - rate * gradient / (sqrt(total) + settings["epsilon"])
        return new, {"total": total, "steps": steps + 1.0}

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return the sum of squares to begin with, and no steps."""
        initial = super().initial_memory(parameter, settings)
        return {**initial, "total": np.full_like(initial["total"], settings["initial"])}


class Adadelta(Optimizer):
    """Steps in the units of the parameter: of the root mean square of past steps.

    v ← ρ v + (1 - ρ) g²;  d = √(u + ε) / √(v + ε) g;  u ← ρ u + (1 - ρ) d²;  p ← p - lr d:
    Zeiler, "ADADELTA: an adaptive learning rate method", 2012, algorithm 1.

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate; as every number here, a function of the steps taken will do.
    rho : float
        From 0 to below 1: the weight of the past in both running means.
    epsilon : float
        Positive; the square of the first step's length.
    weight_decay : float
        Times the parameter is added to its gradient.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.Adadelta([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("second_moment", "squared_step")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1.0,
        *,
        rho: float | Schedule = 0.9,
        epsilon: float = 1e-6,
        weight_decay: float | Schedule = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, epsilon=epsilon, weight_decay=weight_decay)

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        rho, epsilon = settings["rho"], settings["epsilon"]
        second = rho * memory["second_moment"] + (1.0 - rho) * (gradient * gradient)
        # The mean square of past steps starts at 0, and ε keeps the first step from being 0, too.
        step = sqrt(memory["squared_step"] + epsilon) / sqrt(second + epsilon) * gradient
        squared = rho * memory["squared_step"] + (1.0 - rho) * (step * step)
        new = parameter - settings["lr"] * step
        return new, {"second_moment": second, "squared_step": squared}


class Lion(Optimizer):
    """Steps of one length, along the signs of a momentum.

    p ← (1 - lr weight_decay) p - lr sign(β₁ m + (1 - β₁) g);  m ← β₂ m + (1 - β₂) g: Chen et al.,
    "Symbolic discovery of optimization algorithms", NeurIPS 2023, algorithm 2.

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate; as every number here, a function of the steps taken will do.
    beta1, beta2 : float
        From 0 to below 1: the weight of the past in the direction, and in the momentum.
    weight_decay : float
        Times the learning rate is the share by which the parameter shrinks.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.Lion([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("momentum",)

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-4,
        *,
        beta1: float | Schedule = 0.9,
        beta2: float | Schedule = 0.99,
        weight_decay: float | Schedule = 0.0,
    ) -> None:
        super().__init__(params, lr=lr, beta1=beta1, beta2=beta2, weight_decay=weight_decay)

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        beta1, beta2, lr = settings["beta1"], settings["beta2"], settings["lr"]
        if not is_zero(settings["weight_decay"]):
            parameter = parameter - lr * settings["weight_decay"] * parameter
        momentum = memory["momentum"]
        direction = sign(beta1 * momentum + (1.0 - beta1) * gradient)
        momentum = beta2 * momentum + (1.0 - beta2) * gradient
        return parameter - lr * direction, {"momentum": momentum}
