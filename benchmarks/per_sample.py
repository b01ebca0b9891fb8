"""The gradient of each row's loss: 784-128-10 with ReLU, 256 rows, float32."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, contestant, repeated

ROWS, SIZES = 256, (784, 128, 10)
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, SIZES[0])).astype(np.float32), rng.integers(0, SIZES[-1], ROWS)


def weights() -> list[Array]:
    rng = np.random.default_rng(1)
    shapes = [(SIZES[0], SIZES[1]), (SIZES[1],), (SIZES[1], SIZES[2]), (SIZES[2],)]
    return [(rng.normal(size=shape) / np.sqrt(shape[0])).astype(np.float32) for shape in shapes]


def as_contestant(call: Callable[[], Any], about: Callable[[], str] = lambda: "") -> Contestant:
    """All rivals write all gradients; those of every sixteenth row are compared."""

    def result() -> Array:
        return np.concatenate([np.asarray(g)[::16].ravel() for g in call()])

    return contestant(repeated(call), result, about)


def adjoint_loss(parameters: Any, x: Any, label: Any) -> Any:
    import adjoint as ad

    W1, b1, W2, b2 = parameters
    return ad.softmax_cross_entropy(np.maximum(x @ W1 + b1, 0) @ W2 + b2, label)


def adjoint() -> Contestant:
    import adjoint as ad

    (X, y), parameters = data(), weights()
    each = ad.compile(ad.vmap(ad.grad(adjoint_loss), in_axes=(None, 0, 0)))
    return as_contestant(lambda: each(parameters, X, y), about=lambda: tier(each))


def eager() -> Contestant:
    import adjoint as ad

    (X, y), parameters = data(), weights()
    each = ad.vmap(ad.grad(adjoint_loss), in_axes=(None, 0, 0))
    return as_contestant(lambda: each(parameters, X, y))


def loop() -> Contestant:
    import adjoint as ad

    (X, y), parameters = data(), weights()
    gradient = ad.grad(adjoint_loss)

    def call() -> list[Array]:
        rows = [gradient(parameters, x, label) for x, label in zip(X, y, strict=True)]
        return [np.stack(arrays) for arrays in zip(*rows, strict=True)]

    return as_contestant(call)


def by_hand() -> Contestant:
    (X, y), (W1, b1, W2, b2) = data(), weights()
    rows = np.arange(ROWS)

    def call() -> list[Array]:
        a = X @ W1 + b1
        h = np.maximum(a, 0)
        z = h @ W2 + b2
        z -= z.max(axis=1, keepdims=True)
        d_z = np.exp(z)
        d_z /= d_z.sum(axis=1, keepdims=True)
        d_z[rows, y] -= 1
        d_a = (d_z @ W2.T) * (a > 0)
        return [X[:, :, None] * d_a[:, None], d_a, h[:, :, None] * d_z[:, None], d_z]

    return as_contestant(call)


def jax_jit() -> Contestant:
    import jax
    import jax.numpy as jnp

    (X, y), parameters = map(jnp.asarray, data()), [jnp.asarray(p) for p in weights()]

    def loss(parameters: Any, x: Any, label: Any) -> Any:
        W1, b1, W2, b2 = parameters
        return -jax.nn.log_softmax(jnp.maximum(x @ W1 + b1, 0) @ W2 + b2)[label]

    each = jax.jit(jax.vmap(jax.grad(loss), in_axes=(None, 0, 0)))
    return as_contestant(lambda: jax.block_until_ready(each(parameters, X, y)))


def pytorch() -> Contestant:
    import torch

    (X, y), parameters = map(torch.from_numpy, data()), [torch.from_numpy(p) for p in weights()]

    def loss(parameters: Any, x: Any, label: Any) -> Any:
        W1, b1, W2, b2 = parameters
        return torch.nn.functional.cross_entropy(torch.relu(x @ W1 + b1) @ W2 + b2, label)

    each = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 0, 0))
    return as_contestant(lambda: each(parameters, X, y))


def race() -> Race:
    return Race(
        "The gradient of each of 256 rows' loss, 784-128-10, ReLU, float32",
        "a call",
        [
            Rival("adjoint, compiled vmap", adjoint, quick=True),
            Rival("adjoint, vmap", eager, quick=True),
            Rival("adjoint, a loop over the rows", loop),
            Rival("hand-written NumPy", by_hand, quick=True),
            Rival("JAX, jit of vmap", jax_jit, ("jax",)),
            Rival("PyTorch, vmap", pytorch, ("torch",)),
        ],
        reference="hand-written NumPy",
        tolerance=1e-3,
    )
