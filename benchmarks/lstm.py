"""An LSTM's loss and the gradients of all its parameters: 64 to 128, 32 steps, batch 32."""

from __future__ import annotations

from typing import Any

import numpy as np

from .race import Race
from .reports import tier
from .rival import Contestant, Rival, of_gradients

FEATURES, HIDDEN, TIME, BATCH = 64, 128, 32, 32
Array = np.ndarray[Any, Any]


def data() -> tuple[Array, Array]:
    """Return a batch of sequences, and what the outputs at all steps are to be."""
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(BATCH, TIME, FEATURES)).astype(np.float32)
    return inputs, rng.uniform(-1, 1, size=(BATCH, TIME, HIDDEN)).astype(np.float32)


def weights() -> list[Array]:
    """Return W, b, U and c of the gates i, f, g and o side by side: x W + b + h U + c."""
    rng = np.random.default_rng(1)
    width = 4 * HIDDEN
    shapes = [(FEATURES, width), (width,), (HIDDEN, width), (width,)]
    return [(rng.normal(size=shape) / np.sqrt(HIDDEN)).astype(np.float32) for shape in shapes]


def layer() -> Any:
    """Return adjoint's layer with these weights."""
    from adjoint import nn

    model = nn.LSTM(FEATURES, HIDDEN, dtype=np.float32)
    for parameter, weight in zip(model.parameters(), weights(), strict=True):
        parameter.data = weight
    return model


def adjoint_compiled() -> Contestant:
    import adjoint as ad
    from adjoint.compiler.state import standing_in

    (x, target), model, arrays = data(), layer(), weights()
    parameters = list(model.parameters())

    def loss(values: Any, x: Any, target: Any) -> Any:
        with standing_in(parameters, values):
            return ((model(x)[0] - target) ** 2).mean()

    function = ad.compile(ad.value_and_grad(loss))
    return of_gradients(lambda: function(arrays, x, target), about=lambda: tier(function))


def adjoint_eager() -> Contestant:
    (x, target), model = data(), layer()

    def call() -> Any:
        model.zero_grad()
        loss = ((model(x)[0] - target) ** 2).mean()
        loss.backward()
        return loss.data, [parameter.grad.data for parameter in model.parameters()]

    return of_gradients(call)


def jax_scan() -> Contestant:
    import jax
    import jax.numpy as jnp

    x, target = map(jnp.asarray, data())
    parameters = [jnp.asarray(weight) for weight in weights()]

    def loss(parameters: Any) -> Any:
        W, b, U, c = parameters

        def step(state: Any, inputs: Any) -> Any:
            h, memory = state
            i, f, g, o = jnp.split(inputs + h @ U + c, 4, axis=1)
            memory = jax.nn.sigmoid(f) * memory + jax.nn.sigmoid(i) * jnp.tanh(g)
            h = jax.nn.sigmoid(o) * jnp.tanh(memory)
            return (h, memory), h

        zeros = jnp.zeros((BATCH, HIDDEN), jnp.float32)
        inputs = jnp.swapaxes(x @ W + b, 0, 1)
        _, outputs = jax.lax.scan(step, (zeros, zeros), inputs)
        return ((jnp.swapaxes(outputs, 0, 1) - target) ** 2).mean()

    function = jax.jit(jax.value_and_grad(loss))
    return of_gradients(lambda: jax.block_until_ready(function(parameters)))


def pytorch() -> Contestant:
    import torch

    x, target = map(torch.from_numpy, data())
    model = torch.nn.LSTM(FEATURES, HIDDEN, batch_first=True)
    W, b, U, c = map(torch.from_numpy, weights())
    # PyTorch's gates stand in the same order; its weights are transposed.
    parameters = [model.weight_ih_l0, model.bias_ih_l0, model.weight_hh_l0, model.bias_hh_l0]
    with torch.no_grad():
        for parameter, weight in zip(parameters, (W.T, b, U.T, c), strict=True):
            parameter.copy_(weight)

    def call() -> Any:
        outputs, _ = model(x)
        loss = ((outputs - target) ** 2).mean()
        d_W, d_b, d_U, d_c = torch.autograd.grad(loss, parameters)
        return loss.item(), (d_W.numpy().T, d_b.numpy(), d_U.numpy().T, d_c.numpy())

    return of_gradients(call)


def race() -> Race:
    return Race(
        "LSTM 64 to 128, 32 steps, batch 32, float32: loss and gradients of all parameters",
        "a call",
        [
            Rival("adjoint, compiled", adjoint_compiled),
            Rival("adjoint, eager", adjoint_eager, quick=True),
            Rival("JAX, scan, jit", jax_scan, ("jax",)),
            Rival("PyTorch", pytorch, ("torch",)),
        ],
        reference="adjoint, eager",
        tolerance=1e-3,
    )
