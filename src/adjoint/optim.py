"""An optimiser replaces parameters by better ones, given their gradients."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .core import Operand
from .errors import ShapeError
from .tensor import Tensor

# What an optimiser remembers of one parameter from step to step: arrays of its shape, by name.
Memory = dict[str, Any]


class Optimizer:
    """What all optimisers share; abstract: a subclass defines `update`.

    A step gives every parameter a new array and leaves the old one alone: recorded graphs may hold
    it. All updates are computed before the first is written.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float
        The learning rate, positive.
    **hyper : numbers
        The other settings that `update` reads.

    Raises
    ------
    TypeError
        If ``params`` is not an iterable of tensors.
    ValueError
        If it is empty, holds a tensor twice, or one that is computed or requires no gradient; if
        the learning rate is not positive and finite.
    """

    def __init__(self, params: Iterable[Tensor], *, lr: float, **hyper: Any) -> None:
        self.params = _checked_params(params)
        self.hyper: dict[str, Any] = {"lr": _positive("lr", lr), **hyper}
        self.memory: list[Memory] = [{} for _ in self.params]

    @property
    def lr(self) -> float:
        """The learning rate; may be changed between steps."""
        return self.hyper["lr"]  # type: ignore[no-any-return]

    @lr.setter
    def lr(self, lr: float) -> None:
        self.hyper["lr"] = _positive("lr", lr)

    def update(self, parameter: Operand, gradient: Operand, memory: Memory) -> tuple[Any, Memory]:
        """Return the new parameter and what to remember; subclasses define it."""
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are."""
        updates = []
        for i, parameter in enumerate(self.params):
            gradient = parameter.grad
            if gradient is not None:
                new = self.update(parameter.data, gradient.data, self.memory[i])
                updates.append((i, parameter, *new))
        for i, parameter, data, memory in updates:
            parameter.data = data
            self.memory[i] = memory

    def zero_grad(self) -> None:
        """Forget the gradients; to be called before every `backward`, which adds to them."""
        for parameter in self.params:
            if parameter.node is not None:
                parameter.node.grad = None

    def state_dict(self) -> dict[str, Any]:
        """Return a copy of the settings and of what is remembered of each parameter."""
        memory = [{name: np.array(a) for name, a in entry.items()} for entry in self.memory]
        return {"hyper": dict(self.hyper), "memory": memory}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Replace settings and memory by those of `state_dict`; all of them or none.

        Raises
        ------
        ValueError
            If the state is of another optimiser, of other settings or of other parameters.
        """
        hyper, memory = _checked_state(self, state)
        self.hyper, self.memory = hyper, memory

    def __repr__(self) -> str:
        hyper = ", ".join(f"{name}={value}" for name, value in self.hyper.items())
        return f"{type(self).__name__}({len(self.params)} parameters, {hyper})"


def sgd_update(
    parameter: Operand,
    gradient: Operand,
    velocity: Operand = None,
    *,
    lr: Operand,
    momentum: Operand = 0.0,
    nesterov: bool = False,
    weight_decay: Operand = 0.0,
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
    velocity : value of that shape, or None
        None on the first step, where v = g; zeros give the same.
    lr, momentum, weight_decay : numbers or symbols
    nesterov : bool

    Returns
    -------
    parameter, velocity
        In the dtype of the arguments; the velocity as it came if there is no momentum.

    Examples
    --------
    >>> sgd_update(1.0, 2.0, lr=0.25)
    (0.5, None)
    >>> sgd_update(1.0, 2.0, 4.0, lr=0.25, momentum=0.5)
    (0.0, 4.0)
    """
    if not _is_zero(weight_decay):
        gradient = gradient + weight_decay * parameter
    if _is_zero(momentum):
        return parameter - lr * gradient, velocity
    velocity = gradient if velocity is None else momentum * velocity + gradient
    direction = gradient + momentum * velocity if nesterov else velocity
    return parameter - lr * direction, velocity


