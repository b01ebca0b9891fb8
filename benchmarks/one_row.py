"""One row through a network, 32-256-256-1 with GELU: what a call for a single prediction takes."""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, repeated

SIZES = (32, 256, 256, 1)
Array = np.ndarray[Any, Any]


def weights() -> list[tuple[Array, Array]]:
    rng = np.random.default_rng(0)
    return [(rng.normal(size=(m, n)) / np.sqrt(m), rng.normal(size=n)) for m, n in pairwise(SIZES)]


def rows(count: int) -> Array:
    """Return rows that are all the same, so that results of several can be compared with one."""
    return np.tile(np.random.default_rng(1).normal(size=SIZES[0]), (count, 1))


def as_contestant(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    return contestant(repeated(call), lambda: np.asarray(call())[:1], about)


def network() -> Any:
    """Return the network; GELU is the form with tanh, since NumPy has no erf."""
    from adjoint import nn

    layers: list[Any] = []
    for weight, bias in weights():
        layer = nn.Linear(*weight.shape)
        layer.weight, layer.bias = nn.Parameter(weight), nn.Parameter(bias)
        layers += [layer, nn.GELU("tanh")]
    return nn.Sequential(*layers[:-1])


def adjoint(count: int = 1) -> Contestant:
    import adjoint as ad

    x, compiled = rows(count), ad.compile(network())
    return as_contestant(lambda: compiled(x), about=lambda: tier(compiled))


def by_hand() -> Contestant:
    x, layers = rows(1), weights()
    scale = np.sqrt(2 / np.pi)

    def call() -> Array:
        h = x
        for weight, bias in layers[:-1]:
            h = h @ weight
            h += bias
            inner = h * h
            inner *= 0.044715
            inner += 1
            inner *= h
            inner *= scale
            np.tanh(inner, out=inner)
            inner += 1
            h *= inner
            h *= 0.5
        weight, bias = layers[-1]
        return h @ weight + bias

    return as_contestant(call)


def jax_jit() -> Contestant:
    import jax

    jax.config.update("jax_enable_x64", True)
    layers = weights()

    def predict(x: Any) -> Any:
        for weight, bias in layers[:-1]:
            x = jax.nn.gelu(x @ weight + bias)
        weight, bias = layers[-1]
        return x @ weight + bias

    x, compiled = rows(1), jax.jit(predict)
    return as_contestant(lambda: jax.block_until_ready(compiled(x)))


def pytorch() -> Contestant:
    import torch

    x, layers = torch.from_numpy(rows(1)), [tuple(map(torch.from_numpy, w)) for w in weights()]

    def call() -> Any:
        h = x
        with torch.inference_mode():
            for weight, bias in layers[:-1]:
                h = torch.nn.functional.gelu(torch.addmm(bias, h, weight), approximate="tanh")
            return torch.addmm(layers[-1][1], h, layers[-1][0])

    return as_contestant(call)


def race() -> Race:
    return Race(
        "One row through 32-256-256-1, GELU, float64",
        "a call",
        [
            Rival("adjoint, compiled", adjoint, quick=True),
            Rival("adjoint, compiled, two rows", lambda: adjoint(2), quick=True),
            Rival("hand-written NumPy", by_hand, quick=True),
            Rival("JAX, jit", jax_jit, ("jax",)),
            Rival("PyTorch, eager", pytorch, ("torch",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-12,
    )
