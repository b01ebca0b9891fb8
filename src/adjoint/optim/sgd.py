"""Gradient descent, with or without momentum."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.annotations import AnyArray, Array, Scalar
from .optimizer import Memory, Optimizer, Schedule, Settings, is_zero


def sgd_update(
    parameter: AnyArray,
    gradient: AnyArray,
    velocity: Scalar = 0.0,
    *,
    lr: Scalar,
    momentum: Scalar = 0.0,
    nesterov: bool = False,
    weight_decay: Scalar = 0.0,
) -> tuple[Any, Any]:
    """Return the parameter and its velocity after one step of gradient descent.

    g ← g + weight_decay p;  v ← momentum v + g;  p ← p - lr v, or with Nesterov's momentum
    p ← p - lr (g + momentum v). The convention of PyTorch's `torch.optim.SGD`: the learning rate
    scales the velocity when it is applied, not when it is gathered (Sutskever et al., "On the
    importance of initialization and momentum in deep learning", ICML 2013, scale it there).

    Only operators: arrays, tensors and symbols all do. A factor that is the number 0 drops its
    term.

    Parameters
    ----------
    parameter, gradient : values of one shape
    velocity : value of that shape, or 0
        0 before the first step.
    lr, momentum, weight_decay : numbers or symbols
    nesterov : bool

    Returns
    -------
    parameter, velocity
        In the dtype of the arguments; the velocity 0 if that and the momentum are the
        number 0.

    Examples
    --------
    >>> sgd_update(1.0, 2.0, lr=0.25)
    (0.5, 0.0)
    >>> sgd_update(1.0, 2.0, 8.0, lr=0.25, momentum=0.5)
    (-0.5, 6.0)
    >>> sgd_update(1.0, 2.0, 8.0, lr=0.25, momentum=0.5, nesterov=True)
    (-0.25, 6.0)
    """
    if not is_zero(weight_decay):
        gradient = gradient + weight_decay * parameter
    if is_zero(velocity) and is_zero(momentum):
        return parameter - lr * gradient, velocity
    velocity = momentum * velocity + gradient
    direction = gradient + momentum * velocity if nesterov else velocity
    return parameter - lr * direction, velocity


class SGD(Optimizer):
    """Gradient descent on batches, with momentum and weight decay as `sgd_update` has them.

    Parameters
    ----------
    params : iterable of Tensor, or of groups as dicts
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float or callable
        The learning rate, positive; as every number here, a function of the steps taken will do.
    momentum : float
        From 0 (none) to below 1.
    nesterov : bool
        Take the gradient's direction one step ahead; needs momentum.
    weight_decay : float
        Times the parameter is added to its gradient.

    Raises
    ------
    ValueError
        If a setting is out of its range, or Nesterov's momentum is asked for without momentum.

    Examples
    --------
    >>> import adjoint as ad
    >>> w = ad.tensor([1.0, 2.0], requires_grad=True)
    >>> optimizer = ad.optim.SGD([w], lr=0.1)
    >>> (w * w).sum().backward()
    >>> optimizer.step()
    >>> w
    tensor([0.8, 1.6], requires_grad=True)
    """

    def __init__(
        self,
        params: Iterable[Any],
        lr: float | Schedule = 1e-2,
        *,
        momentum: float | Schedule = 0.0,
        nesterov: bool = False,
        weight_decay: float | Schedule = 0.0,
    ) -> None:
        if nesterov and is_zero(momentum):
            raise ValueError("SGD: nesterov=True needs momentum above 0, as momentum=0.9")
        super().__init__(
            params, lr=lr, momentum=momentum, nesterov=bool(nesterov), weight_decay=weight_decay
        )

    @property
    def rule(self) -> str:
        """The name of the update in written source: "momentum" where there is some, else "sgd"."""
        has_momentum = any(not is_zero(group["momentum"]) for group in self.groups)
        return "momentum" if has_momentum else "sgd"

    def initial_memory(self, parameter: Array, settings: Settings) -> Memory:
        """Return a velocity of zeros, if there is momentum."""
        return {} if is_zero(settings["momentum"]) else {"velocity": np.zeros_like(parameter)}

    def update(
        self, parameter: AnyArray, gradient: AnyArray, memory: Memory, settings: Settings
    ) -> tuple[Any, Memory]:
        """Apply `sgd_update`; the velocity is what is remembered."""
        if not memory:
            return sgd_update(parameter, gradient, **settings)[0], memory
        new, velocity = sgd_update(parameter, gradient, memory["velocity"], **settings)
        return new, {"velocity": velocity}