class SGD(Optimizer):
    """Gradient descent on batches, with momentum and weight decay as `sgd_update` has them.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float
        The learning rate, positive.
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
        params: Iterable[Tensor],
        lr: float,
        *,
        momentum: float = 0.0,
        nesterov: bool = False,
        weight_decay: float = 0.0,
    ) -> None:
        if nesterov and not momentum:
            raise ValueError("SGD: nesterov=True needs momentum above 0, as momentum=0.9")
        super().__init__(
            params,
            lr=lr,
            momentum=_in_range("momentum", momentum, below=1.0),
            nesterov=bool(nesterov),
            weight_decay=_in_range("weight_decay", weight_decay, below=math.inf),
        )

    def update(self, parameter: Operand, gradient: Operand, memory: Memory) -> tuple[Any, Memory]:
        """Apply `sgd_update`; the velocity is what is remembered."""
        new, velocity = sgd_update(parameter, gradient, memory.get("velocity"), **self.hyper)
        return new, memory if velocity is None else {"velocity": velocity}


def _is_zero(factor: Operand) -> bool:
    """Return whether a factor is a Python zero; a symbol's number is not known yet."""
    return isinstance(factor, (int, float)) and factor == 0


def _positive(name: str, number: Any) -> float:
    # A Python float does not promote float32 arrays; a NumPy float64 would.
    if 0 < float(number) < math.inf:
        return float(number)
    raise ValueError(f"{name} must be positive and finite, got {number}")


def _in_range(name: str, number: Any, *, below: float) -> float:
    if 0 <= float(number) < below:
        return float(number)
    raise ValueError(f"{name} must be at least 0 and below {below}, got {number}")


def _checked_params(params: Any) -> list[Tensor]:
    if isinstance(params, Tensor) or not isinstance(params, Iterable):
        raise TypeError(
            f"params: expected an iterable of tensors, got {type(params).__name__}; pass "
            "model.parameters() or a list"
        )
    checked = list(params)
    if not checked:
        raise ValueError("params is empty; pass model.parameters() of a model that has some")
    for i, parameter in enumerate(checked):
        _check_parameter(i, parameter)
    if len({id(parameter) for parameter in checked}) < len(checked):
        raise ValueError("params holds the same tensor twice; it would be updated twice a step")
    return checked


def _check_parameter(i: int, parameter: Any) -> None:
    if not isinstance(parameter, Tensor):
        raise TypeError(f"params[{i}]: expected a Tensor, got {type(parameter).__name__}")
    if not parameter.is_leaf:
        raise ValueError(f"params[{i}] is a computed value; only leaves can be optimised")
    if not parameter.requires_grad:
        raise ValueError(
            f"params[{i}], shape {parameter.shape}, requires no gradient; make it with "
            "requires_grad=True, or pass [p for p in model.parameters() if p.requires_grad]"
        )


def _checked_state(
    optimizer: Optimizer, state: Mapping[str, Any]
) -> tuple[dict[str, Any], list[Memory]]:
    """Return copies of what a state holds, once all of it is known to fit."""
    if state.keys() != {"hyper", "memory"} or state["hyper"].keys() != optimizer.hyper.keys():
        raise ValueError(
            f"load_state_dict: this is no state of {type(optimizer).__name__} with settings "
            f"{', '.join(optimizer.hyper)}"
        )
    count = len(optimizer.params)
    if len(state["memory"]) != count:
        raise ValueError(
            f"load_state_dict: the state is of {len(state['memory'])} parameters, expected {count}"
        )
    memory = []
    for i, (parameter, entry) in enumerate(zip(optimizer.params, state["memory"], strict=True)):
        for name, array in entry.items():
            if np.shape(array) != parameter.shape:
                raise ShapeError(
                    f"load_state_dict: {name} of params[{i}] has shape {np.shape(array)}, "
                    f"expected {parameter.shape}"
                )
        memory.append({name: np.array(a, parameter.dtype) for name, a in entry.items()})
    return dict(state["hyper"]), memory
