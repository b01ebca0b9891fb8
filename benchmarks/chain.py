"""A chain of 1,000 elementwise operations on 100 numbers, float64: value and gradients.

250 Euler steps of x' = y - x², four operations each, and the gradients of the sum of the last x
with respect to the first x and to y. A time is that of a call from Python.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from typing import Any

import numpy as np

from .c_code import address, library
from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, repeated

ROUNDS, SIZE, STEP = 250, 100, 0.01
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.uniform(size=SIZE), rng.uniform(0.5, 1.5, SIZE)


def forward(x: Any, y: Any) -> Any:
    """Return the sum of the last x, of any library's arrays."""
    for _ in range(ROUNDS):
        x = x + STEP * (y - x * x)
    return x.sum()


def as_contestant(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    """Return the contestant of a call that gives value and both gradients."""

    def result() -> Array:
        value, d_x, d_y = call()
        return np.concatenate([[float(value)], np.asarray(d_x), np.asarray(d_y)])

    return contestant(repeated(call), result, about)


def adjoint() -> Contestant:
    import adjoint as ad

    x, y = data()
    compiled = ad.compile(ad.value_and_grad(forward, argnums=(0, 1)))

    def call() -> Any:
        value, (d_x, d_y) = compiled(x, y)
        return value, d_x, d_y

    return as_contestant(call, about=lambda: tier(compiled))


def adjoint_eager() -> Contestant:
    import adjoint as ad

    x, y = data()
    function = ad.value_and_grad(forward, argnums=(0, 1))

    def call() -> Any:
        value, (d_x, d_y) = function(x, y)
        return value, d_x, d_y

    return as_contestant(call)


def by_hand() -> Contestant:
    x, y = data()

    def call() -> Any:
        states = np.empty((ROUNDS + 1, SIZE))
        states[0] = x
        for n in range(ROUNDS):
            states[n + 1] = states[n] + STEP * (y - states[n] * states[n])
        d_x, d_y = np.ones(SIZE), np.zeros(SIZE)
        for state in states[-2::-1]:
            d_y += STEP * d_x
            d_x -= 2 * STEP * state * d_x
        return states[-1].sum(), d_x, d_y

    return as_contestant(call)


def plain_c(*flags: str) -> Contestant:
    x, y = data()
    d_x, d_y = np.empty(SIZE), np.empty(SIZE)
    function = library("chain", *flags).value_and_gradients
    function.restype = ctypes.c_double
    arguments = (address(x), address(y), ctypes.c_double(STEP), address(d_x), address(d_y))
    return as_contestant(lambda: (function(*arguments), d_x, d_y))


def jax_unrolled() -> Contestant:
    return _jax(forward)


def jax_scan() -> Contestant:
    import jax

    def scanned(x: Any, y: Any) -> Any:
        last, _ = jax.lax.scan(lambda x, _: (x + STEP * (y - x * x), None), x, length=ROUNDS)
        return last.sum()

    return _jax(scanned)


def _jax(function: Callable[..., Any]) -> Contestant:
    import jax

    jax.config.update("jax_enable_x64", True)
    x, y = map(jax.numpy.asarray, data())
    compiled = jax.jit(jax.value_and_grad(function, argnums=(0, 1)))

    def call() -> Any:
        value, (d_x, d_y) = jax.block_until_ready(compiled(x, y))
        return value, d_x, d_y

    return as_contestant(call)


def numba() -> Contestant:
    from .numba_loops import euler

    x, y = data()
    return as_contestant(lambda: euler(x, y, STEP, ROUNDS))


def pytorch() -> Contestant:
    import torch

    x, y = data()

    def call() -> Any:
        leaves = [torch.from_numpy(a).requires_grad_() for a in (x, y)]
        value = forward(*leaves)
        value.backward()
        return value.item(), leaves[0].grad.numpy(), leaves[1].grad.numpy()

    return as_contestant(call)


def autograd() -> Contestant:
    import autograd.numpy as anp
    from autograd import value_and_grad

    x, y = data()

    def summed(both: Any) -> Any:
        x, y = both
        for _ in range(ROUNDS):
            x = x + STEP * (y - x * x)
        return anp.sum(x)

    function = value_and_grad(summed)

    def call() -> Any:
        value, (d_x, d_y) = function((x, y))
        return value, d_x, d_y

    return as_contestant(call)


def race() -> Race:
    return Race(
        "A chain of 1,000 elementwise operations on 100 numbers, value and gradients, float64",
        "a call",
        [
            Rival("adjoint, compiled", adjoint, quick=True),
            Rival("adjoint, eager", adjoint_eager, quick=True),
            Rival("hand-written NumPy", by_hand, quick=True),
            Rival("C, -O3", plain_c, ("cc",)),
            Rival("JAX, scan", jax_scan, ("jax",)),
            Rival("JAX, jit unrolled", jax_unrolled, ("jax",)),
            Rival("Numba, loops", numba, ("numba",)),
            Rival("PyTorch, eager", pytorch, ("torch",)),
            Rival("autograd", autograd, ("autograd",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-11,
    )
