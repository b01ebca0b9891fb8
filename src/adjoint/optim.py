"""An optimiser replaces parameters by better ones, given their gradients."""

from __future__ import annotations

import copy
import math
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .core import Operand
from .errors import ShapeError
from .ops.exponential import expm1, log, sqrt
from .tensor import Tensor

# What an optimiser remembers of one parameter from step to step: arrays by name, in its dtype.
Memory = dict[str, Any]


class Optimizer:
    """What all optimisers share; abstract: a subclass defines `update`.

    One that remembers something of a parameter from step to step defines `initial_memory` too, so
    that a compiled step knows its shapes. Of a parameter that has taken no step ``memory`` holds
    an empty dict.

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

    @property
    def rule(self) -> str:
        """What written source calls the update."""
        return f"{type(self).__name__.lower()}_update"

    def initial_memory(self, parameter: Any) -> Memory:
        """Return what is remembered of a parameter, an array, before its first step."""
        return {}

    def update(self, parameter: Operand, gradient: Operand, memory: Memory) -> tuple[Any, Memory]:
        """Return the new parameter and what to remember; subclasses define it.

        They use operators and adjoint's functions only: arrays and symbols come, and ``memory`` has
        the names, shapes and dtypes of `initial_memory`, coming and going.
        """
        raise NotImplementedError(f"{type(self).__name__} defines no update")

    def recall(self, i: int) -> Memory:
        """Return what is remembered of parameter ``i`` now."""
        return self.memory[i] or self.initial_memory(self.params[i].data)

    def step(self) -> None:
        """Update every parameter that has a gradient; the others stay as they are."""
        updates = []
        for i, parameter in enumerate(self.params):
            gradient = parameter.grad
            if gradient is not None:
                new = self.update(parameter.data, gradient.data, self.recall(i))
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
    velocity: Operand = 0.0,
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
    velocity : value of that shape, or 0
        0 before the first step.
    lr, momentum, weight_decay : numbers or symbols
    nesterov : bool

    Returns
    -------
    parameter, velocity
        In the dtype of the arguments; the velocity as it came if there is no momentum.

    Examples
    --------
    >>> sgd_update(1.0, 2.0, lr=0.25)
    (0.5, 0.0)
    >>> sgd_update(1.0, 2.0, 4.0, lr=0.25, momentum=0.5)
    (0.0, 4.0)
    """
    if not _is_zero(weight_decay):
        gradient = gradient + weight_decay * parameter
    if _is_zero(momentum):
        return parameter - lr * gradient, velocity
    velocity = momentum * velocity + gradient
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

    @property
    def rule(self) -> str:
        """Gradient descent and momentum have names of their own."""
        return "momentum" if self.hyper["momentum"] else "sgd"

    def initial_memory(self, parameter: Any) -> Memory:
        """Return a velocity of zeros, if there is momentum."""
        return {"velocity": np.zeros_like(parameter)} if self.hyper["momentum"] else {}

    def update(self, parameter: Operand, gradient: Operand, memory: Memory) -> tuple[Any, Memory]:
        """Apply `sgd_update`; the velocity is what is remembered."""
        velocity = memory.get("velocity", 0.0)
        new, velocity = sgd_update(parameter, gradient, velocity, **self.hyper)
        return new, memory if _is_zero(self.hyper["momentum"]) else {"velocity": velocity}


def adam_update(
    parameter: Operand,
    gradient: Operand,
    first_moment: Operand = 0.0,
    second_moment: Operand = 0.0,
    steps: Operand = 0.0,
    *,
    lr: Operand,
    beta1: Operand = 0.9,
    beta2: Operand = 0.999,
    epsilon: Operand = 1e-8,
    weight_decay: Operand = 0.0,
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
    if not _is_zero(weight_decay):
        gradient = gradient + weight_decay * parameter
    steps = steps + 1.0
    first_moment = beta1 * first_moment + (1.0 - beta1) * gradient
    second_moment = beta2 * second_moment + (1.0 - beta2) * (gradient * gradient)
    root = sqrt(_bias_correction(beta2, steps))
    rate = lr * root / _bias_correction(beta1, steps)
    new = parameter - rate * first_moment / (sqrt(second_moment) + epsilon * root)
    return new, first_moment, second_moment, steps


def _bias_correction(beta: Operand, steps: Operand) -> Operand:
    """Return 1 - βᵗ, of which nothing cancels where β is close to 1."""
    if _is_zero(beta):
        return 0.0 * steps + 1.0  # in the dtype of the steps
    # A Python float does not promote float32 arrays; NumPy's float64 would.
    logarithm = math.log(beta) if isinstance(beta, float) else log(beta)
    return -expm1(steps * logarithm)


class Adam(Optimizer):
    """Adam: steps of about the same length in all entries, as `adam_update` has them.

    Parameters
    ----------
    params : iterable of Tensor
        Leaves that require a gradient, as from ``model.parameters()``.
    lr : float
        The learning rate, positive: about the length of a step in every entry.
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

    def __init__(
        self,
        params: Iterable[Tensor],
        lr: float = 1e-3,
        *,
        beta1: float = 0.9,
        beta2: float = 0.999,
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
    ) -> None:
        super().__init__(
            params,
            lr=lr,
            beta1=_in_range("beta1", beta1, below=1.0),
            beta2=_in_range("beta2", beta2, below=1.0),
            epsilon=_positive("epsilon", epsilon),
            weight_decay=_in_range("weight_decay", weight_decay, below=math.inf),
        )

    @property
    def rule(self) -> str:
        """Its name."""
        return "adam"

    def initial_memory(self, parameter: Any) -> Memory:
        """Return moments of zeros, and no steps."""
        return {
            "first_moment": np.zeros_like(parameter),
            "second_moment": np.zeros_like(parameter),
            "steps": np.zeros((), parameter.dtype),
        }

    def update(self, parameter: Operand, gradient: Operand, memory: Memory) -> tuple[Any, Memory]:
        """Apply `adam_update`; the moments and the number of steps are what is remembered."""
        new, *remembered = adam_update(parameter, gradient, **memory, **self.hyper)
        return new, dict(zip(("first_moment", "second_moment", "steps"), remembered, strict=True))


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
    # What is remembered depends on the settings, so on those that the state brings along.
    future = copy.copy(optimizer)
    future.hyper = dict(state["hyper"])
    memory = [
        _checked_entry(i, parameter, future.initial_memory(parameter.data), entry)
        for i, (parameter, entry) in enumerate(zip(optimizer.params, state["memory"], strict=True))
    ]
    return future.hyper, memory


def _checked_entry(i: int, parameter: Tensor, initial: Memory, entry: Memory) -> Memory:
    """Return a copy of what a state remembers of a parameter; nothing, before its first step."""
    missing = initial.keys() - entry.keys()
    if entry and missing:
        raise ValueError(
            f"load_state_dict: the state of params[{i}] has {', '.join(entry)}, but not "
            f"{', '.join(sorted(missing))}"
        )
    for name, array in entry.items():
        expected = np.shape(initial.get(name, parameter.data))
        if np.shape(array) != expected:
            raise ShapeError(
                f"load_state_dict: {name} of params[{i}] has shape {np.shape(array)}, "
                f"expected {expected}"
            )
    return {name: np.array(array, parameter.dtype) for name, array in entry.items()}
