"""Adam takes steps of about the same length in all entries."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any, ClassVar

from ..core.annotations import AnyArray, Scalar
from ..ops.exponential import expm1, log, sqrt
from .optimizer import Memory, Optimizer, Schedule, Settings, is_zero


def adam_update(
    parameter: AnyArray,
    gradient: AnyArray,
    first_moment: Scalar = 0.0,
    second_moment: Scalar = 0.0,
    steps: Scalar = 0.0,
    *,
    lr: Scalar,
    beta1: Scalar = 0.9,
    beta2: Scalar = 0.999,
    epsilon: Scalar = 1e-8,
    weight_decay: Scalar = 0.0,
) -> tuple[Any, Any, Any, Any]:
    """Return the parameter, its moments and its number of steps after one step of Adam.

    g ← g + weight_decay p;  t ← t + 1;  m ← β₁ m + (1 - β₁) g;  v ← β₂ v + (1 - β₂) g²;
    p ← p - lr m̂ / (√v̂ + ε) with m̂ = m / (1 - β₁ᵗ) and v̂ = v / (1 - β₂ᵗ). Kingma and Ba, "Adam: a
    method for stochastic optimization", ICLR 2015, algorithm 1; computed as

        p ← p - α m / (√v + ε √(1 - β₂ᵗ)),  α = lr √(1 - β₂ᵗ) / (1 - β₁ᵗ),

    which has one division an entry (the order of their section 2, with ε where algorithm 1 has it).

    Only operators and primitives: arrays, tensors and symbols all do. A factor that is the number 0
    drops its term.

    Parameters
    ----------
    parameter, gradient : values of one shape
    first_moment, second_moment : values of that shape, or 0
        The running means m of g and v of g²; 0 before the first step.
    steps : () value
        The number t of steps already taken, a float. It stays where adding 1 is lost, at 2²⁴ in
        float32: there βᵗ is 0 to rounding for every β up to 1 - 10⁻⁶.
    lr, beta1, beta2, epsilon, weight_decay : numbers or symbols

    Returns
    -------
    parameter, first_moment, second_moment, steps
        In the dtype of the arguments.

    Examples
    --------
    >>> parameter, *memory = adam_update(1.0, 2.0, lr=0.25, beta1=0.5, beta2=0.75)
    >>> round(float(parameter), 6), memory
    (0.75, [1.0, 1.0, 1.0])
    """
    if not is_zero(weight_decay):
        gradient = gradient + weight_decay * parameter
    steps = steps + 1.0
    # Both means start at 0, and would be too small at first: the corrections below undo just that.
    first_moment = beta1 * first_moment + (1.0 - beta1) * gradient
    second_moment = beta2 * second_moment + (1.0 - beta2) * (gradient * gradient)
    # Corrections are single numbers. As factors of the rate and of ε they cost nothing for each
    # entry.
    root = sqrt(bias_correction(beta2, steps))
    rate = lr * root / bias_correction(beta1, steps)
    new = parameter - rate * first_moment / (sqrt(second_moment) + epsilon * root)
    return new, first_moment, second_moment, steps


def bias_correction(beta: Scalar, steps: Scalar) -> Any:
    """Return 1 - βᵗ, computed so that no digits cancel where β is close to 1."""
    if is_zero(beta):
        return 0.0 * steps + 1.0  # 1 in the dtype of the steps
    # A Python float does not promote float32 arrays; NumPy's float64 would.
    logarithm = math.log(beta) if isinstance(beta, float) else log(beta)
    return -expm1(steps * logarithm)


class Moments(Optimizer):
    """Adam and those of its relatives that take the same settings; abstract.

    They remember the running means of the gradient and of its square. `Adam` explains the settings.
    """

    remembers: ClassVar[tuple[str, ...]] = ("first_moment", "second_moment", "steps")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-3,
        *,
        beta1: float | Schedule = 0.9,
        beta2: float | Schedule = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float | Schedule = 0.0,
    ) -> None:
        super().__init__(
            params, lr=lr, beta1=beta1, beta2=beta2, epsilon=epsilon, weight_decay=weight_decay
        )


class Adam(Moments):
    """Adam: steps of about the same length in all entries, as `adam_update` has them.

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate, positive: about the length of a step in every entry. As every number
        here, a function of the steps taken will do.
    beta1, beta2 : float
        From 0 to below 1: the weight of the past in the running means of the gradient and of its
        square.
    epsilon : float
        Positive; added to the root of the latter, which it keeps from 0.
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
    >>> optimizer = ad.optim.Adam([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.9, 1.9], requires_grad=True)
    """

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply `adam_update`; the moments and the number of steps are what is remembered."""
        new, *remembered = adam_update(parameter, gradient, **memory, **settings)
        return new, dict(zip(self.remembers, remembered, strict=True))
