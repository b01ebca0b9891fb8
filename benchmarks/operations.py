"""What recording costs: chains of operations on ten numbers, forward and backward, float64.

A time is that of an operation, eager, its share of the backward pass included; the sum at the end
is one of them, or comes on top.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from .race import Race
from .rival import Contestant, Rival, contestant, repeated

LENGTH, LONG, SHIFT = 100, 100_000, 1e-2
Array = np.ndarray[Any, Any]
# A chain is forward(x, y, library), which returns a sum, and its gradient in x by hand.
Forward = Callable[[Any, Any, Any], Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.uniform(0.9, 1.1, 10), rng.uniform(0.9, 1.1, 10)


def add(x: Any, y: Any, library: Any) -> Any:
    for _ in range(LENGTH):
        x = x + y
    return library.sum(x)


def add_by_hand(x: Array, y: Array) -> Array:
    for _ in range(LENGTH):
        x = x + y
    x.sum()
    g = np.ones_like(x)
    for _ in range(LENGTH):
        g = g * 1.0
    return g


def multiply(x: Any, y: Any, library: Any) -> Any:
    for _ in range(LENGTH):
        x = x * y
    return library.sum(x)


def multiply_by_hand(x: Array, y: Array) -> Array:
    for _ in range(LENGTH):
        x = x * y
    x.sum()
    g = np.ones_like(x)
    for _ in range(LENGTH):
        g = g * y
    return g


def mixed(x: Any, y: Any, library: Any) -> Any:
    for _ in range(LENGTH // 3):
        x = library.sin(x) * y + SHIFT
    return library.sum(x)


def mixed_by_hand(x: Array, y: Array) -> Array:
    inputs = []
    for _ in range(LENGTH // 3):
        inputs.append(x)
        x = np.sin(x) * y + SHIFT
    x.sum()
    g = np.ones_like(x)
    for before in reversed(inputs):
        g = g * y * np.cos(before)
    return g


def long(x: Any, y: Any, library: Any) -> Any:
    total = x
    for _ in range(LONG // 2):
        total = total + x * 1e-6
    return library.sum(total)


def long_by_hand(x: Array, y: Array) -> Array:
    total = x
    for _ in range(LONG // 2):
        total = total + x * 1e-6
    total.sum()
    g, d_x = np.ones_like(x), np.ones_like(x)
    for _ in range(LONG // 2):
        d_x = d_x + g * 1e-6
    return d_x


def by_hand(gradient: Callable[[Array, Array], Array]) -> Contestant:
    return _contestant(partial(gradient, *data()))


def adjoint(forward: Forward) -> Contestant:
    import adjoint as ad

    x, y = data()

    def call() -> Array:
        leaf = ad.tensor(x, requires_grad=True)
        forward(leaf, y, np).backward()
        return np.asarray(leaf.grad)

    return _contestant(call)


def autograd(forward: Forward) -> Contestant:
    import autograd.numpy as library
    from autograd import grad

    gradient = grad(forward)
    x, y = data()
    return _contestant(lambda: gradient(x, y, library))


def pytorch(forward: Forward) -> Contestant:
    import torch

    x, y = map(torch.from_numpy, data())

    def call() -> Array:
        leaf = x.clone().requires_grad_()
        forward(leaf, y, torch).backward()
        return leaf.grad.numpy()

    return _contestant(call)


def _contestant(call: Callable[[], Array]) -> Contestant:
    return contestant(repeated(call), call)


def race(title: str, forward: Forward, hand: Callable[..., Array], *, parts: int = LENGTH) -> Race:
    return Race(
        f"Recording {title}, ten numbers, {parts:,} operations, float64",
        "an operation",
        [
            Rival("adjoint, eager", partial(adjoint, forward), quick=True),
            Rival("hand-written NumPy", partial(by_hand, hand), quick=True),
            Rival("PyTorch, eager", partial(pytorch, forward), ("torch",)),
            Rival("autograd", partial(autograd, forward), ("autograd",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-11,
        parts=parts,
    )


RACES: dict[str, Callable[[], Race]] = {
    "operations-add": lambda: race("x + y", add, add_by_hand),
    "operations-multiply": lambda: race("x * y", multiply, multiply_by_hand),
    "operations-mixed": lambda: race("sin(x) * y + c", mixed, mixed_by_hand),
    "operations-long": lambda: race("s + x * c", long, long_by_hand, parts=LONG),
}
