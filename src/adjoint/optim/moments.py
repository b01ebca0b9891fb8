"""Adam's relatives: moments of the gradient, decoupled decay, other corrections of their bias."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..core.annotations import AnyArray, Array
from ..ops.exponential import exp, sqrt
from ..ops.piecewise import maximum, where
from .adam import Moments, adam_update, bias_correction
from .optimizer import Memory, Optimizer, Schedule, Settings, decayed, is_zero

# ln 0.96, of NAdam's growing momentum.
_LOG_096 = -0.040821994520255166


class AdamW(Moments):
    """Adam with decoupled weight decay.

    p ← (1 - lr weight_decay) p, then the step of `adam_update`: Loshchilov and Hutter, "Decoupled
    weight decay regularization", ICLR 2019, algorithm 2, with PyTorch's scaling by lr.

    Parameters
    ----------
    params, lr, beta1, beta2, epsilon
        As for `Adam`.
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
    >>> optimizer = ad.optim.AdamW([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-3,
        *,
        beta1: float | Schedule = 0.9,
        beta2: float | Schedule = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float | Schedule = 1e-2,
    ) -> None:
        super().__init__(
            params, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay
        )

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        settings, decay = _without_decay(settings)
        if not is_zero(decay):
            parameter = parameter - settings["lr"] * decay * parameter
        new, *remembered = adam_update(parameter, gradient, **memory, **settings)
        return new, dict(zip(self.remembers, remembered, strict=True))


class AMSGrad(Moments):
    """Adam whose divisor never shrinks.

    As Adam, but v̂ is the greatest v so far, divided by 1 - β₂ᵗ: Reddi, Kale and Kumar, "On the
    convergence of Adam and beyond", ICLR 2018, algorithm 2, with PyTorch's corrections of the bias.

    Parameters
    ----------
    params, lr, beta1, beta2, epsilon, weight_decay
        As for `Adam`.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.AMSGrad([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("first_moment", "second_moment", "greatest", "steps")

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        beta1, beta2 = settings["beta1"], settings["beta2"]
        first, second, steps = _moments(gradient, memory, settings)
        greatest = maximum(memory["greatest"], second)
        divisor = sqrt(greatest / bias_correction(beta2, steps)) + settings["epsilon"]
        new = parameter - settings["lr"] * first / (bias_correction(beta1, steps) * divisor)
        return new, dict(zip(self.remembers, (first, second, greatest, steps), strict=True))


class NAdam(Optimizer):
    """Adam with Nesterov's momentum.

    With μₜ = β₁ (1 - 0.96^(t momentum_decay) / 2) and Mₜ = μ₁…μₜ,
    p ← p - lr ((1 - μₜ) g / (1 - Mₜ) + μₜ₊₁ m / (1 - Mₜ μₜ₊₁)) / (√v̂ + ε): Dozat, "Incorporating
    Nesterov momentum into Adam", ICLR workshop 2016.

    Parameters
    ----------
    params, lr, beta1, beta2, epsilon, weight_decay
        As for `Adam`.
    momentum_decay : float
        How fast the momentum grows to β₁.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.NAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    remembers = ("first_moment", "second_moment", "momenta", "steps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 2e-3,
        *,
        beta1: float | Schedule = 0.9,
        beta2: float | Schedule = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float | Schedule = 0.0,
        momentum_decay: float = 4e-3,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            beta1=beta1,
            beta2=beta2,
            epsilon=epsilon,
            weight_decay=weight_decay,
            momentum_decay=momentum_decay,
        )

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        beta1, decay = settings["beta1"], settings["momentum_decay"]
        first, second, steps = _moments(gradient, memory, settings)
        momentum = beta1 * (1.0 - 0.5 * exp(steps * decay * _LOG_096))
        coming = beta1 * (1.0 - 0.5 * exp((steps + 1.0) * decay * _LOG_096))
        product = memory["momenta"] * momentum
        ahead = (1.0 - momentum) / (1.0 - product) * gradient
        ahead = ahead + coming / (1.0 - product * coming) * first
        divisor = sqrt(second / bias_correction(settings["beta2"], steps)) + settings["epsilon"]
        new = parameter - settings["lr"] * ahead / divisor
        return new, dict(zip(self.remembers, (first, second, product, steps), strict=True))

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return zeros, and 1 as the product of no momenta."""
        initial = super().initial_memory(parameter, settings)
        return {**initial, "momenta": initial["steps"] + initial["steps"].dtype.type(1)}


class RAdam(Moments):
    """Adam that waits until the variance of its divisor is known.

    With ρ∞ = 2 / (1 - β₂) - 1 and ρ = ρ∞ - 2 t β₂ᵗ / (1 - β₂ᵗ), the step is lr m̂ while ρ ≤ 5, then
    lr m̂ r / (√v̂ + ε), r² = (ρ - 4)(ρ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρ): Liu et al., "On the variance
    of the adaptive learning rate and beyond", ICLR 2020, algorithm 2, where PyTorch has 5 for 4.

    Parameters
    ----------
    params, lr, beta1, beta2, epsilon, weight_decay
        As for `Adam`.

    Raises
    ------
    ValueError
        If a setting is out of its range.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.RAdam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> bool((w.data < [1.0, 2.0]).all())
    True
    """

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply the rule to a parameter."""
        gradient = decayed(gradient, parameter, settings)
        beta2 = settings["beta2"]
        first, second, steps = _moments(gradient, memory, settings)
        correction = bias_correction(beta2, steps)
        most = 2.0 / (1.0 - beta2) - 1.0
        known = most - 2.0 * steps * (1.0 - correction) / correction
        # `where` computes both branches. Below 5 it takes the other one, while the root of this one
        # may be of a negative number; so this one is computed as for 5.
        enough = maximum(known, 5.0)
        squared = (enough - 4.0) * (enough - 2.0) * most / ((most - 4.0) * (most - 2.0) * enough)
        scaled = sqrt(squared * correction) / (sqrt(second) + settings["epsilon"])
        factor = where(known > 5.0, scaled, 1.0)
        rate = settings["lr"] / bias_correction(settings["beta1"], steps)
        new = parameter - rate * first * factor
        return new, dict(zip(self.remembers, (first, second, steps), strict=True))


def _without_decay(settings: Settings) -> tuple[Settings, Any]:
    return {**settings, "weight_decay": 0.0}, settings["weight_decay"]


def _moments(gradient: AnyArray, memory: Memory, settings: Settings) -> tuple[Any, Any, Any]:
    """Return the running means of g and g², and how many steps there are with this one."""
    beta1, beta2 = settings["beta1"], settings["beta2"]
    first = beta1 * memory["first_moment"] + (1.0 - beta1) * gradient
    second = beta2 * memory["second_moment"] + (1.0 - beta2) * (gradient * gradient)
    return first, second, memory["steps"] + 1.0
