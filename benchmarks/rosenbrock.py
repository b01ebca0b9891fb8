"""Rosenbrock's function in 100 dimensions: value and gradient, a call from Python, float64."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from time import perf_counter
from typing import Any

import numpy as np

from .c_code import address, library
from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, repeated

SIZE = 100
Array = np.ndarray[Any, Any]


def data() -> Array:
    return np.random.default_rng(0).uniform(-1, 1, SIZE)


def function(x: Any) -> Any:
    """Return the value, of any library's array."""
    return (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum()


def as_contestant(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    """Return the contestant of a call that gives value and gradient."""

    def result() -> Array:
        value, gradient = call()
        return np.append(np.asarray(gradient), float(value))

    return contestant(repeated(call), result, about)


def adjoint() -> Contestant:
    import adjoint as ad

    x, compiled = data(), ad.compile(ad.value_and_grad(function))
    return as_contestant(lambda: compiled(x), about=lambda: tier(compiled))


def adjoint_into_arrays() -> Contestant:
    import adjoint as ad

    x, compiled = data(), ad.compile(ad.value_and_grad(function))
    out = np.empty(()), np.empty(SIZE)
    return as_contestant(lambda: compiled(x, out=out), about=lambda: tier(compiled))


def adjoint_eager() -> Contestant:
    import adjoint as ad

    x, eager = data(), ad.value_and_grad(function)
    return as_contestant(lambda: eager(x))


def by_hand() -> Contestant:
    x = data()

    def call() -> Any:
        head = x[:-1]
        u, v = x[1:] - head * head, 1 - head
        d_x = np.empty_like(x)
        d_x[-1] = 0
        d_x[:-1] = -400 * head * u - 2 * v
        d_x[1:] += 200 * u
        return 100 * (u @ u) + v @ v, d_x

    return as_contestant(call)


def c_from_python() -> Contestant:
    x, d_x = data(), np.empty(SIZE)
    call = library("rosenbrock").value_and_gradient
    call.restype = ctypes.c_double
    arguments = (address(x), address(d_x), ctypes.c_int64(SIZE))
    return as_contestant(lambda: (call(*arguments), d_x))


def c_from_c() -> Contestant:
    """Return the function called in a loop in C: what the call from Python adds is left out."""
    checked = c_from_python()
    x, d_x = data(), np.empty(SIZE)
    repeat = library("rosenbrock").repeat
    repeat.restype = ctypes.c_double

    def run(count: int) -> float:
        start = perf_counter()
        repeat(address(x), address(d_x), ctypes.c_int64(SIZE), ctypes.c_int64(count))
        return perf_counter() - start

    return Contestant(run, checked.result, checked.start)


def jax_jit() -> Contestant:
    import jax

    jax.config.update("jax_enable_x64", True)
    x, compiled = data(), jax.jit(jax.value_and_grad(function))
    return as_contestant(lambda: jax.block_until_ready(compiled(x)))


def numba() -> Contestant:
    from .numba_loops import rosenbrock

    x = data()
    return as_contestant(lambda: rosenbrock(x))


def pytorch() -> Contestant:
    import torch

    x = data()

    def call() -> Any:
        leaf = torch.from_numpy(x).requires_grad_()
        value = function(leaf)
        value.backward()
        return value.item(), leaf.grad.numpy()

    return as_contestant(call)


def autograd() -> Contestant:
    import autograd.numpy as anp
    from autograd import value_and_grad

    def summed(x: Any) -> Any:
        return anp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)

    x, gradient = data(), value_and_grad(summed)
    return as_contestant(lambda: gradient(x))


def race() -> Race:
    return Race(
        "Rosenbrock in 100 dimensions, value and gradient, float64",
        "a call",
        [
            Rival("adjoint, compiled", adjoint, quick=True),
            Rival("adjoint, compiled, out=", adjoint_into_arrays, quick=True),
            Rival("adjoint, eager", adjoint_eager, quick=True),
            Rival("hand-written NumPy", by_hand, quick=True),
            Rival("C, -O3, from Python", c_from_python, ("cc",)),
            Rival("C, -O3, from C", c_from_c, ("cc",)),
            Rival("JAX, jit", jax_jit, ("jax",)),
            Rival("Numba, loops", numba, ("numba",)),
            Rival("PyTorch, eager", pytorch, ("torch",)),
            Rival("autograd", autograd, ("autograd",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-12,
    )
